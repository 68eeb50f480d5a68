//! The addresses of one port, and moving to others while the server runs.
//!
//! Two listening sockets cannot hold the same address, and `*` holds that of every other one. So a
//! move closes what is no longer wanted before it binds what is new; when that fails it takes the
//! closed addresses back. Sockets that stay are not touched: their queues of connections survive.

use socket2::{Domain, Protocol, SockAddr, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// Where.
    pub address: SocketAddr,
    /// Whether a machine without it is no error.
    pub optional: bool,
}

/// The words of `bind`: `*` and `::*` are every address of a family, `-` before one makes it optional.
pub fn parse(text: &str, port: u16) -> Result<Vec<Address>, String> {
    let words = if text.trim().is_empty() { "* -::*" } else { text };
    let address = |word: &str| {
        let (optional, host) = match word.strip_prefix('-') {
            Some(host) => (true, host),
            None => (false, word),
        };
        let ip = resolve(host).map_err(|error| could_not(host, port, &error))?;
        Ok(Address { address: SocketAddr::new(ip, port), optional })
    };
    words.split_whitespace().map(address).collect()
}

fn could_not(host: &str, port: u16, error: &io::Error) -> String {
    format!("Could not listen on {host}:{port}: {error}")
}

fn resolve(host: &str) -> io::Result<IpAddr> {
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

/// Starts the task that accepts from a socket and owns it.
pub type Spawn<'a> = &'a dyn Fn(TcpListener) -> JoinHandle<()>;

/// The sockets of one port.
#[derive(Default)]
pub struct Bound {
    open: Vec<(Address, JoinHandle<()>)>,
}

impl Bound {
    /// Listens on exactly the wanted addresses, or, on an error, on what it listened on before.
    pub async fn move_to(
        &mut self,
        wanted: &[Address],
        backlog: i32,
        spawn: Spawn<'_>,
    ) -> Result<(), String> {
        let before = std::mem::take(&mut self.open);
        let is_wanted = |held: &Address| wanted.iter().any(|w| w.address == held.address);
        let (kept, dropped): (Vec<_>, Vec<_>) = before.into_iter().partition(|o| is_wanted(&o.0));
        let kept_len = kept.len();
        self.open = kept;
        let closed: Vec<Address> = dropped.iter().map(|open| open.0).collect();
        close(dropped).await;
        let result = self.add(wanted, backlog, spawn);
        if result.is_err() {
            close(self.open.split_off(kept_len)).await;
            // They were free a moment ago; one that is not any more is lost either way.
            for address in closed {
                let _ = self.add(&[address], backlog, spawn);
            }
        }
        result
    }

    fn add(&mut self, wanted: &[Address], backlog: i32, spawn: Spawn<'_>) -> Result<(), String> {
        for want in wanted {
            if self.open.iter().any(|open| open.0.address == want.address) {
                continue;
            }
            match listen(want.address, backlog) {
                Ok(listener) => self.open.push((*want, spawn(listener))),
                Err(error) if want.optional && is_missing(&error) => {}
                Err(error) => {
                    let address = want.address;
                    return Err(could_not(&address.ip().to_string(), address.port(), &error));
                }
            }
        }
        Ok(())
    }
}

/// Whether the machine has no such address or family.
fn is_missing(error: &io::Error) -> bool {
    use nix::libc::{EAFNOSUPPORT, ENOPROTOOPT, EPFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT};
    let families = [ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EPFNOSUPPORT, EAFNOSUPPORT];
    error.kind() == io::ErrorKind::AddrNotAvailable
        || error.raw_os_error().is_some_and(|code| families.contains(&code))
}

/// A socket closes when its task is gone, so each is waited for.
async fn close(open: Vec<(Address, JoinHandle<()>)>) {
    open.iter().for_each(|(_, task)| task.abort());
    for (_, task) in open {
        // A task ends no other way than by being aborted.
        let _ = task.await;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use tokio::task::{LocalSet, spawn_local};

    fn accept_forever(listener: TcpListener) -> JoinHandle<()> {
        spawn_local(async move { while listener.accept().await.is_ok() {} })
    }

    fn in_runtime(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        LocalSet::new().block_on(&runtime, test);
    }

    /// A port that nobody holds now.
    fn free_port() -> u16 {
        let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        probe.local_addr().unwrap().port()
    }

    #[test]
    fn words_of_bind() {
        let all = parse("", 7).unwrap();
        assert_eq!(all.len(), 2);
        assert!(!all[0].optional && all[1].optional);
        assert_eq!(parse("* -::*", 7).unwrap(), all);
        let one = parse(" -127.0.0.1 ", 7).unwrap();
        assert_eq!(one[0].address, "127.0.0.1:7".parse().unwrap());
        assert!(one[0].optional);
        assert!(parse("127.0.0.1 no such.host.invalid", 7).is_err());
    }

    #[test]
    fn moves_between_every_address_and_one() {
        in_runtime(async {
            let port = free_port();
            let mut bound = Bound::default();
            for text in ["*", "127.0.0.1", "127.0.0.1 127.0.0.2", "*", "127.0.0.2"] {
                let wanted = parse(text, port).unwrap();
                bound.move_to(&wanted, 16, &accept_forever).await.unwrap();
                let reachable = TcpStream::connect(("127.0.0.1", port)).is_ok();
                assert_eq!(reachable, text != "127.0.0.2", "{text}");
            }
            bound.move_to(&[], 16, &accept_forever).await.unwrap();
            assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
        });
    }

    #[test]
    fn a_refused_move_changes_nothing() {
        in_runtime(async {
            let port = free_port();
            let blocker = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let taken = blocker.local_addr().unwrap();
            let mut bound = Bound::default();
            let old = parse("*", port).unwrap();
            bound.move_to(&old, 16, &accept_forever).await.unwrap();
            let first = Address { address: ([127, 0, 0, 1], port).into(), optional: false };
            let second = Address { address: taken, optional: true };
            let error = bound.move_to(&[first, second], 16, &accept_forever).await.unwrap_err();
            assert!(error.contains(&taken.port().to_string()), "{error}");
            assert_eq!(bound.open.len(), 1);
            assert_eq!(bound.open[0].0, old[0]);
            assert!(TcpStream::connect(("127.0.0.2", port)).is_ok());
        });
    }

    #[test]
    fn an_address_of_another_machine_may_be_optional() {
        in_runtime(async {
            let port = free_port();
            let mut bound = Bound::default();
            let wanted = parse("127.0.0.1 -192.0.2.1", port).unwrap();
            bound.move_to(&wanted, 16, &accept_forever).await.unwrap();
            assert_eq!(bound.open.len(), 1);
            let wanted = parse("127.0.0.1 192.0.2.1", port).unwrap();
            assert!(bound.move_to(&wanted, 16, &accept_forever).await.is_err());
        });
    }
}
