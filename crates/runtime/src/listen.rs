//! Listening: sockets are bound from the parameters, and each accepted connection is dealt to a
//! worker.
//!
//! One acceptor deals round robin, since the kernel's own balancing (SO_REUSEPORT) spreads few
//! long-lived connections unevenly.

use crate::tls::Handshake;
use crate::worker::{Accepted, Socket};
use config::Config;
use engine::Server;
use engine::clients::{Peer, Transport};
use engine::port::LogLevel;
use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, TcpKeepalive, Type};
use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
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
const PROTECTED: &[u8] = b"-DENIED Cinnabar is running in protected mode: no password is set for \
the default user, so only connections from this machine are accepted. To connect from elsewhere, \
set a password (CONFIG SET requirepass, or requirepass in the configuration file) or switch the \
protection off (CONFIG SET protected-mode no), knowing that then anybody who reaches the port can \
do anything.\r\n";
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

/// What listens.
#[derive(Default)]
pub struct Listeners {
    tcp: Vec<Listening>,
    tls: Vec<Listening>,
    unix: Option<JoinHandle<()>>,
    /// How encryption begins, shared with the accepting tasks so that new certificates hold at
    /// once.
    handshake: SharedHandshake,
}

type SharedHandshake = Rc<RefCell<Option<Handshake>>>;

/// A bound address and its accepting task, which owns the socket.
struct Listening {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listening {
    /// Closes the socket; it is closed on return.
    async fn close(self) {
        self.task.abort();
        // The result is that it was aborted.
        let _ = self.task.await;
    }
}

impl Listeners {
    /// Whether nobody could connect.
    pub fn is_empty(&self) -> bool {
        self.tcp.is_empty() && self.tls.is_empty() && self.unix.is_none()
    }

    /// Binds TCP as the parameters say; on an error all is as it was before.
    pub async fn bind_tcp(&mut self, dealer: &Rc<Dealer>) -> Result<(), String> {
        let config = &dealer.server.config;
        let port = config.int(config.require("port")) as u16;
        rebind(dealer, &mut self.tcp, port, None).await
    }

