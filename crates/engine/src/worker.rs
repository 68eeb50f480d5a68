//! The path from bytes to bytes: a connection's input becomes batches, a batch becomes replies.
//!
//! Cache misses are most of the work of a small command, so requests that arrived together run
//! together: up to [`BATCH_MAX`] are parsed and resolved, their keys hashed, the shards locked in
//! ascending order, all entries prefetched, and then the commands run one after the other. A batch
//! ends at a command that is not a plain one on declared keys; that one runs alone.
//!
//! Nothing here waits. If a shard is taken the batch runs later ([`Next::Contended`]), and the
//! connection's driver serves others in between. The driver owns the sockets and the buffers; this
//! is a plain function over bytes, so that drivers can be exchanged and simulated.

mod block;
mod book;
mod gate;
mod run;

pub(crate) use book::Timer;
pub use gate::is_enabled_for;
pub(crate) use run::run_to_end;

use crate::args::Args;
use crate::cx::{HashedKey, Job};
use crate::keys;
use crate::registry::Registered;
use crate::server::Server;
use crate::session::Session;
use crate::stats::WorkerStats;
use crate::waiters::{State, Waiter};
use keyspace::db::Tally;
use keyspace::space::Gate as KeyspaceGate;
use resp::{Limits, Parsed, Partial, Span};
use std::ops::Range;
use std::sync::Arc;
use stdx::prng::Prng;

/// Most requests in a batch.
pub const BATCH_MAX: usize = 32;
/// Replies are sent before more requests are run once there are so many bytes of them.
const OUTPUT_HIGH_BYTES: usize = 64 << 10;
/// How long the requests of one connection run before others get their turn, in nanoseconds.
const TURN_NS: u64 = 250_000;
/// Elements that a scratch vector keeps room for; a huge request gives its memory back.
const SCRATCH_KEPT: usize = 4096;

/// A connection as the core sees it.
pub struct Conn {
    /// Its settings.
    pub session: Session,
    partial: Partial,
    pending: Option<Pending>,
    gate: Option<KeyspaceGate>,
    /// Whether the next request waits because clients are paused.
    is_held: bool,
}

/// A command that is not finished.
enum Pending {
    /// Its work goes on in steps.
    Job(PendingJob),
    /// It waits for keys.
    Wait(Arc<Waiter>),
}

/// A command whose work goes on in steps.
struct PendingJob {
    command: u32,
    job: Box<dyn Job>,
    started_ns: u64,
    words: Vec<Vec<u8>>,
}

impl Conn {
    /// A new connection.
    pub fn new(session: Session) -> Conn {
        Conn { session, partial: Partial::default(), pending: None, gate: None, is_held: false }
    }

    /// Notes that the next request waits for the end of a pause.
    fn hold(&mut self, command: u32, now_ms: i64, until_ms: i64) -> Next {
        self.is_held = true;
        self.session.client.note_activity(now_ms, Some(command), 0);
        self.session.client.set_blocked(true);
        Next::Until(until_ms)
    }

    /// Ends what the connection has under way, since it is closing: it no longer waits for keys.
    pub fn end(&mut self, server: &Server) {
        self.gate = None;
        if let Some(Pending::Wait(waiter)) = self.pending.take() {
            *waiter.state.lock() = State::Ended;
            block::leave(server, &waiter);
        }
    }

    /// Whether a command is under way.
    pub fn is_busy(&self) -> bool {
        self.pending.is_some()
    }
}

/// What the driver should do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Read until at least `need` bytes of the unconsumed rest are there.
    Read { need: usize },
    /// Send the replies, then call again with the unconsumed rest.
    Flush,
    /// Let others run, then call again: there is more to do than fits one turn.
    Yield,
    /// Somebody else holds a lock: let others run, then call again.
    Contended,
    /// Call again at this time in milliseconds since 1970, or when woken.
    Until(i64),
    /// Send the replies, then close.
    Close,
}

