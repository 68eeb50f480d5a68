//! Starting and stopping: parameters, threads, listeners, signals, and the main thread's loop.

use crate::clock::SystemClock;
use crate::daemon;
use crate::host::{AllocatedBytes, Control, SystemHost};
use crate::limits;
use crate::listen::{Dealer, Listeners};
use crate::log::Log;
use crate::reconfigure::reconfigure;
use crate::worker;
use config::{CommandLine, Config, FileOnly, tables};
use engine::clients::Client;
use engine::port::{Clock, Host, LogLevel, Shutdown};
use engine::server::{CINNABAR_VERSION, REDIS_VERSION};
use engine::{Module, Registry, Server};
use std::cell::Cell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
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
    /// The process in the background has ended; it has said why.
    #[error("the server in the background did not start")]
    Detached,
}

/// Period of the main thread's clockwork.
const TICK: Duration = Duration::from_millis(100);
/// Ticks between two looks at all clients.
const CLIENT_WATCH_TICKS: u64 = 5;

/// Where a daemon leaves its number, unless told otherwise.
const DAEMON_PIDFILE: &str = "/var/run/cinnabar.pid";

/// Runs a server until it is told to stop; where it is to run in the background, until it serves.
pub fn run(options: Options) -> Result<(), StartError> {
    let Configured { config, path, file_only, stdin } = configure(&options)?;
    refuse_unsupported(&config)?;
    if daemon::is_wanted(&config) && !daemon::is_child() {
        return match daemon::detach(&options.args, &stdin)? {
            true => Ok(()),
            false => Err(StartError::Detached),
        };
    }
    if daemon::is_child() {
        daemon::leave_session();
    }
    enter_directory(&config)?;
    let log = Arc::new(open_log(&config)?);
    let (control, requests) = mpsc::unbounded_channel();
    let host = Arc::new(SystemHost::new(log, control, options.allocated)?);
    if let Some(sentence) = limits::fit_clients_max(&config) {
        host.log(LogLevel::Warning, &sentence);
    }
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

/// What asks for something that does not exist here must not seem to work.
fn refuse_unsupported(config: &Config) -> Result<(), StartError> {
    if config.flag(config.require("syslog-enabled")) {
        let text = "syslog-enabled is not supported: use logfile, or let the service manager keep \
                    what the server prints";
        return Err(StartError::Config(text.to_owned()));
    }
    Ok(())
}

/// The log as the parameters say. A daemon without a file has nowhere to write to.
fn open_log(config: &Config) -> Result<Log, StartError> {
    let log = Log::default();
    let path = config.text(config.require("logfile"));
    if path.is_empty() && daemon::is_child() {
        log.close();
    }
    log.open(&path).map_err(|error| StartError::Config(format!("logfile {path}: {error}")))?;
    log.set_threshold(config.choice(config.require("loglevel")) as u8);
    Ok(log)
}

/// Shards: few for one worker, which then takes fewer locks for a batch; for several enough that
/// two batches of 32 keys seldom meet on one.
pub fn shards_for(workers: usize) -> usize {
    match workers {
        1 => 16,
        several => (several * 2048).next_power_of_two().min(1 << 15),
    }
}

/// What the arguments lead to.
struct Configured {
    config: Config,
    /// The file, its absolute path.
    path: Option<String>,
    file_only: FileOnly,
    /// What was read from standard input.
    stdin: String,
}

/// Reads the file, standard input and the command line, in this order.
fn configure(options: &Options) -> Result<Configured, StartError> {
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
    let mut stdin = String::new();
    if line.stdin {
        io::stdin().read_to_string(&mut stdin)?;
        file_only.extend(config.load(&stdin, "standard input", &mut include).map_err(wrong)?);
    }
    file_only.extend(config.load_args(&line, &mut include).map_err(wrong)?);
    Ok(Configured { config, path, file_only, stdin })
}

fn enter_directory(config: &Config) -> Result<(), StartError> {
    let directory = config.text(config.require("dir"));
    std::env::set_current_dir(&*directory)
        .map_err(|error| StartError::Config(format!("Can't chdir to '{directory}': {error}")))
}

fn renames(file_only: &FileOnly) -> Result<Vec<(String, String)>, StartError> {
    let pair = |directive: &config::Directive| match &directive.args[..] {
        [from, to] => Ok((from.clone(), to.clone())),
        _ => Err(StartError::Config(directive.error("wrong number of arguments").to_string())),
    };
    file_only.renames.iter().map(pair).collect()
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
        // Made here, where a system that is out of descriptors can still stop the start.
        let runtime = worker::runtime(&server)?;
        std::thread::Builder::new()
            .name(name)
            .spawn(move || worker::run(runtime, server, shards, receiver))?;
        senders.push(sender);
    }
    let dealer = Rc::new(Dealer { server: server.clone(), workers: senders, turn: Cell::new(0) });
    LocalSet::new().block_on(&runtime, async {
        let mut listeners = Listeners::default();
        listeners.bind_tcp(&dealer).await.map_err(StartError::Config)?;
        listeners.bind_tls(&dealer).await.map_err(StartError::Config)?;
        listeners.bind_unix(&dealer).map_err(StartError::Config)?;
        if listeners.is_empty() {
            let text = "Configured to not listen anywhere, exiting.";
            return Err(StartError::Config(text.to_owned()));
        }
        announce(server, workers)?;
        tokio::task::spawn_local(clockwork(server.clone()));
        let reason = wait_for_stop(&dealer, host, &mut listeners, requests).await?;
        if daemon::is_supervised(&server.config) {
            // A supervisor that went away needs to know nothing.
            let _ = daemon::notify("STOPPING=1\n");
        }
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

/// Says that the server serves: in the log, in the pidfile, to whoever started it.
fn announce(server: &Server, workers: usize) -> io::Result<()> {
    let (config, host) = (&server.config, &server.host);
    let port = config.int(config.require("port"));
    let pidfile = pidfile(config);
    if !pidfile.is_empty()
        && let Err(error) = std::fs::write(&pidfile, format!("{}\n", std::process::id()))
    {
        host.log(LogLevel::Warning, &format!("Failed to write PID file {pidfile}: {error}"));
    }
    let text = format!(
        "Cinnabar {CINNABAR_VERSION} (speaks Redis {REDIS_VERSION}) is ready: port {port}, \
         {workers} worker threads, pid {}",
        std::process::id()
    );
    host.log(LogLevel::Notice, &text);
    host.log(LogLevel::Notice, "Ready to accept connections");
    if daemon::is_supervised(config)
        && let Err(error) = daemon::notify("STATUS=Ready to accept connections\nREADY=1\n")
    {
        host.log(LogLevel::Warning, &error);
    }
    if daemon::is_child() { daemon::report_ready() } else { Ok(()) }
}

/// Where the process leaves its number; empty for nowhere.
fn pidfile(config: &Config) -> String {
    let path = config.text(config.require("pidfile"));
    if path.is_empty() && daemon::is_child() {
        return DAEMON_PIDFILE.to_owned();
    }
    path.to_string()
}

/// Files that say that a server runs go when it stops.
fn remove_traces(config: &Config) {
    let socket = config.text(config.require("unixsocket"));
    for path in [&*pidfile(config), &*socket] {
        if !path.is_empty() {
            let _ = std::fs::remove_file(path);
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

/// Rates for INFO, and the end of connections that break a limit of time.
async fn clockwork(server: Arc<Server>) {
    let mut ticks = 0u64;
    let mut watch = ClientWatch::default();
    loop {
        tokio::time::sleep(TICK).await;
        server.stats.sample_rates(server.clock.monotonic_ns());
        ticks += 1;
        if ticks.is_multiple_of(CLIENT_WATCH_TICKS) {
            watch.look(&server);
        }
    }
}

/// Ends connections that were idle, or whose output stayed above the soft limit, for too long.
#[derive(Default)]
struct ClientWatch {
    /// Since when the output of these connections is above the limit, in milliseconds since 1970.
    above_since_ms: HashMap<u64, i64>,
}

impl ClientWatch {
    fn look(&mut self, server: &Server) {
        let config = &server.config;
        let timeout_ms = config.int(config.require("timeout")).saturating_mul(1000);
        let limits = config.text(server.ids.output_limits);
        let [normal, ..] = config::special::output_limits(&limits);
        let has_soft_limit = normal.soft_bytes > 0;
        if timeout_ms == 0 && !has_soft_limit {
            self.above_since_ms.clear();
            return;
        }
        let now_ms = server.now_ms();
        let mut still_above = HashMap::new();
        for client in server.clients.all() {
            let figures = client.figures();
            let idle_ms = now_ms - figures.last_active_ms;
            if timeout_ms > 0 && !figures.blocked && idle_ms > timeout_ms {
                client.kill();
            }
            if has_soft_limit && figures.output_bytes > normal.soft_bytes {
                let since_ms = *self.above_since_ms.get(&client.id).unwrap_or(&now_ms);
                still_above.insert(client.id, since_ms);
                if now_ms - since_ms > i64::from(normal.soft_seconds) * 1000 {
                    end_above_limit(server, &client);
                }
            }
        }
        self.above_since_ms = still_above;
    }
}

fn end_above_limit(server: &Server, client: &Client) {
    if client.is_killed() {
        return;
    }
    client.kill();
    server.stats.output_limit_disconnections.fetch_add(1, Ordering::Relaxed);
    let text = format!(
        "Client id={} addr={} is closed: its output stayed above the soft limit",
        client.id, client.peer.addr
    );
    server.host.log(LogLevel::Warning, &text);
}
