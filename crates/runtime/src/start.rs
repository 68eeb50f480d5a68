//! Starting and stopping: parameters, threads, listeners, signals, and the main thread's loop.

use crate::clock::SystemClock;
use crate::host::{AllocatedBytes, Control, SystemHost};
use crate::listen::{Dealer, Listeners};
use crate::log::Log;
use crate::worker;
use config::{CommandLine, Config, FileOnly, tables};
use engine::port::{Clock, Host, LogLevel, Shutdown};
use engine::server::{CINNABAR_VERSION, REDIS_VERSION};
use engine::{Module, Registry, Server};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::LocalSet;

/// What the binary brings.
pub struct Options {
    /// The modules.
    pub modules: &'static [&'static Module],
    /// The arguments after the program's name.
    pub args: Vec<String>,
    /// How many bytes the allocator has handed out.
    pub allocated: AllocatedBytes,
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A parameter is wrong.
    #[error("{0}")]
    Config(String),
    /// The operating system refused something.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// Descriptors the server needs besides those of its clients.
const DESCRIPTORS_RESERVED: u64 = 32;
/// Period of the main thread's clockwork.
const TICK: Duration = Duration::from_millis(100);

/// Runs a server until it is told to stop.
pub fn run(options: Options) -> Result<(), StartError> {
    let (config, path, file_only) = configure(&options)?;
    raise_descriptor_limit(&config);
    let log = Arc::new(Log::default());
    let logfile = config.text(config.require("logfile"));
    log.open(&logfile)
        .map_err(|error| StartError::Config(format!("logfile {logfile}: {error}")))?;
    log.set_threshold(config.choice(config.require("loglevel")) as u8);
    let (control, requests) = mpsc::unbounded_channel();
    let host = Arc::new(SystemHost::new(log, control, options.allocated)?);
    let workers = config.int(config.require("io-threads")).max(1) as usize;
    let shards = shards_for(workers);
    let renames = renames(&file_only)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let server = Server::new(options.modules, &renames, config, shards, clock, host.clone());
    let mut server = server.map_err(StartError::Config)?;
    server.config_file = path;
    let server = Arc::new(server);
    let password = server.config.text(server.config.require("requirepass"));
    server.users.set_default_password(&password);
    main_loop(&server, &host, workers, requests)
}

/// Shards: few for one worker, which then takes fewer locks for a batch; for several enough that two
/// batches of 32 keys seldom meet on one.
fn shards_for(workers: usize) -> usize {
    match workers {
        1 => 16,
        several => (several * 256).next_power_of_two().min(1 << 14),
    }
}

/// Reads the file, standard input and the command line, in this order.
fn configure(options: &Options) -> Result<(Config, Option<String>, FileOnly), StartError> {
    let line = CommandLine::parse(&options.args);
    let mut parameter_tables = tables::ALL.to_vec();
    parameter_tables.extend(Registry::params(options.modules));
    let mut config = Config::new(&parameter_tables);
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(128);
    config.set_default("io-threads", &cores.to_string());
    let directory = std::env::current_dir()?;
    config.set_default("dir", &directory.to_string_lossy());
    let mut include = |path: &str| std::fs::read_to_string(path).map_err(|error| error.to_string());
    let mut file_only = FileOnly::default();
    let wrong = |error: config::LoadError| StartError::Config(error.to_string());
    let mut path = None;
    if let Some(file) = &line.file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            StartError::Config(format!("Fatal error, can't open config file '{file}': {error}"))
        })?;
        file_only.extend(config.load(&text, file, &mut include).map_err(wrong)?);
        path = Some(std::fs::canonicalize(file)?.to_string_lossy().into_owned());
    }
    if line.stdin {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        file_only.extend(config.load(&text, "standard input", &mut include).map_err(wrong)?);
    }
    file_only.extend(config.load_args(&line, &mut include).map_err(wrong)?);
    let directory = config.text(config.require("dir"));
    std::env::set_current_dir(&*directory)
        .map_err(|error| StartError::Config(format!("Can't chdir to '{directory}': {error}")))?;
    Ok((config, path, file_only))
}

fn renames(file_only: &FileOnly) -> Result<Vec<(String, String)>, StartError> {
    let pair = |directive: &config::Directive| match &directive.args[..] {
        [from, to] => Ok((from.clone(), to.clone())),
        _ => Err(StartError::Config(directive.error("wrong number of arguments").to_string())),
    };
    file_only.renames.iter().map(pair).collect()
}

/// Lets the process open as many descriptors as `maxclients` asks for, as far as the system permits.
fn raise_descriptor_limit(config: &Config) {
    let wanted = config.int(config.require("maxclients")) as u64 + DESCRIPTORS_RESERVED;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft < wanted {
        // Privileged processes may raise the hard limit too; the others get what there is.
        let raised = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted));
        if raised.is_err() {
            let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        }
    }
}

