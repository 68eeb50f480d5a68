//! The first words of a connection: greeting, authentication, database; and the last ones.

use super::quoted;
use crate::connection::client;
use engine::args::Args;
use engine::command::{Categories, Command, Flags, block, command, integer, string};
use engine::cx::{CmdResult, Cx, Outcome};
use engine::error::{self, CmdError};
use engine::server::{REDIS_VERSION, SERVER_NAME};
use std::sync::atomic::Ordering;

const ANYTIME: Flags = Flags::LOADING.or(Flags::STALE).or(Flags::FAST);
/// Commands that a client may send before anything else.
const ENTRY: Flags = ANYTIME.or(Flags::NOSCRIPT).or(Flags::NO_AUTH).or(Flags::ALLOW_BUSY);

pub(super) const COMMANDS: &[Command] = &[
    command("PING", ping)
        .summary("Answers, so that the client knows the server is there.")
        .group("connection")
        .complexity("O(1)")
        .flags(Flags::FAST)
        .acl(Categories::CONNECTION)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .args(&[string("message").optional()]),
    command("ECHO", echo)
        .summary("Replies the message it is given.")
        .group("connection")
        .complexity("O(1)")
        .flags(ANYTIME)
        .acl(Categories::CONNECTION)
        .args(&[string("message")]),
    command("SELECT", select)
        .summary("Chooses the database that this connection works on.")
        .group("connection")
        .complexity("O(1)")
        .flags(ANYTIME)
        .acl(Categories::CONNECTION)
        .args(&[integer("index")]),
    command("QUIT", quit)
        .summary("Says goodbye; the server closes the connection.")
        .group("connection")
        .complexity("O(1)")
        .deprecated("7.2.0", "just closing the connection")
        .flags(ENTRY)
        .acl(Categories::CONNECTION)
        .arity(-1)
        .controls_transaction(),
    command("RESET", reset)
        .summary("Puts the connection back into the state it started in.")
        .since("6.2.0")
        .group("connection")
        .complexity("O(1)")
        .flags(ENTRY)
        .acl(Categories::CONNECTION)
        .controls_transaction(),
    command("HELLO", hello)
        .summary("Chooses the protocol, optionally authenticates, and tells who the server is.")
        .since("6.0.0")
        .group("connection")
        .complexity("O(1)")
        .history(&[("6.2.0", "`protover` may be left out to ask about the connection as it is.")])
        .flags(ENTRY)
        .acl(Categories::CONNECTION)
        .redacts(|_, args, index| {
            let after_auth =
                |distance: usize| index > distance && args.is(index - distance, "AUTH");
            after_auth(1) || after_auth(2)
        })
        .args(&[block(
            "arguments",
            &[
                integer("protover"),
                block("auth", &[string("username"), string("password")]).token("AUTH").optional(),
                string("clientname").token("SETNAME").optional(),
            ],
        )
        .optional()]),
    command("AUTH", auth)
        .summary("Proves who the client is by a password.")
        .group("connection")
        .complexity("O(N) where N is the number of passwords defined for the user")
        .history(&[("6.0.0", "A username may precede the password.")])
        .flags(ENTRY)
        .acl(Categories::CONNECTION)
        .redacts(|_, _, index| index > 0)
        .args(&[string("username").since("6.0.0").optional(), string("password")]),
];

const WRONG_PASS: CmdError =
    CmdError::fixed("WRONGPASS invalid username-password pair or user is disabled.");
const NO_PASSWORD_SET: CmdError = CmdError::fixed(
    "ERR AUTH <password> called without any password configured for the default user. \
     Are you sure your configuration is correct?",
);
const HELLO_NEEDS_AUTH: CmdError = CmdError::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO \
     <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP \
     protocol version at the same time",
);
const NOT_A_VERSION: CmdError =
    CmdError::fixed("ERR Protocol version is not an integer or out of range");
const NO_SUCH_VERSION: CmdError = CmdError::fixed("NOPROTO unsupported protocol version");
const NOT_AN_INDEX: CmdError =
    CmdError::fixed("ERR value is out of range, value must between -2147483648 and 2147483647");

fn ping(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match args.len() {
        1 => cx.reply.simple("PONG"),
        2 => cx.reply.bulk(args.at(1)),
        _ => return Err(error::wrong_arity(&cx.command.name)),
    }
    Ok(Outcome::Done)
}

