//! Running: a batch under its locks, a single command with whatever scope it has, a job's next
//! step.

use super::book::{Books, Timer};
use super::gate::{self, Verdict};
use super::{
    BATCH_MAX, Conn, Next, OUTPUT_HIGH_BYTES, Pending, PendingJob, Request, Worker, hash_keys,
};
use crate::args::Args;
use crate::command::{Flags, InMulti, Scope};
use crate::cx::{Cx, Db, HashedKey, Job, Outcome, Step};
use crate::error::CmdError;
use crate::registry::Registered;
use crate::server::Server;
use crate::session::{Queued, Session};
use crate::slowlog;
use crate::stats::WorkerStats;
use crate::transaction;
use keyspace::table::Table;
use keyspace::{Effects, LockSet};
use resp::Writer;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// How long a job runs before others get their turn, in nanoseconds.
const SLICE_NS: u64 = 500_000;

impl Worker {
    /// Runs the gathered batch. Returns where the input goes on, or why nothing ran.
    pub(super) fn run_batch(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Next> {
        let now_ms = server.now_ms();
        if let Some((_, until_ms)) = server.pause.active(now_ms)
            && let Some(first) = self.first_paused(server, conn, now_ms)
        {
            if first == 0 {
                return Err(conn.hold(self.requests[0].command, now_ms, until_ms));
            }
            self.requests.truncate(first);
        }
        if server.keyspace.is_gated() && conn.gate.is_none() {
            return Err(Next::Contended);
        }
        let mut locks = LockSet::new();
        self.shards.clear();
        self.shards.extend(self.hashed.iter().map(|key| server.keyspace.shard_of(key.hash)));
        if !locks.try_lock_unsorted(&server.keyspace, &mut self.shards) {
            return Err(Next::Contended);
        }
        let mut fx = server.effects(now_ms, &mut self.rng, &self.tallies);
        fx.no_touch = conn.session.no_touch;
        if self.requests.len() > 1 {
            prefetch(server, &locks, &self.hashed, conn.session.db);
        }
        let end = self.run_requests(server, conn, input, out, (&mut locks, &mut fx), now_ms);
        drop(locks);
        settle(server, &self.stats, &mut self.ready, fx);
        Ok(end)
    }

    /// Runs the batch's requests in order under their locks. Returns where the input goes on.
    fn run_requests<'k>(
        &mut self,
        server: &'k Server,
        conn: &mut Conn,
        input: &[u8],
        out: &mut Vec<u8>,
        (locks, fx): (&mut LockSet<'k>, &mut Effects),
        now_ms: i64,
    ) -> usize {
        let mut timer = Timer::start(server, &self.stats);
        let (mut end, mut ran, mut last) = (0, 0, None);
        let (resp3, started_ns) = (conn.session.resp3, timer.started_ns());
        let db = Db::new(&server.keyspace, locks, fx, conn.session.db, now_ms);
        let mut cx = Cx {
            server,
            // Set for each request below; there is at least one.
            command: server.registry.get(self.requests[0].command),
            session: &mut conn.session,
            db: db.with_hashes(&self.hashed),
            reply: Writer::new(out, resp3),
            rng: &mut self.rng,
            is_nested: false,
        };
        let mut job = None;
        for Request { command, spans, end: request_end } in &self.requests {
            cx.command = server.registry.get(*command);
            let args = Args::new(input, &self.spans[spans.clone()]);
            let reply_from = cx.reply.out.len();
            end = *request_end;
            let failed = match (cx.command.row.handler)(&mut cx, args) {
                Ok(Outcome::Job(pending)) => {
                    job = Some((pending, slowlog::words(server, cx.command, args)));
                    break;
                }
                Ok(_) => false,
                Err(error) => fail(server, &error, reply_from, &mut cx.reply),
            };
            timer.stop(cx.session, cx.command, args, failed);
            ran += 1;
            last = Some(cx.command.index);
            if cx.reply.out.len() >= OUTPUT_HIGH_BYTES {
                break;
            }
        }
        let command = cx.command.index;
        let pending = |(job, words)| PendingJob { command, job, started_ns, words };
        conn.pending = job.map(pending).map(Pending::Job);
        self.stats.processed.add(ran);
        conn.session.client.note_activity(now_ms, last, ran);
        end
    }

    /// The first request of the batch that a pause holds back.
    fn first_paused(&self, server: &Server, conn: &Conn, now_ms: i64) -> Option<usize> {
        self.requests.iter().position(|request| {
            let command = server.registry.get(request.command);
            matches!(gate::judge(server, &conn.session, command, now_ms), Verdict::Wait(_))
        })
    }

    /// Runs one request by itself.
    pub(super) fn run_alone(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        input: &[u8],
        spans: Range<usize>,
        is_inline: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Next> {
        let now_ms = server.now_ms();
        let inline = std::mem::take(&mut self.inline);
        let scratch = std::mem::take(&mut self.spans);
        let source = if is_inline { &inline[..] } else { input };
        let args = Args::new(source, &scratch[spans]);
        let result = self.judge_and_run(server, conn, args, now_ms, out);
        self.inline = inline;
        self.spans = scratch;
        result
    }

    fn judge_and_run(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        args: Args<'_>,
        now_ms: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), Next> {
        let command = match server.registry.resolve(args) {
            Ok(command) => command,
            Err(error) => {
                self.refuse(server, conn, server.registry.find(args.at(0)), error, out);
                return Ok(());
            }
        };
        match gate::judge(server, &conn.session, command, now_ms) {
            Verdict::Run => self.run_one(server, conn, command, args, now_ms, out),
            Verdict::Wait(until_ms) => Err(conn.hold(command.index, now_ms, until_ms)),
            Verdict::Refuse(error) => {
                self.refuse(server, conn, Some(command), error, out);
                Ok(())
            }
            Verdict::Queue => {
                queue(&mut conn.session, command, args);
                conn.session.client.note_activity(now_ms, Some(command.index), 1);
                let from = out.len();
                Writer::new(out, conn.session.resp3).simple("QUEUED");
                apply_reply_mode(&mut conn.session, from, out);
                Ok(())
            }
        }
    }

    /// Replies an error to a request that does not run. `command` is its row, as far as it is
    /// known.
    fn refuse(
        &self,
        server: &Server,
        conn: &mut Conn,
        command: Option<&Registered>,
        mut error: CmdError,
        out: &mut Vec<u8>,
    ) {
        if let Some(command) = command {
            self.stats.reject(command.index);
            if command.row.in_multi == InMulti::Execute {
                error = transaction::aborted_by(&error);
                conn.session.discard();
            }
        }
        conn.session.refuse_multi();
        server.stats.count_error(error.code());
        let index = command.map(|command| command.index);
        conn.session.client.note_activity(server.now_ms(), index, 0);
        let from = out.len();
        Writer::new(out, conn.session.resp3).error(error.as_str());
        apply_reply_mode(&mut conn.session, from, out);
    }

    fn run_one(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        command: &Registered,
        args: Args<'_>,
        now_ms: i64,
        out: &mut Vec<u8>,
    ) -> Result<(), Next> {
        let mut hashed = std::mem::take(&mut self.hashed);
        hashed.clear();
        let mut locks = LockSet::new();
        let locked = self.lock_for(server, conn, command, args, &mut hashed, &mut locks);
        if !locked {
            self.hashed = hashed;
            return Err(Next::Contended);
        }
        let mut fx = server.effects(now_ms, &mut self.rng, &self.tallies);
        fx.no_touch = conn.session.no_touch;
        let mut timer = Timer::start(server, &self.stats);
        let reply_from = out.len();
        let result = {
            let db = Db::new(&server.keyspace, &mut locks, &mut fx, conn.session.db, now_ms);
            let reply = Writer::new(out, conn.session.resp3);
            let (session, db, rng) = (&mut conn.session, db.with_hashes(&hashed), &mut self.rng);
            let mut cx = Cx { server, command, session, db, reply, rng, is_nested: false };
            (command.row.handler)(&mut cx, args)
        };
        let result = match result {
            Ok(Outcome::Block(wait)) => {
                let held = (&mut locks, timer.started_ns());
                self.block(server, conn, command, args, wait, held);
                drop(locks);
                self.hashed = hashed;
                settle(server, &self.stats, &mut self.ready, fx);
                return Ok(());
            }
            other => other,
        };
        drop(locks);
        self.hashed = hashed;
        let outcome = match result {
            Ok(Outcome::Contended) => {
                out.truncate(reply_from);
                settle(server, &self.stats, &mut self.ready, fx);
                return Err(Next::Contended);
            }
            Ok(Outcome::Exec) => {
                return self.run_exec(server, conn, command, now_ms, fx, out);
            }
            Ok(Outcome::Job(job)) => {
                conn.gate = None;
                let words = slowlog::words(server, command, args);
                let (command, started_ns) = (command.index, timer.started_ns());
                let pending = PendingJob { command, job, started_ns, words };
                conn.pending = Some(Pending::Job(pending));
                settle(server, &self.stats, &mut self.ready, fx);
                return Ok(());
            }
            Ok(Outcome::Done | Outcome::Block(_)) => Ok(()),
            Err(error) => Err(error),
        };
        conn.gate = None;
        settle(server, &self.stats, &mut self.ready, fx);
        let failed = finish(server, outcome, reply_from, out, conn.session.resp3);
        timer.stop(&conn.session, command, args, failed);
        self.stats.processed.add(1);
        conn.session.client.note_activity(now_ms, Some(command.index), 1);
        apply_reply_mode(&mut conn.session, reply_from, out);
        Ok(())
    }

    /// Locks what a command needs. False: somebody has it, or waits for everything.
    fn lock_for<'k>(
        &mut self,
        server: &'k Server,
        conn: &mut Conn,
        command: &Registered,
        args: Args<'_>,
        hashed: &mut Vec<HashedKey>,
        locks: &mut LockSet<'k>,
    ) -> bool {
        match command.row.scope {
            Scope::Walk => true,
            Scope::Everything => lock_everything(server, conn, locks),
            Scope::Keys => {
                // Keys that cannot be found are an error of the handler's to report.
                hash_keys(server, command, args, hashed);
                if hashed.is_empty() {
                    return true;
                }
                let shards = hashed.iter().map(|key| server.keyspace.shard_of(key.hash));
                lock_some(server, conn.gate.is_some(), shards, locks)
            }
        }
    }

    fn run_exec(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        command: &Registered,
        now_ms: i64,
        mut fx: Effects,
        out: &mut Vec<u8>,
    ) -> Result<(), Next> {
        let mut locks = LockSet::new();
        let locked = match transaction::shards(server, &conn.session) {
            None => lock_everything(server, conn, &mut locks),
            Some(shards) => lock_some(server, conn.gate.is_some(), shards, &mut locks),
        };
        if !locked {
            return Err(Next::Contended);
        }
        conn.gate = None;
        let from = out.len();
        let mut timer = Timer::start(server, &self.stats);
        // What the queued commands see of their own connection: it runs EXEC.
        conn.session.client.note_activity(now_ms, Some(command.index), 0);
        let mut run = transaction::Run {
            server,
            locks: &mut locks,
            fx: &mut fx,
            rng: &mut self.rng,
            stats: &self.stats,
            now_ms,
        };
        let result = run.execute(&mut conn.session, out);
        drop(locks);
        settle(server, &self.stats, &mut self.ready, fx);
        let failed = finish(server, result, from, out, conn.session.resp3);
        timer.stop(&conn.session, command, Args::new(&[], &[]), failed);
        self.stats.processed.add(1);
        conn.session.client.note_activity(now_ms, Some(command.index), 1);
        if failed {
            transaction::drop_unwanted(&conn.session, from, out);
        }
        conn.session.reply_mode.advance();
        Ok(())
    }

    /// Goes on with what is under way. `None`: it is finished.
    pub(super) fn resume(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        out: &mut Vec<u8>,
    ) -> Option<Next> {
        if conn.session.client.is_killed() {
            return Some(Next::Close);
        }
        match conn.pending.take()? {
            Pending::Job(job) => self.step(server, conn, job, out),
            Pending::Wait(waiter) => self.look_at_wait(server, conn, waiter, out),
        }
    }

    /// Does the next slice of a job.
    fn step(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        mut pending: PendingJob,
        out: &mut Vec<u8>,
    ) -> Option<Next> {
        let command = server.registry.get(pending.command);
        let now_ms = server.now_ms();
        let from = out.len();
        let slice_end_ns = server.clock.monotonic_ns() + SLICE_NS;
        let step = loop {
            let mut locks = LockSet::new();
            let mut fx = server.effects(now_ms, &mut self.rng, &self.tallies);
            let db = Db::new(&server.keyspace, &mut locks, &mut fx, conn.session.db, now_ms);
            let reply = Writer::new(out, conn.session.resp3);
            let (session, rng) = (&mut conn.session, &mut self.rng);
            let mut cx = Cx { server, command, session, db, reply, rng, is_nested: false };
            let step = pending.job.step(&mut cx);
            drop(locks);
            settle(server, &self.stats, &mut self.ready, fx);
            let is_full = out.len() >= OUTPUT_HIGH_BYTES;
            if !matches!(step, Ok(Step::More))
                || is_full
                || server.clock.monotonic_ns() >= slice_end_ns
            {
                break step;
            }
        };
        let next = match step {
            Ok(Step::More) => Next::Yield,
            Ok(Step::Contended) => Next::Contended,
            Ok(Step::Until(until_ms)) => Next::Until(until_ms),
            Ok(Step::Done) | Err(_) => {
                let failed = finish(server, step.map(drop), from, out, conn.session.resp3);
                let ns = server.clock.monotonic_ns().saturating_sub(pending.started_ns);
                let books = Books::open(server, &self.stats);
                books.enter(&conn.session, command, ns, failed, || pending.words);
                self.stats.processed.add(1);
                conn.session.client.note_activity(now_ms, Some(command.index), 1);
                apply_reply_mode(&mut conn.session, from, out);
                return None;
            }
        };
        conn.pending = Some(Pending::Job(pending));
        Some(next)
    }

    /// Removes expired entries of some shards, visiting at most `segments_max` segments in each
    /// database. Returns whether more is due.
    pub fn sweep(&mut self, server: &Server, shards: Range<u16>, segments_max: usize) -> bool {
        if !server.active_expire.load(Ordering::Relaxed)
            || server.pause.active(server.now_ms()).is_some()
        {
            return false;
        }
        let started_ns = server.clock.monotonic_ns();
        let now_ms = server.now_ms();
        let mut fx = server.effects(now_ms, &mut self.rng, &self.tallies);
        let mut more = false;
        for index in shards {
            let Some(mut shard) = server.keyspace.try_shard(index) else { continue };
            for db in 0..server.keyspace.databases() {
                more |= shard.sweep(db, now_ms, segments_max, &mut fx);
            }
        }
        settle(server, &self.stats, &mut self.ready, fx);
        self.stats.sweep_ns.add(server.clock.monotonic_ns().saturating_sub(started_ns));
        more
    }
}

/// Hands over what a batch has set off: statistics, events, garbage.
pub(super) fn settle(
    server: &Server,
    stats: &WorkerStats,
    ready: &mut Vec<(u16, Box<[u8]>)>,
    mut fx: Effects,
) {
    ready.append(&mut fx.ready);
    stats.hits.add(fx.hits);
    stats.misses.add(fx.misses);
    if fx.dirty > 0 {
        server.stats.dirty.fetch_add(fx.dirty, Ordering::Relaxed);
    }
    if fx.expired > 0 {
        stats.expired.add(fx.expired);
    }
    if !fx.garbage.is_empty() {
        let count = fx.garbage.len() as u64;
        server.stats.lazily_freed.fetch_add(count, Ordering::Relaxed);
        server.host.discard(Box::new(std::mem::take(&mut fx.garbage)));
    }
}

/// Locks the shards of some keys, or nothing. A connection that raised the gate passes it.
pub(super) fn lock_some<'k>(
    server: &'k Server,
    passes_gate: bool,
    shards: impl Iterator<Item = u16>,
    locks: &mut LockSet<'k>,
) -> bool {
    if server.keyspace.is_gated() && !passes_gate {
        return false;
    }
    let mut shards: Vec<u16> = shards.collect();
    locks.try_lock_unsorted(&server.keyspace, &mut shards)
}

