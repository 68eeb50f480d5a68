//! Listening: sockets are bound from the parameters, and each accepted connection is dealt to a worker.
//!
//! One acceptor deals round robin, since the kernel's own balancing (SO_REUSEPORT) spreads few
//! long-lived connections unevenly.

use crate::bind::{self, Address, Bound};
use crate::tls::Handshake;
use crate::worker::{Accepted, Socket};
use config::Config;
use engine::Server;
use engine::clients::{Peer, Transport};
use engine::port::LogLevel;
use socket2::{SockRef, TcpKeepalive};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

/// Told to clients from elsewhere while nothing protects the data.
const PROTECTED: &[u8] = b"-DENIED Cinnabar is running in protected mode: no password is set for the \
default user, so only connections from this machine are accepted. To connect from elsewhere, set a \
password (CONFIG SET requirepass, or requirepass in the configuration file) or switch the protection \
off (CONFIG SET protected-mode no), knowing that then anybody who reaches the port can do anything.\r\n";
const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";
/// Pause after an error of accept (no descriptors left, say), so that it is not retried in a spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Deals connections to workers in turn.
pub struct Dealer {
    /// The server.
    pub server: Arc<Server>,
    /// Where each worker gets its connections.
    pub workers: Vec<UnboundedSender<Accepted>>,
    /// The worker whose turn it is.
    pub turn: Cell<usize>,
}

/// The accepting tasks, by what would make them change.
#[derive(Default)]
pub struct Listeners {
    tcp: Bound,
    tls: Bound,
    unix: Option<JoinHandle<()>>,
    /// What TLS connections are greeted with; replaced under the running tasks.
    handshake: Rc<RefCell<Option<Handshake>>>,
}

impl Listeners {
    /// Binds TCP as the parameters say; on an error the old listeners stay.
    pub async fn bind_tcp(&mut self, dealer: &Rc<Dealer>) -> Result<(), String> {
        let config = &dealer.server.config;
        let port = config.int(config.require("port")) as u16;
        let spawn = |listener| {
            tokio::task::spawn_local(accept_tcp(dealer.clone(), listener, Rc::default()))
        };
        self.tcp.move_to(&addresses(config, port)?, backlog(config), &spawn).await
    }

    /// Binds the TLS port as the parameters say; on an error the old listeners stay.
    pub async fn bind_tls(&mut self, dealer: &Rc<Dealer>) -> Result<(), String> {
        let config = &dealer.server.config;
        let port = config.int(config.require("tls-port")) as u16;
        let handshake = match port {
            0 => None,
            _ => Some(Handshake::from_config(config)?),
        };
        let current = self.handshake.clone();
        let spawn = |listener| {
            tokio::task::spawn_local(accept_tcp(dealer.clone(), listener, current.clone()))
        };
        let before = self.handshake.replace(handshake);
        let moved = self.tls.move_to(&addresses(config, port)?, backlog(config), &spawn).await;
        if moved.is_err() {
            self.handshake.replace(before);
        }
        moved
    }

    /// Binds the Unix socket, if one is configured.
    pub fn bind_unix(&mut self, dealer: &Rc<Dealer>) -> Result<(), String> {
        let config = &dealer.server.config;
        let path = config.text(config.require("unixsocket"));
        if path.is_empty() {
            return Ok(());
        }
        let describe = |error: io::Error| format!("unixsocket {path}: {error}");
        remove_stale_socket(&path);
        let listener = UnixListener::bind(&*path).map_err(describe)?;
        let mode = config.int(config.require("unixsocketperm")) as u32;
        if mode != 0 {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&*path, permissions).map_err(describe)?;
        }
        let task = accept_unix(dealer.clone(), listener, path.to_string());
        self.unix = Some(tokio::task::spawn_local(task));
        Ok(())
    }
}

/// A socket file that nobody answers on is left from an earlier run.
fn remove_stale_socket(path: &str) {
    let answers = std::os::unix::net::UnixStream::connect(path).is_ok();
    if !answers {
        let _ = std::fs::remove_file(path);
    }
}

