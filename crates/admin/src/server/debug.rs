//! DEBUG: switches and probes for tests, behind `enable-debug-command`.
//!
//! As in Redis the words after DEBUG are no subcommands of the table: they are not documented one
//! by one, and a wrong number of words gives the same error as a wrong word.

use super::{Args, CmdError, CmdResult, Cx, OPERATOR, Outcome, config, unknown_in};
use engine::command::{Command, command};
use engine::port::LogLevel;
use engine::server::hex_id;
use engine::{Job, Step, error};
use keyspace::access::idle_s;
use keyspace::{Edit, Entry, Event, EventClass, Str, Ttl};
use std::sync::atomic::Ordering;
use stdx::memory_size;

pub(super) const DEBUG: Command = command("DEBUG", debug)
    .summary("Groups what only tests and developers need.")
    .since("1.0.0")
    .group("server")
    .complexity("That of the subcommand")
    .arity(-2)
    .flags(OPERATOR)
    .internal()
    .guarded_by("enable-debug-command")
    .walks();

/// A probe: its word, how many words may follow, the words as help shows them, what it does.
struct Probe {
    word: &'static str,
    args: (usize, usize),
    syntax: &'static str,
    help: &'static str,
    run: fn(&mut Cx, Args) -> CmdResult,
}

const PROBES: &[Probe] = &[
    probe("CHANGE-REPL-ID", (0, 0), "", "Gives the replication history a new name.", change_id),
    probe(
        "CONFIG-REWRITE-FORCE-ALL",
        (0, 0),
        "",
        "Rewrites the configuration file with every parameter.",
        rewrite_all,
    ),
    probe("DICT-RESIZING", (1, 1), "<0|1>", "Accepted; no table here resizes as a whole.", accept),
    probe("ERROR", (1, 1), "<string>", "Replies an error with this text.", reply_error),
    probe("LOG", (1, 1), "<message>", "Writes to the server's log.", log),
    probe("OBJECT", (1, 1), "<key>", "Shows how a key is stored.", object),
    probe("PAUSE-CRON", (1, 1), "<0|1>", "Stops or resumes the removal of expired keys.", pause),
    probe(
        "POPULATE",
        (1, 3),
        "<count> [<prefix>] [<size>]",
        "Creates string keys `<prefix>:<number>`, `key` being the prefix where none is given.",
        populate,
    ),
    probe("PROTOCOL", (1, 1), "<type>", "Replies a value of a type.", protocol),
    probe(
        "QUICKLIST-PACKED-THRESHOLD",
        (1, 1),
        "<size>",
        "Sets from how many bytes on elements of new lists stand alone; 0 for the default.",
        large_elements,
    ),
    probe(
        "REPLYBUFFER",
        (2, 2),
        "<PEAK-RESET-TIME|RESIZING> <value>",
        "Accepted; reply buffers belong to workers and keep their size.",
        reply_buffer,
    ),
    probe(
        "SET-ACTIVE-EXPIRE",
        (1, 1),
        "<0|1>",
        "Stops or resumes the removal of expired keys that nobody asks for.",
        set_active_expire,
    ),
    probe("SET-DISABLE-DENY-SCRIPTS", (1, 1), "<0|1>", "Accepted; there are no scripts.", accept),
    probe("SLEEP", (1, 1), "<seconds>", "Replies after some seconds.", sleep),
    probe("HELP", (0, 0), "", "Print this help.", help),
];

const fn probe(
    word: &'static str,
    args: (usize, usize),
    syntax: &'static str,
    help: &'static str,
    run: fn(&mut Cx, Args) -> CmdResult,
) -> Probe {
    Probe { word, args, syntax, help, run }
}

fn debug(cx: &mut Cx, args: Args) -> CmdResult {
    let given = args.len() - 2;
    let fits =
        |probe: &&Probe| args.is(1, probe.word) && (probe.args.0..=probe.args.1).contains(&given);
    match PROBES.iter().find(fits) {
        Some(probe) => (probe.run)(cx, args),
        None => Err(unknown_in("DEBUG", args)),
    }
}

fn help(cx: &mut Cx, _: Args) -> CmdResult {
    cx.reply.array(1 + 2 * PROBES.len());
    cx.reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for probe in PROBES {
        cx.reply.simple(format!("{} {}", probe.word, probe.syntax).trim_end());
        cx.reply.simple(&format!("    {}", probe.help));
    }
    Ok(Outcome::Done)
}

