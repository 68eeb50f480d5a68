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
    /// `None` once the connection is closed.
    conn: Option<Conn>,
    /// Received and not executed yet.
    input: Vec<u8>,
    /// Replied and not taken yet.
    output: Vec<u8>,
    /// The moment, in milliseconds since 1970, that a command waits for.
    wait_ms: Option<i64>,
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
        let (input, output) = (Vec::new(), Vec::new());
        self.lines.push(Line { conn: Some(conn), input, output, wait_ms: None });
        ConnId(number)
    }

    /// Closes a connection from the client's side.
    pub fn disconnect(&mut self, id: ConnId) {
        self.close(id.0);
    }

    /// Whether the server has not closed the connection.
    pub fn is_open(&self, id: ConnId) -> bool {
        self.lines[id.0].conn.is_some()
    }

    /// Sends bytes; what can run at once has run on return, other connections that this set free
    /// included.
    pub fn send(&mut self, id: ConnId, bytes: &[u8]) {
        self.lines[id.0].input.extend_from_slice(bytes);
        self.run(id.0);
        self.look_around();
    }

    /// Takes what a connection was answered.
    pub fn take(&mut self, id: ConnId) -> Vec<u8> {
        std::mem::take(&mut self.lines[id.0].output)
    }

    /// Sends bytes and takes the answer.
    pub fn call(&mut self, id: ConnId, bytes: &[u8]) -> Vec<u8> {
        self.send(id, bytes);
        self.take(id)
    }

    /// The next moment at which a connection goes on that waits now.
    pub fn next_ms(&self) -> Option<i64> {
        self.lines.iter().filter_map(|line| line.wait_ms).min()
    }

    /// Lets time pass. Who waits goes on at its moment; expired keys are removed as a worker's own
    /// clockwork would.
    pub fn advance_ms(&mut self, ms: i64) {
        let end_ms = self.server.now_ms().saturating_add(ms);
        while let Some(next_ms) = self.next_ms().filter(|next_ms| *next_ms <= end_ms) {
            self.clock.advance_to_ms(next_ms);
            self.look_around();
        }
        self.clock.advance_to_ms(end_ms);
        let shards = self.server.keyspace.shards();
        while self.worker.sweep(&self.server, 0..shards, usize::MAX) {}
    }

    /// Lets every connection that waits, or was killed, look whether it may go on, until none can.
    fn look_around(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for number in 0..self.lines.len() {
                let line = &self.lines[number];
                let Some(conn) = &line.conn else { continue };
                if conn.session.client.is_killed() {
                    self.close(number);
                    again = true;
                } else if line.wait_ms.is_some() {
                    again |= self.run(number);
                }
            }
        }
    }

    /// Runs what a connection has received, as far as it goes; false if it waits as before.
    fn run(&mut self, number: usize) -> bool {
        let line = &mut self.lines[number];
        let waited_ms = line.wait_ms.take();
        let mut moved = false;
        while let Some(conn) = &mut line.conn {
            let mut output = Vec::new();
            let progress = self.worker.process(&self.server, conn, &line.input, &mut output);
            moved |= progress.consumed > 0 || !output.is_empty();
            line.input.drain(..progress.consumed);
            line.output.append(&mut output);
            match progress.next {
                Next::Read { .. } => break,
                Next::Flush | Next::Yield | Next::Contended => {}
                Next::Until(until_ms) => {
                    line.wait_ms = Some(until_ms);
                    break;
                }
                Next::Close => {
                    self.close(number);
                    return true;
                }
            }
        }
        moved || waited_ms != line.wait_ms
    }

    fn close(&mut self, number: usize) {
        let line = &mut self.lines[number];
        line.wait_ms = None;
        if let Some(conn) = line.conn.take() {
            self.server.clients.remove(conn.session.client.id);
        }
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
            let reply = machine.call(conn, b"no-such-command\r\n");
            (reply, machine.server.run_id.clone())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).1, run(2).1);
        assert!(run(1).0.starts_with(b"-ERR unknown command 'no-such-command'"));
    }
}