/// Where `bind` says to listen.
fn addresses(config: &Config, port: u16) -> Result<Vec<Address>, String> {
    match port {
        0 => Ok(Vec::new()),
        port => bind::parse(&config.text(config.require("bind")), port),
    }
}

fn backlog(config: &Config) -> i32 {
    config.int(config.require("tcp-backlog")) as i32
}

async fn accept_tcp(
    dealer: Rc<Dealer>,
    listener: TcpListener,
    handshake: Rc<RefCell<Option<Handshake>>>,
) {
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                dealer.note_accept_error(&error).await;
                continue;
            }
        };
        let Ok(stream) = stream.into_std() else { continue };
        let Ok(local) = stream.local_addr() else { continue };
        let is_local = address.ip().to_canonical().is_loopback();
        if let Some(refusal) = dealer.refusal(is_local) {
            refuse(stream, refusal);
            continue;
        }
        tune(&dealer.server.config, &stream);
        let peer = Peer {
            addr: address.to_string(),
            laddr: local.to_string(),
            fd: stream.as_raw_fd(),
            transport: Transport::Tcp,
            is_local,
        };
        let socket = match &*handshake.borrow() {
            Some(handshake) => Socket::Tls(stream, handshake.clone()),
            None => Socket::Tcp(stream),
        };
        dealer.deal(Accepted { socket, peer });
    }
}

async fn accept_unix(dealer: Rc<Dealer>, listener: UnixListener, path: String) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                dealer.note_accept_error(&error).await;
                continue;
            }
        };
        let Ok(mut stream) = stream.into_std() else { continue };
        if let Some(refusal) = dealer.refusal(true) {
            // A refused client that does not even read the reason is no loss.
            let _ = stream.write(refusal);
            continue;
        }
        let (addr, laddr) = (format!("{path}:0"), format!("{path}:0"));
        let (fd, transport) = (stream.as_raw_fd(), Transport::Unix);
        let peer = Peer { addr, laddr, fd, transport, is_local: true };
        dealer.deal(Accepted { socket: Socket::Unix(stream), peer });
    }
}

/// Sends a refusal and closes; the socket is fresh, so the line fits its buffer.
fn refuse(mut stream: TcpStream, text: &[u8]) {
    let _ = stream.write(text);
}

/// No delay for small replies, and probes for peers that went silent.
fn tune(config: &Config, stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let seconds = config.int(config.require("tcp-keepalive"));
    if seconds > 0 {
        let idle = Duration::from_secs(seconds as u64);
        let interval = Duration::from_secs((seconds as u64 / 3).max(1));
        let keepalive = TcpKeepalive::new().with_time(idle).with_interval(interval).with_retries(3);
        let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
    }
}

impl Dealer {
    /// Why a new connection must be turned away, if it must.
    fn refusal(&self, is_local: bool) -> Option<&'static [u8]> {
        let server = &self.server;
        server.stats.connections.fetch_add(1, Ordering::Relaxed);
        let config = &server.config;
        let clients_max = config.int(config.require("maxclients"));
        let refusal = if server.clients.len() as i64 >= clients_max {
            TOO_MANY
        } else if !is_local
            && config.flag(config.require("protected-mode"))
            && server.users.is_open()
        {
            PROTECTED
        } else {
            return None;
        };
        server.stats.rejected_connections.fetch_add(1, Ordering::Relaxed);
        Some(refusal)
    }

    fn deal(&self, accepted: Accepted) {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.workers.len());
        // A worker that is gone means that the server is stopping.
        let _ = self.workers[turn].send(accepted);
    }

    async fn note_accept_error(&self, error: &io::Error) {
        let text = format!("A connection could not be accepted: {error}");
        self.server.host.log(LogLevel::Warning, &text);
        tokio::time::sleep(ACCEPT_RETRY).await;
    }
}
