//! Commands on whole databases.

use super::{KEYSPACE, READ_FAST, WRITE_FAST, existing_database};
use engine::command::{Arg, Categories, Command, Flags, command, integer, one_of, token};
use engine::error::{self, CmdError};
use engine::{Args, CmdResult, Cx, Outcome};
use keyspace::db::Db;
use keyspace::table::Table;
use keyspace::{At, Effects, Shard};
use std::ops::Range;

const FLUSH_TYPE: Arg = one_of(
    "flush-type",
    &[token("async", "ASYNC").since("4.0.0"), token("sync", "SYNC").since("6.2.0")],
)
.optional();

pub(super) const COMMANDS: &[Command] = &[
    command("DBSIZE", dbsize)
        .summary("Counts the keys of the selected database.")
        .since("1.0.0")
        .group("server")
        .complexity("O(1)")
        .flags(READ_FAST)
        .acl(KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"]),
    command("RANDOMKEY", randomkey)
        .summary("Returns some key of the selected database.")
        .since("1.0.0")
        .complexity("O(1)")
        .flags(Flags::READONLY)
        .acl(KEYSPACE)
        .tips(&["request_policy:all_shards", "response_policy:special", "nondeterministic_output"])
        .walks(),
    command("SWAPDB", swapdb)
        .summary("Exchanges the contents of two databases.")
        .since("4.0.0")
        .group("server")
        .complexity("O(N) with N the number of watched and awaited keys of both.")
        .flags(WRITE_FAST)
        .acl(KEYSPACE.or(Categories::DANGEROUS))
        .args(&[integer("index1"), integer("index2")])
        .exclusive(),
    flush("FLUSHDB", flushdb)
        .summary("Removes all keys of the selected database.")
        .complexity("O(1) for the client; the N keys are freed in the background."),
    flush("FLUSHALL", flushall)
        .summary("Removes all keys of all databases.")
        .complexity("O(1) for the client; the N keys are freed in the background."),
];

const fn flush(name: &'static str, handler: engine::command::Handler) -> Command {
    command(name, handler)
        .since("1.0.0")
        .group("server")
        .history(&[("4.0.0", "The mode `ASYNC`."), ("6.2.0", "The mode `SYNC`.")])
        .flags(Flags::WRITE)
        .acl(KEYSPACE.or(Categories::DANGEROUS))
        .args(&[FLUSH_TYPE])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .exclusive()
}

fn dbsize(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let size = cx.db.keyspace.size(cx.db.index);
    cx.reply.integer(size.keys as i64);
    Ok(Outcome::Done)
}

/// Expired keys met in one go before others get their turn.
const EXPIRED_MAX: usize = 1000;

/// Keys for each shard from which on shards are about equally full, hashes being uniform.
const EVEN_KEYS: u64 = 16;

/// Picks an entry with equal chances for all. Expired ones that it meets are removed.
fn randomkey(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    let (keyspace, db, now_ms) = (cx.db.keyspace, cx.db.index, cx.db.now_ms);
    for tries in 0.. {
        if tries == EXPIRED_MAX && !cx.is_nested {
            return Ok(Outcome::Contended);
        }
        let keys = keyspace.size(db).keys;
        if keys == 0 {
            break;
        }
        let Some(index) = random_shard(cx, keys) else { return Ok(Outcome::Contended) };
        let random = cx.rng.next_u64();
        let Some((mut shard, fx)) = cx.db.shard(index) else { return Ok(Outcome::Contended) };
        let found = shard.db(db).and_then(|part| part.table().random(random));
        let Some(entry) = found else { continue };
        let is_kept = fx.interest.keep_expired && tries + 1 >= EXPIRED_MAX;
        if !entry.is_expired(now_ms) || is_kept {
            cx.reply.bulk(entry.key());
            return Ok(Outcome::Done);
        }
        let key: Box<[u8]> = entry.key().into();
        let at = At { db, key: &key, hash: keyspace.hash(&key), now_ms };
        shard.peek(at, fx);
    }
    cx.reply.null();
    Ok(Outcome::Done)
}

/// A shard, chosen with chances in proportion to its keys: any shard where all are about equally full,
/// else that of the n-th key. `None` if somebody has one of them.
fn random_shard(cx: &mut Cx<'_, '_>, keys: u64) -> Option<u16> {
    let (shards, db) = (cx.db.keyspace.shards(), cx.db.index);
    if keys >= EVEN_KEYS * u64::from(shards) {
        return Some(cx.rng.below(u64::from(shards)) as u16);
    }
    // Keys that come and go meanwhile may leave none at the place; then the caller tries again.
    let mut nth = cx.rng.below(keys);
    for index in 0..shards {
        let (shard, _) = cx.db.shard(index)?;
        let own = shard.db(db).map_or(0, |part| part.table().len() as u64);
        if nth < own {
            return Some(index);
        }
        nth -= own;
    }
    Some(0)
}

fn swapdb(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let number = |index, error: CmdError| {
        let number = stdx::num::parse_i64(args.at(index));
        number.and_then(|number| i32::try_from(number).ok()).ok_or(error)
    };
    let first = number(1, CmdError::fixed("ERR invalid first DB index"))?;
    let second = number(2, CmdError::fixed("ERR invalid second DB index"))?;
    let (first, second) = (existing_database(cx, first)?, existing_database(cx, second)?);
    let now_ms = cx.db.now_ms;
    cx.db.for_each_shard(|shard, fx| shard.swap_dbs(first, second, now_ms, fx));
    cx.db.fx.dirty += 1;
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn flushdb(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let db = cx.db.index;
    flush_databases(cx, args, db..db + 1)
}

fn flushall(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let databases = cx.db.keyspace.databases();
    flush_databases(cx, args, 0..databases)
}

/// Takes the tables out and leaves freeing them to the host, in both modes: neither the client nor
/// anybody else could see a difference but the wait.
fn flush_databases(cx: &mut Cx<'_, '_>, args: Args<'_>, dbs: Range<u16>) -> CmdResult {
    let is_mode = args.is(1, "ASYNC") || args.is(1, "SYNC");
    if args.len() > 2 || (args.len() == 2 && !is_mode) {
        return Err(error::SYNTAX);
    }
    let mut taken: Vec<Table> = Vec::new();
    cx.db.for_each_shard(|shard, fx| {
        for db in dbs.clone() {
            take_table(shard, db, fx, &mut taken);
        }
    });
    if !taken.is_empty() {
        cx.server.host.discard(Box::new(taken));
    }
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn take_table(shard: &mut Shard, db: u16, fx: &mut Effects, taken: &mut Vec<Table>) {
    let Some(table) = shard.db(db).map(Db::table) else { return };
    // A table that once was large still has its segments.
    if !table.is_empty() || table.segments().len() > 1 {
        fx.dirty += table.len() as u64;
        taken.push(shard.flush(db, fx));
    }
}
