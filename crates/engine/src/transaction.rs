//! EXEC: the queued commands under the union of their shards, with nobody in between.

use crate::args::Args;
use crate::command::Scope;
use crate::cx::{Cx, Db, Outcome};
use crate::error::CmdError;
use crate::keys;
use crate::server::Server;
use crate::session::{Multi, Queued, Session, Watches};
use crate::stats::WorkerStats;
use crate::worker::{Timer, run_to_end};
use keyspace::{Effects, LockSet};
use resp::Writer;
use std::sync::atomic::Ordering;
use stdx::prng::Prng;

/// A command was refused while it was queued.
const EXEC_ABORT: CmdError =
    CmdError::fixed("EXECABORT Transaction discarded because of previous errors.");

/// The error for an EXEC that was itself refused.
pub(crate) fn aborted_by(error: &CmdError) -> CmdError {
    let text = error.as_str();
    let reason = text.strip_prefix("ERR ").unwrap_or(text);
    CmdError::text(format!("EXECABORT Transaction discarded because of: {reason}"))
}

/// Takes a reply back that the client does not want.
pub(crate) fn drop_unwanted(session: &Session, reply_from: usize, out: &mut Vec<u8>) {
    if session.reply_mode.is_silent() {
        out.truncate(reply_from);
    }
}

/// The shards that a session's transaction needs; `None` for all.
pub(crate) fn shards(server: &Server, session: &Session) -> Option<std::vec::IntoIter<u16>> {
    let mut shards = Vec::new();
    let mut add = |key: &[u8]| shards.push(server.keyspace.shard_of(server.keyspace.hash(key)));
    for watch in session.watches.iter().flat_map(|watches| &watches.keys) {
        add(&watch.key);
    }
    for Queued { command, args } in session.multi.iter().flat_map(|multi| &multi.queue) {
        let command = server.registry.get(*command);
        if command.row.scope != Scope::Keys {
            return None;
        }
        let args = args.as_args();
        // Keys that cannot be found are an error that the handler reports without touching any.
        let _ = keys::for_each_key(command.keys(), args, &mut |index, _| add(args.at(index)));
    }
    Some(shards.into_iter())
}

/// The execution of one transaction.
pub(crate) struct Run<'a, 'k> {
    pub(crate) server: &'k Server,
    pub(crate) locks: &'a mut LockSet<'k>,
    pub(crate) fx: &'a mut Effects,
    pub(crate) rng: &'a mut Prng,
    pub(crate) stats: &'a WorkerStats,
    pub(crate) now_ms: i64,
}

impl Run<'_, '_> {
    /// Executes the session's queue and writes the array of replies, null where a watched key was
    /// touched.
    pub(crate) fn execute(
        &mut self,
        session: &mut Session,
        out: &mut Vec<u8>,
    ) -> Result<(), CmdError> {
        let Some(multi) = session.multi.take() else { return Err(EXEC_ABORT) };
        let watches = session.watches.take();
        session.unwatch();
        let result = self.run_all(session, &multi, watches, out);
        session.client.set_multi(-1, 0);
        result
    }

    fn run_all(
        &mut self,
        session: &mut Session,
        multi: &Multi,
        watches: Option<Box<Watches>>,
        out: &mut Vec<u8>,
    ) -> Result<(), CmdError> {
        if multi.refused {
            return Err(EXEC_ABORT);
        }
        let from = out.len();
        if watches.is_some_and(|watches| self.is_touched(session, &watches)) {
            Writer::new(out, session.resp3).null_array();
            drop_unwanted(session, from, out);
            return Ok(());
        }
        Writer::new(out, session.resp3).array(multi.queue.len());
        drop_unwanted(session, from, out);
        for Queued { command, args } in &multi.queue {
            let from = out.len();
            let was_closing = session.close_after_reply;
            self.run_queued(session, *command, args.as_args(), out);
            // Each command may change what the client wants to hear of it and the next ones.
            drop_unwanted(session, from, out);
            if was_closing {
                out.truncate(from);
            }
        }
        Ok(())
    }

    fn is_touched(&mut self, session: &Session, watches: &Watches) -> bool {
        // Ordering: acquire pairs with the release of whoever touched the key.
        if watches.dirty.load(Ordering::Acquire) {
            return true;
        }
        let keyspace = &self.server.keyspace;
        let mut db = Db::new(keyspace, self.locks, self.fx, session.db, self.now_ms);
        watches.keys.iter().any(|watch| db.has_expired_since(watch))
    }

    fn run_queued(
        &mut self,
        session: &mut Session,
        command: u32,
        args: Args<'_>,
        out: &mut Vec<u8>,
    ) {
        let server = self.server;
        let command = server.registry.get(command);
        let mut timer = Timer::start(server, self.stats);
        let from = out.len();
        self.fx.no_touch = session.no_touch;
        let db = Db::new(&server.keyspace, self.locks, self.fx, session.db, self.now_ms);
        let (reply, rng) = (Writer::new(out, session.resp3), &mut *self.rng);
        let mut cx = Cx { server, command, session, db, reply, rng, is_nested: true };
        let result = match (command.row.handler)(&mut cx, args) {
            Ok(Outcome::Job(job)) => run_to_end(&mut cx, job),
            Ok(Outcome::Done | Outcome::Contended | Outcome::Block(_) | Outcome::Exec) => Ok(()),
            Err(error) => Err(error),
        };
        let failed = result.is_err();
        if let Err(error) = result {
            out.truncate(from);
            Writer::new(out, session.resp3).error(error.as_str());
            server.stats.count_error(error.code());
        }
        timer.stop(session, command, args, failed);
        self.stats.processed.add(1);
    }
}