/// How far a call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that are done with.
    pub consumed: usize,
    /// What to do.
    pub next: Next,
}

/// One resolved request of a batch, as positions in the worker's scratch vectors.
struct Request {
    command: u32,
    spans: Range<usize>,
    end: usize,
}

/// One worker's scratch memory and statistics.
pub struct Worker {
    /// What it counts.
    pub stats: Arc<WorkerStats>,
    tallies: Arc<[Tally]>,
    rng: Prng,
    spans: Vec<Span>,
    inline: Vec<u8>,
    requests: Vec<Request>,
    hashed: Vec<HashedKey>,
    shards: Vec<u16>,
    /// Keys that changed and that somebody waits for.
    ready: Vec<(u16, Box<[u8]>)>,
}

/// What the next bytes of the input are.
enum Gathered {
    /// Nothing complete.
    Incomplete { need: usize },
    /// Requests to run together, in the scratch vectors.
    Batch,
    /// One request that runs alone.
    Alone { spans: Range<usize>, end: usize, is_inline: bool },
    /// Nothing to do up to here.
    Skip { end: usize },
    /// The input breaks the protocol.
    Broken(resp::ProtocolError),
}

impl Worker {
    /// A worker of a server.
    pub fn new(server: &Server) -> Worker {
        Worker {
            stats: server.stats.add_worker(),
            tallies: server.keyspace.add_worker(),
            rng: Prng::new(server.host.random()),
            spans: Vec::new(),
            inline: Vec::new(),
            requests: Vec::new(),
            hashed: Vec::new(),
            shards: Vec::new(),
            ready: Vec::new(),
        }
    }