/// Deals connections, obeys signals and requests, keeps the slow clockwork.
fn main_loop(
    server: &Arc<Server>,
    host: &Arc<SystemHost>,
    workers: usize,
    requests: UnboundedReceiver<Control>,
) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut senders = Vec::new();
    for index in 0..workers {
        let (sender, receiver) = mpsc::unbounded_channel();
        let shards = shards_of(index, workers, server.keyspace.shards());
        let server = server.clone();
        let name = format!("worker-{index}");
        std::thread::Builder::new()
            .name(name)
            .spawn(move || worker::run(server, shards, receiver))?;
        senders.push(sender);
    }
    let dealer = Rc::new(Dealer { server: server.clone(), workers: senders, turn: Cell::new(0) });
    LocalSet::new().block_on(&runtime, async {
        let mut listeners = Listeners::default();
        listeners.bind_tcp(&dealer).await.map_err(StartError::Config)?;
        listeners.bind_tls(&dealer).await.map_err(StartError::Config)?;
        listeners.bind_unix(&dealer).map_err(StartError::Config)?;
        announce(server, workers)?;
        tokio::task::spawn_local(clockwork(server.clone()));
        let reason = wait_for_stop(&dealer, host, &mut listeners, requests).await?;
        host.log(LogLevel::Warning, &format!("{reason}, bye bye..."));
        remove_traces(&server.config);
        Ok(())
    })
}

/// The shards whose expired keys a worker removes.
fn shards_of(worker: usize, workers: usize, shards: u16) -> std::ops::Range<u16> {
    let bound = |index: usize| (usize::from(shards) * index / workers) as u16;
    bound(worker)..bound(worker + 1)
}

fn announce(server: &Server, workers: usize) -> io::Result<()> {
    let config = &server.config;
    let port = config.int(config.require("port"));
    let pidfile = config.text(config.require("pidfile"));
    if !pidfile.is_empty() {
        std::fs::write(&*pidfile, format!("{}\n", std::process::id()))?;
    }
    let text = format!(
        "Cinnabar {CINNABAR_VERSION} (speaks Redis {REDIS_VERSION}) is ready: port {port}, {workers} \
         worker threads, pid {}",
        std::process::id()
    );
    server.host.log(LogLevel::Notice, &text);
    server.host.log(LogLevel::Notice, "Ready to accept connections");
    Ok(())
}

/// Files that say that a server runs go when it stops.
fn remove_traces(config: &Config) {
    for name in ["pidfile", "unixsocket"] {
        let path = config.text(config.require(name));
        if !path.is_empty() {
            let _ = std::fs::remove_file(&*path);
        }
    }
}

/// Serves requests of the workers until one, or a signal, says stop. Returns the reason.
async fn wait_for_stop(
    dealer: &Rc<Dealer>,
    host: &Arc<SystemHost>,
    listeners: &mut Listeners,
    mut requests: UnboundedReceiver<Control>,
) -> Result<&'static str, StartError> {
    let stop = Shutdown::default();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind)?;
        let host = host.clone();
        tokio::task::spawn_local(async move {
            while signals.recv().await.is_some() {
                host.log(LogLevel::Warning, "Received a signal to stop, scheduling shutdown...");
                // The channel lives as long as the loop below.
                let _ = host.shutdown(stop);
            }
        });
    }
    while let Some(request) = requests.recv().await {
        match request {
            Control::Shutdown(_) => return Ok("Cinnabar is now ready to exit"),
            Control::Reconfigure(names, reply) => {
                // A worker that gave up waiting gets no answer.
                let _ = reply.send(reconfigure(dealer, host, listeners, &names).await);
            }
        }
    }
    Ok("Nobody is left")
}

/// Puts changed parameters into effect.
async fn reconfigure(
    dealer: &Rc<Dealer>,
    host: &SystemHost,
    listeners: &mut Listeners,
    names: &[String],
) -> Result<(), String> {
    let config = &dealer.server.config;
    let changed = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    if changed(&["port", "bind"]) {
        listeners.bind_tcp(dealer).await.map_err(|error| {
            host.log(LogLevel::Warning, &error);
            let refused = match changed(&["port"]) {
                true => "Unable to listen on this port. Check server logs.",
                false => "Failed to bind to specified addresses.",
            };
            refused.to_owned()
        })?;
    }
    if names.iter().any(|name| name.starts_with("tls-")) || changed(&["bind"]) {
        listeners.bind_tls(dealer).await?;
    }
    if changed(&["maxclients"]) {
        raise_descriptor_limit(config);
    }
    if changed(&["loglevel"]) {
        host.log.set_threshold(config.choice(config.require("loglevel")) as u8);
    }
    if changed(&["dir"]) {
        let directory = config.text(config.require("dir"));
        std::env::set_current_dir(&*directory).map_err(|error| {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        })?;
        let resolved = std::env::current_dir().map_err(|error| error.to_string())?;
        let id = config.require("dir");
        config.assign(id, &resolved.to_string_lossy()).map_err(|reason| reason.into_owned())?;
    }
    Ok(())
}

/// Rates for INFO, and the end of connections that were idle for too long.
async fn clockwork(server: Arc<Server>) {
    let mut ticks = 0u64;
    let timeout = server.config.require("timeout");
    loop {
        tokio::time::sleep(TICK).await;
        server.stats.sample_rates(server.clock.monotonic_ns());
        ticks += 1;
        let timeout_ms = server.config.int(timeout).saturating_mul(1000);
        if timeout_ms > 0 && ticks.is_multiple_of(10) {
            let now_ms = server.now_ms();
            for client in server.clients.all() {
                let figures = client.figures();
                if !figures.blocked && now_ms - figures.last_active_ms > timeout_ms {
                    client.kill();
                }
            }
        }
    }
}
