//! How throughput grows with workers, without sockets and without a load generator to share cores with:
//! each thread drives its own worker and connections over pipelined requests, all on one keyspace.
//!
//! `scaling [--keys N] [--seconds S] [--pipeline P ...]` prints requests per second of one thread and of
//! two, in alternating rounds, and the ratio of the medians.

use config::{Config, tables};
use engine::clients::{Peer, Transport};
use engine::{Conn, Next, Registry, Server, Session, Worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stdx::prng::Prng;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rounds of each configuration; medians are printed.
const ROUNDS: usize = 5;
/// Connections that a thread serves in turn.
const CONNECTIONS: usize = 25;
/// Prepared pipelines per connection.
const PIPELINES: usize = 64;

struct Settings {
    keys: u64,
    seconds: f64,
    pipelines: Vec<usize>,
}

fn main() {
    let settings = settings();
    println!(
        "{:>9} {:>6} {:>14} {:>14} {:>6}",
        "pipeline", "mix", "1 thread/s", "2 threads/s", "ratio"
    );
    for &pipeline in &settings.pipelines {
        for (mix, sets_percent) in [("get", 0), ("set", 100)] {
            let rates = |threads| {
                let server = server(threads);
                fill(&server, settings.keys);
                rate(&server, threads, pipeline, sets_percent, &settings)
            };
            let (mut one, mut two) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                one.push(rates(1));
                two.push(rates(2));
            }
            let (one, two) = (median(&mut one), median(&mut two));
            println!("{pipeline:>9} {mix:>6} {one:>14.0} {two:>14.0} {:>6.2}", two / one);
        }
    }
}

fn settings() -> Settings {
    let args: Vec<String> = std::env::args().collect();
    let value = |name: &str| args.iter().position(|arg| arg == name).map(|at| args[at + 1].clone());
    Settings {
        keys: value("--keys").map_or(1_000_000, |text| text.parse().expect("a number of keys")),
        seconds: value("--seconds").map_or(1.0, |text| text.parse().expect("a number of seconds")),
        pipelines: match value("--pipeline") {
            Some(text) => vec![text.parse().expect("a number of requests")],
            None => vec![10, 50],
        },
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A server with as many shards as the binary gives this many workers.
fn server(threads: usize) -> Arc<Server> {
    let mut all = tables::ALL.to_vec();
    all.extend(Registry::params(catalog::MODULES));
    let clock = Arc::new(runtime::clock::SystemClock::default());
    let host = Arc::new(sim::VirtualHost::new(7));
    let shards = runtime::start::shards_for(threads);
    let server = Server::new(catalog::MODULES, &[], Config::new(&all), shards, clock, host);
    Arc::new(server.expect("the modules fit together"))
}

fn connect(server: &Server) -> Conn {
    let peer = Peer {
        addr: "127.0.0.1:1".to_owned(),
        laddr: "127.0.0.1:2".to_owned(),
        fd: 0,
        transport: Transport::Tcp,
        is_local: true,
    };
    let client = server.clients.add(peer, server.now_ms());
    Conn::new(Session::new(client, server.users.anonymous()))
}

fn set_request(key: u64) -> String {
    format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{key:012}\r\n$64\r\n{key:064}\r\n")
}

fn get_request(key: u64) -> String {
    format!("*2\r\n$3\r\nGET\r\n$16\r\nkey:{key:012}\r\n")
}

fn fill(server: &Server, keys: u64) {
    let (mut worker, mut conn, mut out) = (Worker::new(server), connect(server), Vec::new());
    for first in (0..keys).step_by(100) {
        let requests: String = (first..first + 100).map(set_request).collect();
        run(server, &mut worker, &mut conn, requests.as_bytes(), &mut out);
    }
}

/// Runs all requests of `input`, however often the core wants to be called again.
fn run(server: &Server, worker: &mut Worker, conn: &mut Conn, input: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    loop {
        out.clear();
        let progress = worker.process(server, conn, &input[at..], out);
        at += progress.consumed;
        match progress.next {
            Next::Read { .. } if at == input.len() => return,
            Next::Contended => std::thread::yield_now(),
            _ => {}
        }
    }
}

/// Requests per second of all threads together.
fn rate(server: &Arc<Server>, threads: usize, pipeline: usize, sets: u64, with: &Settings) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let work = |seed: u64| {
        let (server, stop, keys) = (server.clone(), stop.clone(), with.keys);
        std::thread::spawn(move || {
            let mut rng = Prng::new(seed);
            let request = |rng: &mut Prng| {
                let key = rng.below(keys);
                if rng.below(100) < sets { set_request(key) } else { get_request(key) }
            };
            let inputs: Vec<String> = (0..CONNECTIONS * PIPELINES)
                .map(|_| (0..pipeline).map(|_| request(&mut rng)).collect())
                .collect();
            let mut conns: Vec<Conn> = (0..CONNECTIONS).map(|_| connect(&server)).collect();
            let (mut worker, mut out) = (Worker::new(&server), Vec::new());
            let (mut done, start) = (0u64, Instant::now());
            for (input, conn) in inputs.iter().cycle().zip((0..CONNECTIONS).cycle()) {
                run(&server, &mut worker, &mut conns[conn], input.as_bytes(), &mut out);
                done += pipeline as u64;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
            done as f64 / start.elapsed().as_secs_f64()
        })
    };
    let workers: Vec<_> = (0..threads as u64).map(|thread| work(thread + 1)).collect();
    std::thread::sleep(Duration::from_secs_f64(with.seconds));
    stop.store(true, Ordering::Relaxed);
    workers.into_iter().map(|worker| worker.join().expect("a bench thread")).sum()
}