fn echo(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    cx.reply.bulk(args.at(1));
    Ok(Outcome::Done)
}

fn select(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let index = i32::try_from(args.integer(1)?).map_err(|_| NOT_AN_INDEX)?;
    let index = u16::try_from(index).map_err(|_| error::DB_RANGE)?;
    if index >= cx.server.keyspace.databases() {
        return Err(error::DB_RANGE);
    }
    cx.session.select(index);
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn quit(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.session.close_after_reply = true;
    cx.reply.ok();
    Ok(Outcome::Done)
}

fn reset(cx: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    cx.session.reset(cx.server.users.anonymous());
    cx.reply.simple("RESET");
    Ok(Outcome::Done)
}

/// Lets the client in, or counts the failure.
fn log_in(cx: &mut Cx<'_, '_>, name: &[u8], password: &[u8]) -> Result<(), CmdError> {
    let Some(user) = cx.server.users.authenticate(name, password) else {
        // Ordering: relaxed; the counter stands alone.
        cx.server.stats.denied_auth.fetch_add(1, Ordering::Relaxed);
        return Err(WRONG_PASS);
    };
    cx.session.authenticate(user);
    Ok(())
}

fn auth(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    match args.len() {
        2 if cx.server.users.is_open() => return Err(NO_PASSWORD_SET),
        2 => log_in(cx, b"default", args.at(1))?,
        3 => log_in(cx, args.at(1), args.at(2))?,
        _ => return Err(error::SYNTAX),
    }
    cx.reply.ok();
    Ok(Outcome::Done)
}

/// What HELLO was asked for.
#[derive(Default)]
struct Hello<'a> {
    resp3: Option<bool>,
    login: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

fn parse_hello(args: Args<'_>) -> Result<Hello<'_>, CmdError> {
    let mut hello = Hello::default();
    let Some(version) = args.get(1) else { return Ok(hello) };
    hello.resp3 = match stdx::num::parse_i64(version).ok_or(NOT_A_VERSION)? {
        2 => Some(false),
        3 => Some(true),
        _ => return Err(NO_SUCH_VERSION),
    };
    let mut i = 2;
    while let Some(option) = args.get(i) {
        let left = args.len() - i - 1;
        if args.is(i, "AUTH") && left >= 2 {
            hello.login = Some((args.at(i + 1), args.at(i + 2)));
            i += 3;
        } else if args.is(i, "SETNAME") && left >= 1 {
            client::check_name(args.at(i + 1))?;
            hello.name = Some(args.at(i + 1));
            i += 2;
        } else {
            let option = quoted(option);
            return Err(CmdError::text(format!("ERR Syntax error in HELLO option '{option}'")));
        }
    }
    Ok(hello)
}

fn hello(cx: &mut Cx<'_, '_>, args: Args<'_>) -> CmdResult {
    let asked = parse_hello(args)?;
    if let Some((name, password)) = asked.login {
        log_in(cx, name, password)?;
    }
    if !cx.session.is_authenticated() {
        return Err(HELLO_NEEDS_AUTH);
    }
    if let Some(name) = asked.name {
        client::set_name(cx, name);
    }
    if let Some(resp3) = asked.resp3 {
        cx.session.set_resp3(resp3);
        cx.reply.resp3 = resp3;
    }
    introduce(cx);
    Ok(Outcome::Done)
}

/// Tells who the server is.
fn introduce(cx: &mut Cx<'_, '_>) {
    let modules: Vec<_> = cx.server.registry.modules().iter().filter(|m| m.version > 0).collect();
    let config = &cx.server.config;
    let zone = config.text(config.require("availability-zone"));
    let reply = &mut cx.reply;
    reply.map(7 + usize::from(!zone.is_empty()));
    reply.bulk(b"server");
    reply.bulk(SERVER_NAME.as_bytes());
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(if cx.session.resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(cx.session.client.id as i64);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(modules.len());
    for module in modules {
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(module.name.as_bytes());
        reply.bulk(b"ver");
        reply.integer(i64::from(module.version));
        reply.bulk(b"path");
        reply.bulk(b"");
        reply.bulk(b"args");
        reply.array(0);
    }
    if !zone.is_empty() {
        reply.bulk(b"availability_zone");
        reply.bulk(zone.as_bytes());
    }
}
