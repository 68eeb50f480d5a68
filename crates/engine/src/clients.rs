//! The part of a connection that others see: CLIENT LIST, CLIENT KILL and INFO read it while the
//! connection works. Numbers are single relaxed atomics, written by the connection's worker only.

use crate::users::DEFAULT_USER;
use keyspace::shard::Dirty;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

/// Texts that a client may set.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// CLIENT SETNAME.
    pub name: Vec<u8>,
    /// CLIENT SETINFO LIB-NAME.
    pub lib_name: String,
    /// CLIENT SETINFO LIB-VER.
    pub lib_ver: String,
    /// The authenticated user.
    pub user: String,
}

/// How a connection arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, plain or encrypted.
    Tcp,
    /// A Unix socket.
    Unix,
}

/// What the listener knows of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The other side, `ip:port` or the socket's path with `:0`.
    pub addr: String,
    /// Our side.
    pub laddr: String,
    /// Descriptor number, for display.
    pub fd: i32,
    /// How it arrived.
    pub transport: Transport,
    /// Whether the other side is this machine.
    pub is_local: bool,
}

/// No command yet.
const NO_COMMAND: u32 = u32::MAX;

/// A connection as others see it.
pub struct Client {
    /// Its number, never used again.
    pub id: u64,
    /// Where it comes from.
    pub peer: Peer,
    /// When it connected, in milliseconds since 1970.
    pub created_ms: i64,
    names: Mutex<Names>,
    waker: Mutex<Option<Waker>>,
    killed: AtomicBool,
    no_evict: AtomicBool,
    no_touch: AtomicBool,
    resp3: AtomicBool,
    blocked: AtomicBool,
    follows_redirects: AtomicBool,
    db: AtomicU16,
    last_command: AtomicU32,
    last_active_ms: AtomicI64,
    multi_len: AtomicI64,
    multi_bytes: AtomicU64,
    watches: AtomicU64,
    watch_dirty: Mutex<Weak<AtomicBool>>,
    query_bytes: AtomicU64,
    output_bytes: AtomicU64,
    net_in_bytes: AtomicU64,
    net_out_bytes: AtomicU64,
    commands: AtomicU64,
}

/// Ordering: relaxed everywhere; each value stands alone and readers want any recent one.
const RELAXED: Ordering = Ordering::Relaxed;

impl Client {
    fn new(id: u64, peer: Peer, now_ms: i64) -> Client {
        Client {
            id,
            peer,
            created_ms: now_ms,
            names: Mutex::new(Names { user: DEFAULT_USER.to_owned(), ..Names::default() }),
            waker: Mutex::new(None),
            killed: AtomicBool::new(false),
            no_evict: AtomicBool::new(false),
            no_touch: AtomicBool::new(false),
            resp3: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            follows_redirects: AtomicBool::new(false),
            db: AtomicU16::new(0),
            last_command: AtomicU32::new(NO_COMMAND),
            last_active_ms: AtomicI64::new(now_ms),
            multi_len: AtomicI64::new(-1),
            multi_bytes: AtomicU64::new(0),
            watches: AtomicU64::new(0),
            watch_dirty: Mutex::default(),
            query_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            net_in_bytes: AtomicU64::new(0),
            net_out_bytes: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        }
    }

    /// A copy of the texts.
    pub fn names(&self) -> Names {
        self.names.lock().clone()
    }

    /// Changes the texts.
    pub fn update_names(&self, change: impl FnOnce(&mut Names)) {
        change(&mut self.names.lock());
    }

