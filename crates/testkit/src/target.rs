//! Servers under test, seen as bytes in and bytes out.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::value::{self, Look, Value};

/// Bytes taken from a connection at a time.
const READ_BYTES: usize = 64 * 1024;
/// How long a call beside the test may take.
const CALL_PATIENCE: Duration = Duration::from_secs(60);

/// A server that can be connected to and whose time can pass.
pub trait Target {
    fn connect(&mut self) -> io::Result<Box<dyn Connection>>;
    /// Lets time pass: really, or on the clock of a simulation.
    fn sleep(&mut self, time: Duration);
    /// The server's wall clock.
    fn now_ms(&self) -> u64;
}

/// What a connection had to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    Bytes,
    /// Nothing came for as long as the caller was willing to wait.
    Quiet,
    Closed,
}

/// One connection to a server.
pub trait Connection {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Appends what has arrived to `into`, waiting at most `patience` for the first byte.
    fn receive(&mut self, into: &mut Vec<u8>, patience: Duration) -> io::Result<Arrival>;
}

/// A server behind a socket.
pub struct TcpTarget {
    address: String,
}

impl TcpTarget {
    /// `address` is HOST:PORT, or a bare port on this machine.
    pub fn new(address: &str) -> TcpTarget {
        let bare = address.bytes().all(|b| b.is_ascii_digit());
        let address = if bare { format!("127.0.0.1:{address}") } else { address.to_owned() };
        TcpTarget { address }
    }
}

impl Target for TcpTarget {
    fn connect(&mut self) -> io::Result<Box<dyn Connection>> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        Ok(Box::new(TcpConnection { stream, patience: None }))
    }

    fn sleep(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
    }
}

struct TcpConnection {
    stream: TcpStream,
    /// The read timeout in force, to spare a system call when it stays.
    patience: Option<Duration>,
}

impl Connection for TcpConnection {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, into: &mut Vec<u8>, patience: Duration) -> io::Result<Arrival> {
        // A zero timeout would mean none at all.
        let patience = patience.max(Duration::from_millis(1));
        if self.patience != Some(patience) {
            self.stream.set_read_timeout(Some(patience))?;
            self.patience = Some(patience);
        }
        let start = into.len();
        into.resize(start + READ_BYTES, 0);
        let result = self.stream.read(&mut into[start..]);
        into.truncate(start + *result.as_ref().unwrap_or(&0));
        match result {
            Ok(0) => Ok(Arrival::Closed),
            Ok(_) => Ok(Arrival::Bytes),
            Err(e) => match e.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(Arrival::Quiet),
                io::ErrorKind::Interrupted => Ok(Arrival::Quiet),
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Ok(Arrival::Closed),
                _ => Err(e),
            },
        }
    }
}

/// What came back for a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Received {
    Reply(Value),
    Quiet,
    Closed,
}

/// A connection with the reply decoder on top.
pub struct Client {
    connection: Box<dyn Connection>,
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(target: &mut dyn Target) -> io::Result<Client> {
        Ok(Client { connection: target.connect()?, buffer: Vec::new() })
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.connection.send(bytes)
    }

    /// Waits at most `patience` for the next complete reply.
    pub fn receive(&mut self, patience: Duration) -> io::Result<Received> {
        loop {
            match value::decode(&self.buffer) {
                Ok(Some((reply, len))) => {
                    self.buffer.drain(..len);
                    return Ok(Received::Reply(reply));
                }
                Ok(None) => {}
                Err(e) => return Err(io::Error::new(io::ErrorKind::InvalidData, e)),
            }
            match self.connection.receive(&mut self.buffer, patience)? {
                Arrival::Bytes => {}
                Arrival::Quiet => return Ok(Received::Quiet),
                Arrival::Closed => return Ok(Received::Closed),
            }
        }
    }

    /// Appends the wire form of the next `count` replies to `out` and their ends to `ends`.
    pub fn receive_raw(
        &mut self,
        count: usize,
        patience: Duration,
        out: &mut Vec<u8>,
        ends: &mut Vec<usize>,
    ) -> io::Result<Arrival> {
        let mut at = 0;
        let mut taken = 0;
        let arrival = loop {
            while taken < count {
                match value::decode(&self.buffer[at..]) {
                    Ok(Some((_, len))) => {
                        at += len;
                        taken += 1;
                        ends.push(out.len() + at);
                    }
                    Ok(None) => break,
                    Err(e) => return Err(io::Error::new(io::ErrorKind::InvalidData, e)),
                }
            }
            if taken == count {
                break Arrival::Bytes;
            }
            match self.connection.receive(&mut self.buffer, patience)? {
                Arrival::Bytes => {}
                other => break other,
            }
        };
        out.extend_from_slice(&self.buffer[..at]);
        self.buffer.drain(..at);
        Ok(arrival)
    }

    /// One request and its reply, for what a test needs beside the test.
    pub fn call(&mut self, args: &[&str]) -> io::Result<Value> {
        self.call_bytes(&args.iter().map(|arg| arg.as_bytes()).collect::<Vec<_>>())
    }

    /// The same for arguments that are no text.
    pub fn call_bytes(&mut self, args: &[&[u8]]) -> io::Result<Value> {
        self.send(&request(args))?;
        self.called(args)
    }

    /// Many requests in one go, and their replies. They and all their replies must fit the
    /// socket buffers, or the server must not mind being read late.
    pub fn call_all(&mut self, requests: &[Vec<&[u8]>]) -> io::Result<Vec<Value>> {
        let mut bytes = Vec::new();
        requests.iter().for_each(|args| append_request(args, &mut bytes));
        self.send(&bytes)?;
        requests.iter().map(|args| self.called(args)).collect()
    }

    fn called(&mut self, args: &[&[u8]]) -> io::Result<Value> {
        match self.receive(CALL_PATIENCE)? {
            Received::Reply(reply) => Ok(reply),
            Received::Quiet | Received::Closed => {
                let name = args.first().copied().unwrap_or_default().escape_ascii();
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("no reply to {name}")))
            }
        }
    }
}

/// A request as an array of bulks.
pub fn request<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = Vec::new();
    append_request(args, &mut out);
    out
}

/// Appends a request as an array of bulks.
pub fn append_request<A: AsRef<[u8]>>(args: &[A], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
}

/// Who a server says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub family: Family,
    /// Major, minor, patch.
    pub version: (u32, u32, u32),
    /// The names of its commands, in upper case.
    pub commands: BTreeSet<String>,
}

/// Whose surface and texts a server has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Cinnabar,
    Redis,
    Valkey,
}

/// Asks a server who it is.
pub fn identify(target: &mut dyn Target) -> io::Result<Identity> {
    let mut client = Client::connect(target)?;
    let info = client.call(&["INFO", "server"])?;
    let text = String::from_utf8_lossy(info.text().unwrap_or_default()).into_owned();
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let (family, version) = match (field("cinnabar_version"), field("valkey_version")) {
        (Some(version), _) => (Family::Cinnabar, version),
        (_, Some(version)) => (Family::Valkey, version),
        _ => (Family::Redis, field("redis_version").unwrap_or("0")),
    };
    let version = parse_version(version);
    let list = client.call(&["COMMAND", "LIST"])?;
    let names = list.items().unwrap_or_default().iter().filter_map(Value::text);
    let commands = names.map(|name| String::from_utf8_lossy(name).to_ascii_uppercase()).collect();
    Ok(Identity { family, version, commands })
}

/// Reads up to three numbers of a version.
pub fn parse_version(text: &str) -> (u32, u32, u32) {
    let mut numbers = text.split('.').map(|n| n.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}