/// Locks every shard, or raises the gate so that the next attempt will succeed.
fn lock_everything<'k>(server: &'k Server, conn: &mut Conn, locks: &mut LockSet<'k>) -> bool {
    if conn.gate.is_none() {
        conn.gate = Some(server.keyspace.raise_gate());
    }
    locks.try_lock_all(&server.keyspace)
}

/// Asks for all segments, then for all slots, then for all entries of a batch, so that the cache
/// misses of one kind overlap. Each pass finds what the one before it asked for.
#[inline]
fn prefetch(server: &Server, locks: &LockSet<'_>, hashed: &[HashedKey], db: u16) {
    let table_of = |key: &HashedKey| {
        let shard = locks.peek(server.keyspace.shard_of(key.hash))?;
        Some((shard.db(db)?.table(), key.hash))
    };
    let tables: SmallVec<[(&Table, u64); BATCH_MAX]> = hashed.iter().filter_map(table_of).collect();
    tables.iter().for_each(|(table, hash)| table.prefetch_segment(*hash));
    tables.iter().for_each(|(table, hash)| table.prefetch_slot(*hash));
    tables.iter().for_each(|(table, hash)| table.prefetch_entry(*hash));
}

/// Writes an error in place of what the handler had begun to reply. Returns whether there was one.
fn finish(
    server: &Server,
    result: Result<(), CmdError>,
    reply_from: usize,
    out: &mut Vec<u8>,
    resp3: bool,
) -> bool {
    match result {
        Ok(()) => false,
        Err(error) => fail(server, &error, reply_from, &mut Writer::new(out, resp3)),
    }
}