    /// Binds the TLS port and reads the certificates as the parameters say; on an error all is as
    /// it was before.
    pub async fn bind_tls(&mut self, dealer: &Rc<Dealer>) -> Result<(), String> {
        let config = &dealer.server.config;
        let port = config.int(config.require("tls-port")) as u16;
        if port != 0 {
            let handshake = Handshake::from_config(config)?;
            let old = self.handshake.replace(Some(handshake));
            let bound = rebind(dealer, &mut self.tls, port, Some(&self.handshake)).await;
            if bound.is_err() {
                self.handshake.replace(old);
            }
            return bound;
        }
        rebind(dealer, &mut self.tls, port, None).await
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

/// Brings listeners in line with `bind` and a port. Those that stay are not touched: no connection
/// that waits to be accepted is lost. The others close first, since the new ones may overlap with
/// them.
async fn rebind(
    dealer: &Rc<Dealer>,
    listeners: &mut Vec<Listening>,
    port: u16,
    handshake: Option<&SharedHandshake>,
) -> Result<(), String> {
    let config = &dealer.server.config;
    let backlog = config.int(config.require("tcp-backlog")) as i32;
    let wanted = addresses(&config.text(config.require("bind")), port)?;
    let stays = |listening: &Listening| wanted.iter().any(|want| want.address == listening.address);
    let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(listeners).into_iter().partition(stays);
    *listeners = kept;
    let mut closed = Vec::new();
    for listening in gone {
        closed.push(listening.address);
        listening.close().await;
    }
    let spawn = |(address, listener)| Listening {
        address,
        task: tokio::task::spawn_local(accept_tcp(dealer.clone(), listener, handshake.cloned())),
    };
    let is_new = |want: &&Wanted| listeners.iter().all(|kept| kept.address != want.address);
    let new: Vec<&Wanted> = wanted.iter().filter(is_new).collect();
    match listen_all(&new, backlog) {
        Ok(sockets) => {
            listeners.extend(sockets.into_iter().map(spawn));
            Ok(())
        }
        Err(error) => {
            let again = closed.into_iter().filter_map(|at| Some((at, listen(at, backlog).ok()?)));
            listeners.extend(again.map(spawn));
            Err(error)
        }
    }
}

/// An address to listen on.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    address: SocketAddr,
    /// Whether the machine may lack it.
    is_optional: bool,
}

/// The addresses of a `bind` text: `*` is every IPv4 address, `::*` every IPv6 one, `-` before one
/// makes it optional. Port 0 is none.
fn addresses(bind: &str, port: u16) -> Result<Vec<Wanted>, String> {
    let words: Vec<&str> = match bind.split_whitespace().collect::<Vec<_>>() {
        _ if port == 0 => Vec::new(),
        words if words.is_empty() => vec!["*", "-::*"],
        words => words,
    };
    let mut wanted: Vec<Wanted> = Vec::new();
    for word in words {
        let host = word.strip_prefix('-').unwrap_or(word);
        let ip = resolve(host).map_err(|error| format!("Could not find host {host}: {error}"))?;
        let address = SocketAddr::new(ip, port);
        if wanted.iter().all(|known| known.address != address) {
            wanted.push(Wanted { address, is_optional: host.len() < word.len() });
        }
    }
    Ok(wanted)
}

fn listen_all(wanted: &[&Wanted], backlog: i32) -> Result<Vec<(SocketAddr, TcpListener)>, String> {
    let mut sockets = Vec::new();
    for want in wanted {
        match listen(want.address, backlog) {
            Ok(socket) => sockets.push((want.address, socket)),
            Err(error) if is_absence(&error, want.is_optional) => {}
            Err(error) => return Err(format!("Could not listen on {}: {error}", want.address)),
        }
    }
    Ok(sockets)
}

/// Whether the machine just lacks the address, optional, or its whole family.
fn is_absence(error: &io::Error, is_optional: bool) -> bool {
    let families = [Errno::EAFNOSUPPORT, Errno::EPFNOSUPPORT, Errno::EPROTONOSUPPORT];
    let is = |known: Errno| error.raw_os_error() == Some(known as i32);
    families.into_iter().any(is) || (is_optional && is(Errno::EADDRNOTAVAIL))
}

fn resolve(host: &str) -> io::Result<IpAddr> {
    use std::net::ToSocketAddrs;
    match host {
        "*" => Ok(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        "::*" => Ok(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        host => {
            let mut found = (host, 0).to_socket_addrs()?;
            let first = found.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
            Ok(first.ip())
        }
    }
}

fn listen(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = socket2::Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

/// `ip:port`, an IPv6 address in brackets and without its zone.
fn endpoint(address: SocketAddr) -> String {
    SocketAddr::new(address.ip(), address.port()).to_string()
}

async fn accept_tcp(dealer: Rc<Dealer>, listener: TcpListener, handshake: Option<SharedHandshake>) {
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
            addr: endpoint(address),
            laddr: endpoint(local),
            fd: stream.as_raw_fd(),
            transport: Transport::Tcp,
            is_local,
        };
        let encrypted = handshake.as_ref().and_then(|shared| shared.borrow().clone());
        let socket = match encrypted {
            Some(handshake) => Socket::Tls(stream, handshake),
            None if handshake.is_some() => continue,
            None => Socket::Tcp(stream),
        };
        dealer.deal(socket, peer);
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
        dealer.deal(Socket::Unix(stream), peer);
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

    /// Hands a connection to the worker whose turn it is. It counts from here on, so that many
    /// arrivals at once cannot exceed `maxclients`.
    fn deal(&self, socket: Socket, peer: Peer) {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.workers.len());
        self.server.stats.connections.fetch_add(1, Ordering::Relaxed);
        let client = self.server.clients.add(peer, self.server.now_ms());
        // A worker that is gone means that the server is stopping.
        let _ = self.workers[turn].send(Accepted { socket, client });
    }

    async fn note_accept_error(&self, error: &io::Error) {
        let exhausted = [Errno::EMFILE, Errno::ENFILE, Errno::ENOBUFS, Errno::ENOMEM];
        let is_exhausted = exhausted.iter().any(|e| error.raw_os_error() == Some(*e as i32));
        let level = if is_exhausted { LogLevel::Warning } else { LogLevel::Verbose };
        self.server.host.log(level, &format!("Accepting client connection: {error}"));
        // Other errors are the end of that connection only, and the next one must not wait for it.
        if is_exhausted {
            tokio::time::sleep(ACCEPT_RETRY).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_texts() {
        let found = addresses("127.0.0.1 -::1 127.0.0.1 * -::*", 7).expect("they are literals");
        let shown: Vec<_> =
            found.iter().map(|want| (want.address.to_string(), want.is_optional)).collect();
        let want =
            [("127.0.0.1:7", false), ("[::1]:7", true), ("0.0.0.0:7", false), ("[::]:7", true)];
        assert!(shown.iter().map(|(a, o)| (a.as_str(), *o)).eq(want));
        assert_eq!(addresses("127.0.0.1", 0), Ok(Vec::new()));
        assert_eq!(addresses("", 7).map(|all| all.len()), Ok(2));
        assert!(addresses("no/such host", 7).is_err());
    }

    #[test]
    fn only_a_lacking_address_is_forgiven() {
        let error = |errno: Errno| io::Error::from_raw_os_error(errno as i32);
        assert!(is_absence(&error(Errno::EADDRNOTAVAIL), true));
        assert!(is_absence(&error(Errno::EAFNOSUPPORT), false));
        assert!(!is_absence(&error(Errno::EADDRNOTAVAIL), false));
        assert!(!is_absence(&error(Errno::EADDRINUSE), true));
    }

    #[test]
    fn endpoints_read_as_in_redis() {
        for (address, want) in [
            ("127.0.0.1:6379", "127.0.0.1:6379"),
            ("[::1]:6379", "[::1]:6379"),
            ("[fe80::1%3]:80", "[fe80::1]:80"),
        ] {
            assert_eq!(endpoint(address.parse().expect("an address")), want);
        }
    }
}
