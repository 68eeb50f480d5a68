//! Waiting for keys, and serving those who wait.

use super::run::{lock_some, settle};
use super::{Conn, Next, Pending, Worker, hash_keys};
use crate::args::Args;
use crate::cx::{Cx, Db, Outcome};
use crate::error::CmdError;
use crate::registry::Registered;
use crate::server::Server;
use crate::session::Session;
use crate::waiters::{State, Wait, Waiter};
use crate::worker::book::Books;
use keyspace::{LockSet, Shard};
use parking_lot::Mutex;
use resp::Writer;
use std::sync::Arc;

/// Attempts to get the locks for serving a waiter before it is left for the next opportunity.
const ATTEMPTS_MAX: u32 = 1000;
const UNBLOCKED: CmdError = CmdError::fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK");

/// What came of an attempt to serve a waiting request.
enum Attempt {
    Served,
    NothingForIt,
    Contended,
}

impl Worker {
    /// Queues a request under its keys; their shards are still locked, so no change comes in
    /// between.
    pub(super) fn block(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        command: &Registered,
        args: Args<'_>,
        wait: Wait,
        (locks, started_ns): (&mut LockSet<'_>, u64),
    ) {
        let session = &conn.session;
        let Some(user) = session.user.clone() else { return };
        for key in &wait.keys {
            let hash = server.keyspace.hash(key);
            let shard = locks.get(server.keyspace.shard_of(hash));
            let shard: &mut Shard = shard.expect("a command waits for keys that its row declares");
            shard.wait(keyspace::At { db: session.db, key, hash, now_ms: 0 });
        }
        let waiter = Arc::new(Waiter {
            client: session.client.clone(),
            user,
            command: command.index,
            args: args.to_owned(),
            db: session.db,
            resp3: session.resp3,
            wait,
            started_ns,
            state: Mutex::new(State::Waiting),
        });
        server.waiters.add(&waiter);
        session.client.set_blocked(true);
        session.client.note_activity(server.now_ms(), Some(command.index), 0);
        conn.pending = Some(Pending::Wait(waiter));
    }

    /// Looks whether a wait is over. `None`: it is, and the reply is written.
    pub(super) fn look_at_wait(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        waiter: Arc<Waiter>,
        out: &mut Vec<u8>,
    ) -> Option<Next> {
        let now_ms = server.now_ms();
        let mut state = waiter.state.lock();
        let is_late = waiter.wait.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms);
        if matches!(*state, State::Waiting) && !is_late {
            drop(state);
            let until_ms = waiter.wait.deadline_ms.unwrap_or(i64::MAX);
            conn.pending = Some(Pending::Wait(waiter));
            return Some(Next::Until(until_ms));
        }
        let ended = std::mem::replace(&mut *state, State::Ended);
        drop(state);
        let from = out.len();
        let mut reply = Writer::new(out, waiter.resp3);
        let mut failed = false;
        match ended {
            State::Served(bytes) => reply.out.extend_from_slice(&bytes),
            State::Unblocked { with_error: true } => {
                reply.error(UNBLOCKED.as_str());
                server.stats.count_error(UNBLOCKED.code());
                failed = true;
            }
            State::Waiting | State::Unblocked { .. } | State::Ended => {
                (waiter.wait.on_timeout)(&mut reply);
            }
        }
        leave(server, &waiter);
        let command = server.registry.get(waiter.command);
        let ns = server.clock.monotonic_ns().saturating_sub(waiter.started_ns);
        // The wait is not work: it does not make a command slow.
        let books = Books::open(server, &self.stats);
        books.enter_quick(command, ns, failed);
        self.stats.processed.add(1);
        conn.session.client.note_activity(now_ms, Some(command.index), 1);
        super::run::apply_reply_mode(&mut conn.session, from, out);
        None
    }

    /// Serves those who wait for keys that changed, before the replies of whoever changed them are
    /// sent.
    pub(super) fn serve_waiters(&mut self, server: &Server) {
        let mut deferred = Vec::new();
        while !self.ready.is_empty() {
            let (db, key) = self.ready.remove(0);
            for waiter in server.waiters.on(db, &key) {
                match self.serve(server, &waiter) {
                    Attempt::Served => {
                        leave(server, &waiter);
                        waiter.client.wake();
                    }
                    Attempt::NothingForIt => {}
                    Attempt::Contended => {
                        deferred.push((db, key));
                        break;
                    }
                }
            }
        }
        self.ready = deferred;
    }

    /// Runs a waiting request again; what it then finds is its own.
    fn serve(&mut self, server: &Server, waiter: &Arc<Waiter>) -> Attempt {
        let Some(mut state) = waiter.state.try_lock() else { return Attempt::Contended };
        if !matches!(*state, State::Waiting) {
            return Attempt::NothingForIt;
        }
        let command = server.registry.get(waiter.command);
        let args = waiter.args.as_args();
        let mut hashed = Vec::new();
        hash_keys(server, command, args, &mut hashed);
        let mut locks = LockSet::new();
        let shards = || hashed.iter().map(|key| server.keyspace.shard_of(key.hash));
        if !(0..ATTEMPTS_MAX).any(|_| lock_some(server, true, shards(), &mut locks)) {
            return Attempt::Contended;
        }
        let now_ms = server.now_ms();
        let mut fx = server.effects(now_ms, &mut self.rng, &self.tallies);
        let mut session = Session::new(waiter.client.clone(), Some(waiter.user.clone()));
        session.db = waiter.db;
        session.resp3 = waiter.resp3;
        let mut out = Vec::new();
        let result = {
            let db = Db::new(&server.keyspace, &mut locks, &mut fx, waiter.db, now_ms);
            let reply = Writer::new(&mut out, waiter.resp3);
            let (session, rng) = (&mut session, &mut self.rng);
            let mut cx = Cx { server, command, session, db, reply, rng, is_nested: false };
            (command.row.handler)(&mut cx, args)
        };
        drop(locks);
        settle(server, &self.stats, &mut self.ready, fx);
        match result {
            Ok(Outcome::Done) => {
                *state = State::Served(out);
                Attempt::Served
            }
            // Nothing there yet, or (an error) a value of another type, which may go away again.
            Ok(_) | Err(_) => Attempt::NothingForIt,
        }
    }
}

/// Takes a request out of the queues, and its keys off the shards' books where nobody else waits.
pub(super) fn leave(server: &Server, waiter: &Arc<Waiter>) {
    waiter.client.set_blocked(false);
    for key in server.waiters.remove(waiter) {
        let hash = server.keyspace.hash(&key);
        let at = keyspace::At { db: waiter.db, key: &key, hash, now_ms: 0 };
        // Where the shard is taken the note stays; it costs a look at an empty queue later.
        if let Some(mut shard) = server.keyspace.try_shard(server.keyspace.shard_of(hash))
            && !server.waiters.has(waiter.db, &key)
        {
            shard.unwait(at);
        }
    }
}