    /// Runs as much of `input` as there is to run, appending replies to `out`.
    pub fn process(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Progress {
        if conn.is_held {
            conn.is_held = false;
            conn.session.client.set_blocked(false);
        }
        let mut consumed = 0;
        let mut turn_end_ns = None;
        let next = loop {
            if conn.pending.is_some() {
                match self.resume(server, conn, out) {
                    None => {}
                    Some(next) => break next,
                }
            }
            if conn.session.close_after_reply || conn.session.client.is_killed() {
                break Next::Close;
            }
            if out.len() >= OUTPUT_HIGH_BYTES {
                break Next::Flush;
            }
            if consumed > 0 && consumed < input.len() && is_over(server, &mut turn_end_ns) {
                break Next::Yield;
            }
            let ran = match self.gather(server, conn, input, consumed) {
                Gathered::Incomplete { need } => break Next::Read { need },
                Gathered::Skip { end } => Ok(end),
                Gathered::Broken(error) => {
                    self.refuse_protocol(server, error, out);
                    break Next::Close;
                }
                Gathered::Batch => self.run_batch(server, conn, input, out),
                Gathered::Alone { spans, end, is_inline } => {
                    self.run_alone(server, conn, input, spans, is_inline, out).map(|()| end)
                }
            };
            if !self.ready.is_empty() {
                self.serve_waiters(server);
            }
            match ran {
                Ok(end) => consumed = end,
                Err(next) => break next,
            }
        };
        self.trim();
        Progress { consumed, next }
    }

    /// Gives the memory of a huge request back.
    fn trim(&mut self) {
        fn trim<T>(scratch: &mut Vec<T>) {
            if scratch.capacity() > SCRATCH_KEPT {
                *scratch = Vec::new();
            }
        }
        trim(&mut self.spans);
        trim(&mut self.hashed);
        trim(&mut self.shards);
        if self.inline.capacity() > 16 * SCRATCH_KEPT {
            self.inline = Vec::new();
        }
    }

    fn refuse_protocol(&self, server: &Server, error: resp::ProtocolError, out: &mut Vec<u8>) {
        server.stats.count_error("ERR");
        let mut text = b"ERR ".to_vec();
        error.write(&mut text);
        resp::Writer::new(out, false).error_bytes(&text);
    }

    /// Parses requests from `at` on until one cannot join the batch.
    fn gather(&mut self, server: &Server, conn: &mut Conn, input: &[u8], at: usize) -> Gathered {
        self.spans.clear();
        self.requests.clear();
        self.hashed.clear();
        let limits = Limits {
            bulk_len_max: server.config.bytes(server.ids.bulk_len_max),
            authenticated: conn.session.is_authenticated(),
            ..Limits::default()
        };
        let mut at = at;
        while self.requests.len() < BATCH_MAX {
            let from = self.spans.len();
            self.inline.clear();
            let (partial, spans) = (&mut conn.partial, &mut self.spans);
            let parsed = resp::parse(input, at, &limits, partial, spans, &mut self.inline);
            let spans = from..self.spans.len();
            let (end, is_inline) = match parsed {
                Ok(Parsed::Request { end }) => (end, false),
                Ok(Parsed::Inline { end }) => (end, true),
                Ok(Parsed::Incomplete { need }) if self.requests.is_empty() => {
                    return Gathered::Incomplete { need };
                }
                Err(error) if self.requests.is_empty() => return Gathered::Broken(error),
                // The batch so far runs first; then the rest is parsed again.
                _ => {
                    conn.partial.clear();
                    break;
                }
            };
            if spans.is_empty() {
                if self.requests.is_empty() {
                    return Gathered::Skip { end };
                }
                break;
            }
            let joins = !is_inline && self.join(server, conn, input, spans.clone(), end);
            if !joins {
                if self.requests.is_empty() {
                    return Gathered::Alone { spans, end, is_inline };
                }
                break;
            }
            at = end;
        }
        Gathered::Batch
    }

    /// Adds a request to the batch, if it is a plain command on declared keys that may run now.
    #[inline]
    fn join(
        &mut self,
        server: &Server,
        conn: &Conn,
        input: &[u8],
        spans: Range<usize>,
        end: usize,
    ) -> bool {
        let args = Args::new(input, &self.spans[spans.clone()]);
        let Some(command) = self.resolve(server, input, args) else { return false };
        if !gate::is_plain(&conn.session, command) {
            return false;
        }
        if !hash_keys(server, command, args, &mut self.hashed) {
            return false;
        }
        self.requests.push(Request { command: command.index, spans, end });
        true
    }

    /// The row that a request calls, its arity checked. Requests that arrive together mostly call
    /// the same command, so the batch's last one is tried before the table.
    #[inline]
    fn resolve<'k>(
        &self,
        server: &'k Server,
        input: &[u8],
        args: Args<'_>,
    ) -> Option<&'k Registered> {
        if let Some(last) = self.requests.last() {
            let known = server.registry.get(last.command);
            let same_name = self.spans[last.spans.start].of(input) == args.at(0);
            if same_name && !known.is_sub && known.accepts(args.len()) {
                return Some(known);
            }
        }
        server.registry.resolve(args).ok()
    }
}

/// Whether a turn is over. It begins with the first question, so that a connection with a single
/// batch never looks at the clock for it.
fn is_over(server: &Server, end_ns: &mut Option<u64>) -> bool {
    let now_ns = server.clock.monotonic_ns();
    now_ns >= *end_ns.get_or_insert(now_ns + TURN_NS)
}

/// Hashes the keys of a request; false where they cannot be found.
#[inline]
fn hash_keys(
    server: &Server,
    command: &Registered,
    args: Args<'_>,
    hashed: &mut Vec<HashedKey>,
) -> bool {
    let mut add = |key: &[u8]| {
        let hash = server.keyspace.hash(key);
        hashed.push(HashedKey { address: key.as_ptr() as usize, len: key.len(), hash });
    };
    if command.legacy_keys == (1, 1, 1) && command.keys().len() == 1 {
        add(args.at(1));
        return true;
    }
    keys::for_each_key(command.keys(), args, &mut |index, _| add(args.at(index))).is_ok()
}
