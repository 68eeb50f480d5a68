//! What a handler sees: the request's session, the data its keys allow it, and a writer for the
//! reply.
//!
//! A handler has no socket, no unlocked shard and no global. It parses all its arguments first, so
//! that an error changes nothing, then works through [`Db`], then replies. What is too long for one
//! go becomes a [`Job`], which runs in steps between which other clients are served.

use crate::args::OwnedArgs;
use crate::error::{self, CmdError};
use crate::registry::Registered;
use crate::server::Server;
use crate::session::{Session, Watch};
use crate::waiters::Wait;
use keyspace::shard::Dirty;
use keyspace::value::ValueType;
use keyspace::{At, Edit, Effects, Entry, Keyspace, LockSet, Shard, Str};
use parking_lot::MutexGuard;
use resp::Writer;
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use stdx::prng::Prng;

/// What a handler gives back.
pub type CmdResult = Result<Outcome, CmdError>;

/// How a command ended.
pub enum Outcome {
    /// The reply is written.
    Done,
    /// A shard is held by somebody else: run the command again later. Nothing was changed or
    /// replied.
    Contended,
    /// The work goes on in steps.
    Job(Box<dyn Job>),
    /// Nothing is there yet: run the command again when one of the keys changes. Inside a
    /// transaction handlers reply at once instead, see [`Cx::block`].
    Block(Wait),
    /// The queued transaction is to be executed.
    Exec,
}

/// Work that is done in steps.
pub trait Job: Send {
    /// Does a slice of work, about a millisecond at most. The reply is written in the last step; a
    /// long one may be written over several, in parts that no error can follow, unless the client
    /// wants none ([`crate::session::ReplyMode::is_silent`]).
    fn step(&mut self, cx: &mut Cx<'_, '_>) -> Result<Step, CmdError>;
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The reply is written.
    Done,
    /// There is more to do.
    More,
    /// A shard is held by somebody else: try again later.
    Contended,
    /// Nothing to do before this time in milliseconds since 1970.
    Until(i64),
}

/// A key of the running batch with its hash, found again by the address of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct HashedKey {
    /// Address of the key's first byte, used as an identity only.
    pub address: usize,
    /// Length of the key.
    pub len: usize,
    /// Hash of the key.
    pub hash: u64,
}

impl Cx<'_, '_> {
    /// Waits for keys, or replies as if the time were over where a command must not wait.
    pub fn block(&mut self, wait: Wait) -> CmdResult {
        if self.is_nested {
            (wait.on_timeout)(&mut self.reply);
            return Ok(Outcome::Done);
        }
        Ok(Outcome::Block(wait))
    }
}

/// A handler's context.
pub struct Cx<'a, 'k> {
    /// What all workers share.
    pub server: &'k Server,
    /// The row that runs.
    pub command: &'k Registered,
    /// The connection.
    pub session: &'a mut Session,
    /// The data.
    pub db: Db<'a, 'k>,
    /// The reply.
    pub reply: Writer<'a>,
    /// Random numbers of the worker.
    pub rng: &'a mut Prng,
    /// Whether the command runs inside a transaction or script, where it must not wait.
    pub is_nested: bool,
}

/// The data that a command may touch.
pub struct Db<'a, 'k> {
    /// The keyspace, for what needs no lock.
    pub keyspace: &'k Keyspace,
    /// What the running batch sets off.
    pub fx: &'a mut Effects,
    /// Selected database.
    pub index: u16,
    /// Milliseconds since 1970, frozen for the batch.
    pub now_ms: i64,
    locks: &'a mut LockSet<'k>,
    hashed: &'a [HashedKey],
    /// Which known hash comes next: handlers take their keys in order.
    next_hashed: Cell<usize>,
    rewritten: Option<Vec<OwnedArgs>>,
}

impl<'a, 'k> Db<'a, 'k> {
    /// A view over locked shards.
    pub fn new(
        keyspace: &'k Keyspace,
        locks: &'a mut LockSet<'k>,
        fx: &'a mut Effects,
        index: u16,
        now_ms: i64,
    ) -> Db<'a, 'k> {
        Db {
            keyspace,
            fx,
            index,
            now_ms,
            locks,
            hashed: &[],
            next_hashed: Cell::new(0),
            rewritten: None,
        }
    }

    /// Gives the view the hashes that are known already.
    #[inline]
    pub fn with_hashes(mut self, hashed: &'a [HashedKey]) -> Db<'a, 'k> {
        self.hashed = hashed;
        self
    }

