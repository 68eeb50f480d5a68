//! A server, one worker and its connections, driven by hand.

use crate::{VirtualClock, VirtualHost};
use config::{Config, tables};
use engine::clients::{Peer, Transport};
use engine::{Conn, Module, Next, Registry, Server, Session, Worker};
use std::sync::Arc;

/// A connection of a [`Machine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnId(usize);

struct Line {
    conn: Conn,
    input: Vec<u8>,
    is_open: bool,
}

/// A whole server in one thread.
pub struct Machine {
    /// What the server's workers share.
    pub server: Arc<Server>,
    /// Its time.
    pub clock: Arc<VirtualClock>,
    /// Its host.
    pub host: Arc<VirtualHost>,
    worker: Worker,
    lines: Vec<Line>,
}

impl Machine {
    /// A server of these modules, its parameters changed by pairs of name and value.
    ///
    /// # Panics
    /// If the modules or the parameters are wrong: both are the test's own.
    pub fn new(modules: &[&'static Module], parameters: &[(&str, &str)], seed: u64) -> Machine {
        let mut all = tables::ALL.to_vec();
        all.extend(Registry::params(modules));
        let config = Config::new(&all);
        for (name, value) in parameters {
            config.assign(config.require(name), value).expect("a test's parameter fits");
        }
        let (clock, host) = (Arc::new(VirtualClock::default()), Arc::new(VirtualHost::new(seed)));
        let server = Server::new(modules, &[], config, 64, clock.clone(), host.clone());
        let server = Arc::new(server.expect("the modules fit together"));
        let password = server.config.text(server.config.require("requirepass"));
        server.users.set_default_password(&password);
        let worker = Worker::new(&server);
        Machine { server, clock, host, worker, lines: Vec::new() }
    }

    /// Opens a connection.
    pub fn connect(&mut self) -> ConnId {
        let number = self.lines.len();
        let peer = Peer {
            addr: format!("127.0.0.1:{}", 10_000 + number),
            laddr: "127.0.0.1:6379".to_owned(),
            fd: number as i32 + 8,
            transport: Transport::Tcp,
            is_local: true,
        };
        let client = self.server.clients.add(peer, self.server.now_ms());
        let conn = Conn::new(Session::new(client, self.server.users.anonymous()));
        self.lines.push(Line { conn, input: Vec::new(), is_open: true });
        ConnId(number)
    }

    /// Whether the server has not closed the connection.
    pub fn is_open(&self, id: ConnId) -> bool {
        self.lines[id.0].is_open
    }

    /// Sends bytes and returns what the server answers to them. Where a command waits, time moves on.
    pub fn send(&mut self, id: ConnId, bytes: &[u8]) -> Vec<u8> {
        let line = &mut self.lines[id.0];
        let mut replies = Vec::new();
        line.input.extend_from_slice(bytes);
        while line.is_open {
            let input = std::mem::take(&mut line.input);
            let mut out = Vec::new();
            let progress = self.worker.process(&self.server, &mut line.conn, &input, &mut out);
            line.input = input[progress.consumed..].to_vec();
            replies.extend_from_slice(&out);
            match progress.next {
                Next::Read { .. } => break,
                Next::Flush | Next::Yield | Next::Contended => {}
                Next::Until(until_ms) => self.clock.advance_to_ms(until_ms),
                Next::Close => {
                    line.is_open = false;
                    self.server.clients.remove(line.conn.session.client.id);
                }
            }
        }
        replies
    }

    /// Lets time pass, expired keys being removed as a worker's own clockwork would.
    pub fn advance_ms(&mut self, ms: i64) {
        self.clock.advance_ms(ms);
        let shards = self.server.keyspace.shards();
        while self.worker.sweep(&self.server, 0..shards, usize::MAX) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_run() {
        let run = |seed| {
            let mut machine = Machine::new(catalog::MODULES, &[], seed);
            let conn = machine.connect();
            let reply = machine.send(conn, b"no-such-command\r\n");
            (reply, machine.server.run_id.clone())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).1, run(2).1);
        assert!(run(1).0.starts_with(b"-ERR unknown command 'no-such-command'"));
    }
}
