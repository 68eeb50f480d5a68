//! A worker thread: a tokio current-thread runtime with the connections that were dealt to it.

use crate::connection::Driver;
use crate::stream::Stream;
use crate::tls::Handshake;
use engine::clients::Client;
use engine::port::LogLevel;
use engine::stats::WorkerStats;
use engine::{Conn, Server, Session, Worker};
use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::LocalSet;

/// Bytes of a worker's read buffer.
const BUFFER_BYTES: usize = 16 << 10;
/// How often expired keys are looked for.
const SWEEP_PERIOD: Duration = Duration::from_millis(100);
/// Segments visited in one go of a sweep, for each shard and database.
const SWEEP_SEGMENTS_MAX: usize = 4;

/// A connection that was accepted, on its way to a worker.
pub struct Accepted {
    /// The socket.
    pub socket: Socket,
    /// What others see of it.
    pub client: Arc<Client>,
}

/// An accepted socket.
pub enum Socket {
    /// TCP.
    Tcp(std::net::TcpStream),
    /// TCP on the TLS port.
    Tls(std::net::TcpStream, Handshake),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixStream),
}

/// What the connections of one worker share.
pub struct Local {
    /// The core's worker and the buffers. Borrowed only while a connection is being processed.
    pub shared: RefCell<Shared>,
    /// Bytes of the buffers.
    pub buffer_bytes: usize,
}

/// The parts that change.
pub struct Shared {
    /// The core.
    pub worker: Worker,
    /// Read buffer.
    pub input: Vec<u8>,
    /// Reply buffer.
    pub output: Vec<u8>,
}

impl Local {
    /// Removes some of a shard's expired keys; true if there are more.
    fn sweep(&self, server: &Server, shard: u16) -> bool {
        let worker = &mut self.shared.borrow_mut().worker;
        worker.sweep(server, shard..shard + 1, SWEEP_SEGMENTS_MAX)
    }
}

/// Measures the rounds of a worker's event loop, from the moment it wakes until it waits again.
///
/// Under a load that never lets the worker wait, a round goes on; it is counted when it ends.
#[derive(Default)]
pub struct Rounds {
    stats: OnceLock<Arc<WorkerStats>>,
    woken_ns: AtomicU64,
}

impl Rounds {
    // Ordering: relaxed; only the worker's own thread comes here.
    fn begin(&self, server: &Server) {
        self.woken_ns.store(server.clock.monotonic_ns(), Ordering::Relaxed);
    }

    fn end(&self, server: &Server) {
        let (Some(stats), since_ns) = (self.stats.get(), self.woken_ns.load(Ordering::Relaxed))
        else {
            return;
        };
        if since_ns != 0 {
            stats.cycles.add(1);
            stats.cycles_ns.add(server.clock.monotonic_ns().saturating_sub(since_ns));
        }
    }
}

/// The runtime of a worker.
pub fn runtime(server: &Arc<Server>) -> io::Result<(Runtime, Arc<Rounds>)> {
    let rounds = Arc::new(Rounds::default());
    let (waking, waiting) = ((server.clone(), rounds.clone()), (server.clone(), rounds.clone()));
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .on_thread_unpark(move || waking.1.begin(&waking.0))
        .on_thread_park(move || waiting.1.end(&waiting.0))
        .build()?;
    Ok((runtime, rounds))
}

/// Runs a worker on its runtime until its channel closes. `shards` are those it keeps free of
/// expired keys.
pub fn run(
    (runtime, rounds): (Runtime, Arc<Rounds>),
    server: Arc<Server>,
    shards: Range<u16>,
    mut accepted: UnboundedReceiver<Accepted>,
) {
    let worker = Worker::new(&server);
    rounds.stats.get_or_init(|| worker.stats.clone());
    let local = Rc::new(Local {
        shared: RefCell::new(Shared {
            worker,
            input: Vec::with_capacity(BUFFER_BYTES),
            output: Vec::with_capacity(BUFFER_BYTES),
        }),
        buffer_bytes: BUFFER_BYTES,
    });
    LocalSet::new().block_on(&runtime, async move {
        tokio::task::spawn_local(sweep(server.clone(), local.clone(), shards));
        while let Some(Accepted { socket, client }) = accepted.recv().await {
            tokio::task::spawn_local(serve(server.clone(), local.clone(), socket, client));
        }
    });
}

async fn serve(server: Arc<Server>, local: Rc<Local>, socket: Socket, client: Arc<Client>) {
    let id = client.id;
    let user = server.users.anonymous();
    let conn = Conn::new(Session::new(client, user));
    match open(socket).await {
        Ok(stream) => Driver::new(server, local, stream, conn).serve().await,
        Err(reason) => {
            let text = format!("Error accepting a client connection: {reason}");
            server.host.log(LogLevel::Verbose, &text);
            server.clients.remove(id);
        }
    }
}

/// Registers the socket with this worker's event queue and begins encryption. The error says why
/// the connection is of no use.
async fn open(socket: Socket) -> Result<Stream, String> {
    let describe = |error: std::io::Error| error.to_string();
    match socket {
        Socket::Tcp(socket) => TcpStream::from_std(socket).map(Stream::Tcp).map_err(describe),
        Socket::Unix(socket) => UnixStream::from_std(socket).map(Stream::Unix).map_err(describe),
        Socket::Tls(socket, handshake) => {
            let socket = TcpStream::from_std(socket).map_err(describe)?;
            handshake.accept(socket).await.map(|stream| Stream::Tls(Box::new(stream)))
        }
    }
}

/// Removes expired keys in small helpings, more often while there are many.
async fn sweep(server: Arc<Server>, local: Rc<Local>, shards: Range<u16>) {
    loop {
        tokio::time::sleep(SWEEP_PERIOD).await;
        for shard in shards.clone() {
            while local.sweep(&server, shard) {
                tokio::task::yield_now().await;
            }
        }
    }
}