    /// The key at this moment in a database.
    #[inline]
    pub fn at<'x>(&self, db: u16, key: &'x [u8]) -> At<'x> {
        let hash = self.known_hash(key).unwrap_or_else(|| self.keyspace.hash(key));
        At { db, key, hash, now_ms: self.now_ms }
    }

    /// The hash of a declared key, where it is the next one or the one that was asked for last.
    #[inline]
    fn known_hash(&self, key: &[u8]) -> Option<u64> {
        let next = self.next_hashed.get();
        for index in [next, next.wrapping_sub(1)] {
            let Some(known) = self.hashed.get(index) else { continue };
            if known.address == key.as_ptr() as usize && known.len == key.len() {
                self.next_hashed.set(index + 1);
                return Some(known.hash);
            }
        }
        None
    }

    #[inline]
    fn open(&mut self, at: At<'_>) -> (&mut Shard, &mut Effects) {
        let shard = self.locks.get(self.keyspace.shard_of(at.hash));
        (shard.expect("a command touches only the keys that its row declares"), self.fx)
    }

    /// Reads a key: notes the access, counts a hit or a miss.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<&Entry> {
        let at = self.at(self.index, key);
        let (shard, fx) = self.open(at);
        shard.read(at, fx)
    }

    /// Reads a string.
    #[inline]
    pub fn read_str(&mut self, key: &[u8]) -> Result<Option<Str<'_>>, CmdError> {
        match self.read(key) {
            None => Ok(None),
            Some(entry) => entry.as_str().map(Some).ok_or(error::WRONG_TYPE),
        }
    }

    /// Reads a value of type `T`.
    pub fn read_value<T: ValueType>(&mut self, key: &[u8]) -> Result<Option<&T>, CmdError> {
        match self.read(key) {
            None => Ok(None),
            Some(entry) => {
                let value = entry.boxed().and_then(|boxed| boxed.get::<T>());
                value.map(Some).ok_or(error::WRONG_TYPE)
            }
        }
    }

    /// Looks at a key without a trace in statistics or access times.
    pub fn peek(&mut self, key: &[u8]) -> Option<&Entry> {
        let at = self.at(self.index, key);
        let (shard, fx) = self.open(at);
        shard.peek(at, fx)
    }

    /// Looks at a key without even removing it where its time has come, so that several can be
    /// looked at together. Reading them first settles that and counts them.
    pub fn look(&self, key: &[u8]) -> Option<&Entry> {
        let at = self.at(self.index, key);
        let shard = self.locks.peek(self.keyspace.shard_of(at.hash));
        let shard = shard.expect("a command touches only the keys that its row declares");
        let table = shard.db(at.db)?.table();
        let entry = table.find(at.hash, key).map(|place| table.get(place))?;
        (!entry.is_expired(at.now_ms)).then_some(entry)
    }

    /// Opens a key of the selected database for change.
    #[inline]
    pub fn edit<'s>(&'s mut self, key: &'s [u8]) -> Edit<'s> {
        self.edit_in(self.index, key)
    }

    /// Opens a key of any database for change.
    #[inline]
    pub fn edit_in<'s>(&'s mut self, db: u16, key: &'s [u8]) -> Edit<'s> {
        let at = self.at(db, key);
        let (shard, fx) = self.open(at);
        Edit::open(shard, at, fx)
    }

    /// Opens a key that must hold a string or not exist.
    #[inline]
    pub fn edit_str<'s>(&'s mut self, key: &'s [u8]) -> Result<Edit<'s>, CmdError> {
        let edit = self.edit(key);
        match edit.entry() {
            Some(entry) if entry.as_str().is_none() => Err(error::WRONG_TYPE),
            _ => Ok(edit),
        }
    }

    /// Starts to watch a key on behalf of a session.
    pub fn watch(&mut self, key: &[u8], dirty: &Dirty) -> Watch {
        let at = self.at(self.index, key);
        let (shard, fx) = self.open(at);
        // A key past its time is removed first: its removal must not count as a change later.
        shard.peek(at, fx);
        let was_expired = shard.holds_expired(at);
        shard.watch(at, dirty.clone());
        Watch { db: at.db, key: key.into(), was_expired }
    }

    /// Whether a watched key has expired since its watch began.
    pub fn has_expired_since(&mut self, watch: &Watch) -> bool {
        let at = self.at(watch.db, &watch.key);
        let (shard, _) = self.open(at);
        !watch.was_expired && shard.holds_expired(at)
    }

    /// One shard by number, for commands that walk the keyspace: the held one, or the free one
    /// locked for as long as the result lives; `None` while somebody else has it.
    pub fn shard(&mut self, index: u16) -> Option<(ShardRef<'_>, &mut Effects)> {
        if self.locks.is_empty() {
            let guard = self.keyspace.try_shard(index)?;
            return Some((ShardRef::Own(guard), self.fx));
        }
        Some((ShardRef::Held(self.locks.get(index)?), self.fx))
    }

    /// All shards, held by a command whose row asks for everything.
    ///
    /// # Panics
    /// If a shard is not held.
    pub fn for_each_shard(&mut self, mut visit: impl FnMut(&mut Shard, &mut Effects)) {
        for index in 0..self.keyspace.shards() {
            let shard = self.locks.get(index).expect("the row asks for every shard");
            visit(shard, self.fx);
        }
    }

    /// Says what the change log gets instead of the command as it was called. The commands are only
    /// made when the log has a reader.
    pub fn rewrite(&mut self, make: impl FnOnce() -> Vec<OwnedArgs>) {
        if self.fx.interest.log {
            self.rewritten = Some(make());
        }
    }

    /// Takes what `rewrite` left.
    pub fn take_rewritten(&mut self) -> Option<Vec<OwnedArgs>> {
        self.rewritten.take()
    }
}

/// A shard, held by the transaction around or locked for the occasion.
pub enum ShardRef<'s> {
    /// Part of the locks of the running command.
    Held(&'s mut Shard),
    /// Locked for the occasion.
    Own(MutexGuard<'s, Shard>),
}

impl Deref for ShardRef<'_> {
    type Target = Shard;
    fn deref(&self) -> &Shard {
        match self {
            ShardRef::Held(shard) => shard,
            ShardRef::Own(guard) => guard,
        }
    }
}

impl DerefMut for ShardRef<'_> {
    fn deref_mut(&mut self) -> &mut Shard {
        match self {
            ShardRef::Held(shard) => shard,
            ShardRef::Own(guard) => guard,
        }
    }
}