    /// Asks the connection to close and wakes it.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::Release);
        self.wake();
    }

    /// Whether the connection was asked to close.
    #[inline]
    pub fn is_killed(&self) -> bool {
        self.killed.load(RELAXED)
    }

    /// Makes the connection's task look around.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.lock() {
            waker.wake_by_ref();
        }
    }

    /// Registers how to wake the connection's task.
    pub fn set_waker(&self, waker: &Waker) {
        let mut slot = self.waker.lock();
        if !slot.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *slot = Some(waker.clone());
        }
    }

    /// Notes a burst of work: the time, the last command, how many ran.
    #[inline]
    pub fn note_activity(&self, now_ms: i64, command: Option<u32>, commands: u64) {
        self.last_active_ms.store(now_ms, RELAXED);
        if let Some(command) = command {
            self.last_command.store(command, RELAXED);
        }
        add(&self.commands, commands);
    }

    /// Adds to the bytes read and written.
    #[inline]
    pub fn note_traffic(&self, read_bytes: u64, written_bytes: u64) {
        add(&self.net_in_bytes, read_bytes);
        add(&self.net_out_bytes, written_bytes);
    }

    /// Notes the sizes of the buffers that the connection holds.
    #[inline]
    pub fn note_buffers(&self, query_bytes: usize, output_bytes: usize) {
        self.query_bytes.store(query_bytes as u64, RELAXED);
        self.output_bytes.store(output_bytes as u64, RELAXED);
    }

    /// Notes the selected database.
    pub fn set_db(&self, db: u16) {
        self.db.store(db, RELAXED);
    }

    /// Notes the protocol.
    pub fn set_resp3(&self, resp3: bool) {
        self.resp3.store(resp3, RELAXED);
    }

    /// Notes the queued commands, -1 outside a transaction.
    pub fn set_multi(&self, len: i64, bytes: u64) {
        self.multi_len.store(len, RELAXED);
        self.multi_bytes.store(bytes, RELAXED);
    }

    /// Notes the number of watched keys, and the mark that one of them was touched.
    pub fn set_watches(&self, count: usize, dirty: Option<&Dirty>) {
        if count == 0 && self.watches.load(RELAXED) == 0 {
            return;
        }
        self.watches.store(count as u64, RELAXED);
        *self.watch_dirty.lock() = dirty.map(Arc::downgrade).unwrap_or_default();
    }

    /// Notes that the client understands redirections (CLIENT CAPA).
    pub fn set_follows_redirects(&self) {
        self.follows_redirects.store(true, RELAXED);
    }

    /// Sets whether the connection is exempt from client eviction.
    pub fn set_no_evict(&self, on: bool) {
        self.no_evict.store(on, RELAXED);
    }

    /// Notes whether reads leave access times alone.
    pub fn set_no_touch(&self, on: bool) {
        self.no_touch.store(on, RELAXED);
    }

    /// Notes whether the connection waits, in a blocking command or because clients are paused.
    pub fn set_blocked(&self, on: bool) {
        self.blocked.store(on, RELAXED);
    }

    /// A copy of all numbers.
    pub fn figures(&self) -> Figures {
        Figures {
            no_evict: self.no_evict.load(RELAXED),
            no_touch: self.no_touch.load(RELAXED),
            resp3: self.resp3.load(RELAXED),
            blocked: self.blocked.load(RELAXED),
            follows_redirects: self.follows_redirects.load(RELAXED),
            is_watch_dirty: self.watch_dirty.lock().upgrade().is_some_and(|d| d.load(RELAXED)),
            killed: self.killed.load(RELAXED),
            db: self.db.load(RELAXED),
            last_command: Some(self.last_command.load(RELAXED)).filter(|c| *c != NO_COMMAND),
            last_active_ms: self.last_active_ms.load(RELAXED),
            multi_len: self.multi_len.load(RELAXED),
            multi_bytes: self.multi_bytes.load(RELAXED),
            watches: self.watches.load(RELAXED),
            query_bytes: self.query_bytes.load(RELAXED),
            output_bytes: self.output_bytes.load(RELAXED),
            net_in_bytes: self.net_in_bytes.load(RELAXED),
            net_out_bytes: self.net_out_bytes.load(RELAXED),
            commands: self.commands.load(RELAXED),
        }
    }
}

/// Adds to a counter that only one thread writes.
#[inline]
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(RELAXED).wrapping_add(amount), RELAXED);
}

/// A connection's numbers at one moment.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Exempt from client eviction.
    pub no_evict: bool,
    /// Reads leave access times alone.
    pub no_touch: bool,
    /// Speaks protocol 3.
    pub resp3: bool,
    /// Waits in a blocking command or because clients are paused.
    pub blocked: bool,
    /// Understands redirections.
    pub follows_redirects: bool,
    /// One of its watched keys was touched.
    pub is_watch_dirty: bool,
    /// Was asked to close.
    pub killed: bool,
    /// Selected database.
    pub db: u16,
    /// Index of the last command's row.
    pub last_command: Option<u32>,
    /// When it last sent something, in milliseconds since 1970.
    pub last_active_ms: i64,
    /// Queued commands, -1 outside a transaction.
    pub multi_len: i64,
    /// Bytes of the queued commands.
    pub multi_bytes: u64,
    /// Watched keys.
    pub watches: u64,
    /// Bytes received and not yet executed.
    pub query_bytes: u64,
    /// Bytes of replies not yet sent.
    pub output_bytes: u64,
    /// Bytes received in all.
    pub net_in_bytes: u64,
    /// Bytes sent in all.
    pub net_out_bytes: u64,
    /// Commands run in all.
    pub commands: u64,
}

/// All connections.
#[derive(Default)]
pub struct ClientTable {
    clients: Mutex<BTreeMap<u64, Arc<Client>>>,
    last_id: AtomicU64,
}

impl ClientTable {
    /// Registers a connection.
    pub fn add(&self, peer: Peer, now_ms: i64) -> Arc<Client> {
        let id = self.last_id.fetch_add(1, RELAXED) + 1;
        let client = Arc::new(Client::new(id, peer, now_ms));
        self.clients.lock().insert(id, client.clone());
        client
    }

    /// Takes a connection off the table.
    pub fn remove(&self, id: u64) {
        self.clients.lock().remove(&id);
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.clients.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A connection by number.
    pub fn get(&self, id: u64) -> Option<Arc<Client>> {
        self.clients.lock().get(&id).cloned()
    }

    /// All connections, oldest first.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.clients.lock().values().cloned().collect()
    }
}