fn accept(cx: &mut Cx, _: Args) -> CmdResult {
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn change_id(cx: &mut Cx, _: Args) -> CmdResult {
    *cx.server.replication_id.lock() = hex_id(cx.rng);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn rewrite_all(cx: &mut Cx, _: Args) -> CmdResult {
    config::write_file(cx, true)?;
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn reply_error(_: &mut Cx, args: Args) -> CmdResult {
    Err(CmdError::bytes(args.at(2).to_vec()))
}

fn log(cx: &mut Cx, args: Args) -> CmdResult {
    let text = format!("DEBUG LOG: {}", String::from_utf8_lossy(args.at(2)));
    cx.server.host.log(LogLevel::Warning, &text);
    cx.reply.ok();
    Ok(Outcome::Done)
}

/// Anything but a number other than 0 switches off, like the C library's reading of it.
fn is_on(word: &[u8]) -> bool {
    stdx::num::parse_i64(word).is_some_and(|number| number != 0)
}

fn set_active_expire(cx: &mut Cx, args: Args) -> CmdResult {
    cx.server.active_expire.store(is_on(args.at(2)), Ordering::Relaxed);
    cx.reply.ok();
    Ok(Outcome::Done)
}

/// The largest length from which elements may be made to stand alone.
const LARGE_FROM_BYTES_MAX: u64 = (1 << 32) - (1 << 20);
const NO_THRESHOLD: CmdError =
    CmdError::fixed("ERR argument must be a memory value bigger than 1 and smaller than 4gb");

fn large_elements(cx: &mut Cx, args: Args) -> CmdResult {
    let bytes = memory_size::parse(args.at(2)).filter(|bytes| *bytes <= LARGE_FROM_BYTES_MAX);
    cx.server.list_large_from_bytes.store(bytes.ok_or(NO_THRESHOLD)?, Ordering::Relaxed);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn pause(cx: &mut Cx, args: Args) -> CmdResult {
    cx.server.active_expire.store(!is_on(args.at(2)), Ordering::Relaxed);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn reply_buffer(cx: &mut Cx, args: Args) -> CmdResult {
    if !args.is(2, "PEAK-RESET-TIME") && !args.is(2, "RESIZING") {
        return Err(unknown_in("DEBUG", args));
    }
    accept(cx, args)
}

fn object(cx: &mut Cx, args: Args) -> CmdResult {
    let (key, now_ms) = (args.at(2), cx.db.now_ms);
    let at = cx.db.at(cx.db.index, key);
    let shard = cx.db.keyspace.shard_of(at.hash);
    let Some((mut shard, fx)) = cx.db.shard(shard) else { return Ok(Outcome::Contended) };
    let entry = shard.peek(at, fx).ok_or(error::NO_SUCH_KEY)?;
    let bits = entry.access();
    let text = format!(
        "Value at:{:p} refcount:1 encoding:{} serializedlength:{} lru:{bits} lru_seconds_idle:{}",
        entry.key().as_ptr(),
        cx.server.registry.encoding(entry),
        serialized_len(entry),
        idle_s(bits, now_ms)
    );
    cx.reply.simple(&text);
    Ok(Outcome::Done)
}

/// About how many bytes the value takes in a file.
fn serialized_len(entry: &Entry) -> usize {
    match entry.as_str() {
        Some(Str::Bytes(bytes)) => bytes.len() + 1,
        Some(Str::Int(number)) => match number {
            -128..128 => 2,
            -32_768..32_768 => 3,
            -2_147_483_648..2_147_483_648 => 5,
            _ => number.to_string().len() + 1,
        },
        None => entry.memory(),
    }
}

/// One reply of each type of the protocol.
fn protocol(cx: &mut Cx, args: Args) -> CmdResult {
    const UNKNOWN: CmdError = CmdError::fixed(
        "ERR Wrong protocol type name. Please use one of the following: \
         string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
    );
    const NEEDS_RESP3: CmdError = CmdError::fixed("ERR RESP2 is not supported by this command");
    type Write = fn(&mut resp::Writer<'_>);
    const TYPES: &[(&str, Write)] = &[
        ("string", |reply| reply.bulk(b"Hello World")),
        ("integer", |reply| reply.integer(12345)),
        // Not meant as a circle's constant, so it is written in a way that does not look like one.
        ("double", |reply| reply.double(3141.0 / 1000.0)),
        ("bignum", |reply| reply.big_number("1234567999999999999999999999999999999")),
        ("null", |reply| reply.null()),
        ("array", |reply| {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }),
        ("set", |reply| {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }),
        ("map", |reply| {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }),
        ("attrib", |reply| {
            if reply.resp3 {
                reply.attribute(1);
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.integer(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }),
        ("verbatim", |reply| reply.verbatim("txt", b"This is a verbatim\nstring")),
        ("true", |reply| reply.boolean(true)),
        ("false", |reply| reply.boolean(false)),
    ];
    if args.is(2, "push") {
        if !cx.reply.resp3 {
            return Err(NEEDS_RESP3);
        }
        cx.reply.bulk(b"Some real reply following the push reply");
        cx.reply.push(2);
        cx.reply.bulk(b"server-cpu-usage");
        cx.reply.integer(42);
        return Ok(Outcome::Done);
    }
    let (_, write) = TYPES.iter().find(|(name, _)| args.is(2, name)).ok_or(UNKNOWN)?;
    write(&mut cx.reply);
    Ok(Outcome::Done)
}

/// Waits without holding anybody else up, which is where it differs from Redis.
struct Sleep {
    until_ms: i64,
}

impl Job for Sleep {
    fn step(&mut self, cx: &mut Cx<'_, '_>) -> Result<Step, CmdError> {
        // Nothing waits inside a transaction.
        if !cx.is_nested && cx.server.now_ms() < self.until_ms {
            return Ok(Step::Until(self.until_ms));
        }
        cx.reply.ok();
        Ok(Step::Done)
    }
}

fn sleep(cx: &mut Cx, args: Args) -> CmdResult {
    const SECONDS_MAX: f64 = 1e9;
    let seconds = stdx::num::parse_f64(args.at(2)).unwrap_or(0.0).clamp(0.0, SECONDS_MAX);
    let until_ms = cx.server.now_ms() + (seconds * 1000.0).ceil() as i64;
    Ok(Outcome::Job(Box::new(Sleep { until_ms })))
}

/// Creates keys, some in each step.
struct Populate {
    next: u64,
    count: u64,
    prefix: Vec<u8>,
    value_len: Option<usize>,
}

const POPULATED: Event = Event::new(EventClass::STRING, "set");

impl Populate {
    /// Creates the next key unless it exists. False while its shard is taken.
    fn create(&self, cx: &mut Cx) -> bool {
        let mut key = self.prefix.clone();
        key.extend_from_slice(format!(":{}", self.next).as_bytes());
        let mut value = format!("value:{}", self.next).into_bytes();
        if let Some(len) = self.value_len {
            value.resize(len, 0);
        }
        let at = cx.db.at(cx.db.index, &key);
        let shard = cx.db.keyspace.shard_of(at.hash);
        let Some((mut shard, fx)) = cx.db.shard(shard) else { return false };
        let mut edit = Edit::open(&mut shard, at, fx);
        if !edit.exists() {
            edit.set_str(Str::Bytes(&value), Ttl::Clear);
            edit.commit(POPULATED);
        }
        true
    }
}

impl Job for Populate {
    fn step(&mut self, cx: &mut Cx<'_, '_>) -> Result<Step, CmdError> {
        const KEYS_PER_STEP: u64 = 100;
        let end = self.count.min(self.next + KEYS_PER_STEP);
        while self.next < end {
            if !self.create(cx) {
                return Ok(Step::Contended);
            }
            self.next += 1;
        }
        if self.next < self.count {
            return Ok(Step::More);
        }
        cx.reply.ok();
        Ok(Step::Done)
    }
}

fn populate(_: &mut Cx, args: Args) -> CmdResult {
    const SIZE_MAX: i64 = 512 << 20;
    let range = |index| match args.integer(index) {
        Ok(number) => u64::try_from(number).map_err(|_| error::MUST_BE_POSITIVE),
        Err(_) => Err(CmdError::fixed("ERR value is out of range, must be positive")),
    };
    let count = range(2)?;
    let prefix = args.get(3).unwrap_or(b"key").to_vec();
    let value_len = if args.len() > 4 { Some(range(4)?) } else { None };
    let value_len = match value_len {
        Some(len) if len > SIZE_MAX as u64 => return Err(error::MUST_BE_POSITIVE),
        Some(len) => usize::try_from(len).ok().filter(|len| *len > 0),
        None => None,
    };
    Ok(Outcome::Job(Box::new(Populate { next: 0, count, prefix, value_len })))
}
