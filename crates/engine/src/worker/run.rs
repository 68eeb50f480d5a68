//! Running: a batch under its locks, a single command with whatever scope it has, a job's next step.

use super::gate::{self, Verdict};
use super::{Conn, Next, OUTPUT_HIGH_BYTES, Pending, Request, Worker, hash_keys};
use crate::args::Args;
use crate::command::{Flags, InMulti, Scope};
use crate::cx::{Cx, Db, HashedKey, Job, Outcome, Step};
use crate::error::CmdError;
use crate::latency;
use crate::registry::Registered;
use crate::server::Server;
use crate::session::{Queued, Session};
use crate::slowlog::{self, SlowEntry};
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
                return Err(conn.hold(until_ms));
            }
            self.requests.truncate(first);
        }
        if server.keyspace.is_gated() && conn.gate.is_none() {
            return Err(Next::Contended);
        }
        let mut locks = LockSet::new();
        self.shards.clear();
        self.shards.extend(self.hashed.iter().map(|key| server.keyspace.shard_of(key.hash)));
        if self.shards.len() > 1 {
            self.shards.sort_unstable();
            self.shards.dedup();
        }
        if !locks.try_lock(&server.keyspace, &self.shards) {
            return Err(Next::Contended);
        }
        let mut fx = server.effects(now_ms, &mut self.rng);
        fx.no_touch = conn.session.no_touch;
        if self.requests.len() > 1 {
            prefetch(server, &mut locks, &self.hashed, conn.session.db);
        }
        let end = self.run_requests(server, conn, input, out, &mut locks, &mut fx, now_ms);
        drop(locks);
        self.settle(server, fx);
        Ok(end)
    }

    #[allow(clippy::too_many_arguments)]
    fn run_requests<'k>(
        &mut self,
        server: &'k Server,
        conn: &mut Conn,
        input: &[u8],
        out: &mut Vec<u8>,
        locks: &mut LockSet<'k>,
        fx: &mut Effects,
        now_ms: i64,
    ) -> usize {
        let mut timer = Timer::start(server, &self.stats);
        let mut end = 0;
        let mut hashed = &self.hashed[..];
        let mut ran = 0;
        let mut last = None;
        for Request { command, spans, end: request_end } in &self.requests {
            let command = server.registry.get(*command);
            let args = Args::new(input, &self.spans[spans.clone()]);
            let db = Db::new(&server.keyspace, locks, fx, conn.session.db, now_ms);
            let session = &mut conn.session;
            let reply_from = out.len();
            let reply = Writer::new(out, session.resp3);
            let (rng, db) = (&mut self.rng, db.with_hashes(hashed));
            let mut cx = Cx { server, command, session, db, reply, rng, is_nested: false };
            let result = (command.row.handler)(&mut cx, args);
            let failed = finish(server, result.map(drop), reply_from, out, conn.session.resp3);
            timer.stop(server, &conn.session, command, args, failed);
            end = *request_end;
            hashed = skip_keys_of(hashed, args);
            ran += 1;
            last = Some(command.index);
            if out.len() >= OUTPUT_HIGH_BYTES {
                break;
            }
        }
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
            Verdict::Wait(until_ms) => Err(conn.hold(until_ms)),
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

    /// Replies an error to a request that does not run. `command` is its row, as far as it is known.
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
        conn.session.client.note_activity(server.now_ms(), index, 1);
        let from = out.len();
        Writer::new(out, conn.session.resp3).error_bytes(error.as_bytes());
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
        let mut fx = server.effects(now_ms, &mut self.rng);
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
        drop(locks);
        self.hashed = hashed;
        let outcome = match result {
            Ok(Outcome::Contended) => {
                out.truncate(reply_from);
                self.settle(server, fx);
                return Err(Next::Contended);
            }
            Ok(Outcome::Exec) => {
                return self.run_exec(server, conn, command, now_ms, fx, out);
            }
            Ok(Outcome::Job(job)) => {
                conn.gate = None;
                let words = slowlog::abridged(args.iter());
                let (command, started_ns) = (command.index, timer.started_ns());
                conn.pending = Some(Pending { command, job, started_ns, words });
                self.settle(server, fx);
                return Ok(());
            }
            Ok(Outcome::Done) => Ok(()),
            Err(error) => Err(error),
        };
        conn.gate = None;
        self.settle(server, fx);
        let failed = finish(server, outcome, reply_from, out, conn.session.resp3);
        timer.stop(server, &conn.session, command, args, failed);
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
                lock_some(server, conn, shards, locks)
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
            Some(shards) => lock_some(server, conn, shards, &mut locks),
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
        self.settle(server, fx);
        let failed = finish(server, result, from, out, conn.session.resp3);
        timer.stop(server, &conn.session, command, Args::new(&[], &[]), failed);
        self.stats.processed.add(1);
        conn.session.client.note_activity(now_ms, Some(command.index), 1);
        if failed {
            transaction::drop_unwanted(&conn.session, from, out);
        }
        conn.session.reply_mode.advance();
        Ok(())
    }

    /// Does the next slice of a pending job. `None`: it is finished.
    pub(super) fn resume(
        &mut self,
        server: &Server,
        conn: &mut Conn,
        out: &mut Vec<u8>,
    ) -> Option<Next> {
        let mut pending = conn.pending.take()?;
        if conn.session.client.is_killed() {
            return Some(Next::Close);
        }
        let command = server.registry.get(pending.command);
        let now_ms = server.now_ms();
        let from = out.len();
        let slice_end_ns = server.clock.monotonic_ns() + SLICE_NS;
        let step = loop {
            let mut locks = LockSet::new();
            let mut fx = server.effects(now_ms, &mut self.rng);
            let db = Db::new(&server.keyspace, &mut locks, &mut fx, conn.session.db, now_ms);
            let reply = Writer::new(out, conn.session.resp3);
            let (session, rng) = (&mut conn.session, &mut self.rng);
            let mut cx = Cx { server, command, session, db, reply, rng, is_nested: false };
            let step = pending.job.step(&mut cx);
            drop(locks);
            self.settle(server, fx);
            if !matches!(step, Ok(Step::More)) || server.clock.monotonic_ns() >= slice_end_ns {
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
                record(server, &self.stats, &conn.session, command, ns, failed, || pending.words);
                self.stats.processed.add(1);
                conn.session.client.note_activity(now_ms, Some(command.index), 1);
                apply_reply_mode(&mut conn.session, from, out);
                return None;
            }
        };
        conn.pending = Some(pending);
        Some(next)
    }

    /// Hands over what a batch has set off.
    fn settle(&self, server: &Server, fx: Effects) {
        settle(server, &self.stats, fx);
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
        let mut fx = server.effects(now_ms, &mut self.rng);
        let mut more = false;
        for index in shards {
            let Some(mut shard) = server.keyspace.try_shard(index) else { continue };
            for db in 0..server.keyspace.databases() {
                if server.keyspace.shard_expires(index, db) > 0 {
                    more |= shard.sweep(db, now_ms, segments_max, &mut fx);
                }
            }
        }
        self.settle(server, fx);
        self.stats.sweep_ns.add(server.clock.monotonic_ns().saturating_sub(started_ns));
        more
    }
}