/// Writes an error in place of what the handler had begun to reply. Always true: the command
/// failed.
#[cold]
fn fail(server: &Server, error: &CmdError, reply_from: usize, reply: &mut Writer<'_>) -> bool {
    reply.out.truncate(reply_from);
    reply.error(error.as_str());
    server.stats.count_error(error.code());
    true
}

/// Takes a reply back that the client does not want, at the end of a command.
pub(super) fn apply_reply_mode(session: &mut Session, reply_from: usize, out: &mut Vec<u8>) {
    transaction::drop_unwanted(session, reply_from, out);
    session.reply_mode.advance();
}

fn queue(session: &mut Session, command: &Registered, args: Args<'_>) {
    let Some(multi) = &mut session.multi else { return };
    let args = args.to_owned();
    multi.bytes += args.memory() as u64;
    multi.writes |= command.flags.0 & (Flags::WRITE | Flags::MAY_REPLICATE).0 != 0;
    multi.queue.push(Queued { command: command.index, args });
    session.client.set_multi(multi.queue.len() as i64, multi.bytes);
}

/// Runs a job to its end at once, for transactions, where nothing may come between.
pub(crate) fn run_to_end(cx: &mut Cx<'_, '_>, mut job: Box<dyn Job>) -> Result<(), CmdError> {
    loop {
        match job.step(cx)? {
            Step::Done => return Ok(()),
            Step::More => {}
            // All shards are held, and nothing waits inside a transaction.
            Step::Contended | Step::Until(_) => {}
        }
    }
}