/// Hands over what a batch has set off: statistics, events, garbage.
fn settle(server: &Server, stats: &WorkerStats, mut fx: Effects) {
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
fn lock_some<'k>(
    server: &'k Server,
    conn: &Conn,
    shards: impl Iterator<Item = u16>,
    locks: &mut LockSet<'k>,
) -> bool {
    if server.keyspace.is_gated() && conn.gate.is_none() {
        return false;
    }
    let mut shards: SmallVec<[u16; 8]> = shards.collect();
    shards.sort_unstable();
    shards.dedup();
    locks.try_lock(&server.keyspace, &shards)
}

/// Locks every shard, or raises the gate so that the next attempt will succeed.
fn lock_everything<'k>(server: &'k Server, conn: &mut Conn, locks: &mut LockSet<'k>) -> bool {
    if conn.gate.is_none() {
        conn.gate = Some(server.keyspace.raise_gate());
    }
    locks.try_lock_all(&server.keyspace)
}

/// Asks for all segments, then for all slots, then for all entries of a batch, so that the cache misses
/// of one kind overlap. Each pass finds what the one before it asked for.
#[inline]
fn prefetch(server: &Server, locks: &mut LockSet<'_>, hashed: &[HashedKey], db: u16) {
    let mut pass = |ask: fn(&Table, u64)| {
        for key in hashed {
            if let Some(shard) = locks.get(server.keyspace.shard_of(key.hash)) {
                ask(shard.db(db).table(), key.hash);
            }
        }
    };
    pass(Table::prefetch_segment);
    pass(Table::prefetch_slot);
    pass(Table::prefetch_entry);
}

/// The hashes that are left once those of a request's own keys are used up. Keys come in the order of
/// requests, so the request's are in front.
#[inline]
fn skip_keys_of<'h>(hashed: &'h [HashedKey], args: Args<'_>) -> &'h [HashedKey] {
    let from = args.at(0).as_ptr() as usize;
    let last = args.at(args.len() - 1);
    let to = last.as_ptr() as usize + last.len();
    let own = hashed.iter().take_while(|key| (from..=to).contains(&key.address)).count();
    &hashed[own..]
}

/// Writes an error in place of what the handler had begun to reply. Returns whether there was one.
fn finish(
    server: &Server,
    result: Result<(), CmdError>,
    reply_from: usize,
    out: &mut Vec<u8>,
    resp3: bool,
) -> bool {
    let Err(error) = result else { return false };
    out.truncate(reply_from);
    Writer::new(out, resp3).error_bytes(error.as_bytes());
    server.stats.count_error(error.code());
    true
}

/// Takes a reply back that the client does not want, at the end of a command.
fn apply_reply_mode(session: &mut Session, reply_from: usize, out: &mut Vec<u8>) {
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

/// Measures the commands of a batch, the end of one being the start of the next.
struct Timer<'w> {
    stats: &'w WorkerStats,
    last_ns: u64,
}

impl<'w> Timer<'w> {
    fn start(server: &Server, stats: &'w WorkerStats) -> Timer<'w> {
        Timer { stats, last_ns: server.clock.monotonic_ns() }
    }

    fn started_ns(&self) -> u64 {
        self.last_ns
    }

    #[inline]
    fn stop(
        &mut self,
        server: &Server,
        session: &Session,
        command: &Registered,
        args: Args<'_>,
        failed: bool,
    ) {
        let now_ns = server.clock.monotonic_ns();
        let ns = now_ns.saturating_sub(self.last_ns);
        self.last_ns = now_ns;
        let words = || slowlog::abridged(args.iter());
        record(server, self.stats, session, command, ns, failed, words);
    }
}

/// Books an executed command: statistics, and the slow log where it was slow.
#[inline]
pub(crate) fn record(
    server: &Server,
    stats: &WorkerStats,
    session: &Session,
    command: &Registered,
    ns: u64,
    failed: bool,
    words: impl FnOnce() -> Vec<Vec<u8>>,
) {
    stats.record(command.index, ns, failed, server.config.flag(server.ids.latency_tracking));
    let monitor_ms = server.config.int(server.ids.latency_monitor_threshold);
    if monitor_ms > 0 && ns / 1_000_000 >= monitor_ms as u64 {
        note_latency(server, command, ns);
    }
    let threshold_us = server.config.int(server.ids.slowlog_slower_than);
    let us = ns / 1000;
    if threshold_us >= 0 && us >= threshold_us as u64 {
        log_slow(server, session, command, us, words());
    }
}

#[cold]
fn note_latency(server: &Server, command: &Registered, ns: u64) {
    let fast = command.flags.has(Flags::FAST);
    let event = if fast { latency::FAST_COMMAND } else { latency::COMMAND };
    server.latency.add(event, server.clock.unix_us() / 1_000_000, ns / 1_000_000);
}

#[cold]
fn log_slow(
    server: &Server,
    session: &Session,
    command: &Registered,
    duration_us: u64,
    words: Vec<Vec<u8>>,
) {
    if command.flags.has(Flags::SKIP_SLOWLOG) {
        return;
    }
    let len_max = usize::try_from(server.config.int(server.ids.slowlog_len_max)).unwrap_or(0);
    let entry = SlowEntry {
        id: 0,
        unix_s: server.clock.unix_us() / 1_000_000,
        duration_us,
        words,
        addr: session.client.peer.addr.clone(),
        name: session.client.names().name,
    };
    server.slowlog.add(entry, len_max);
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
