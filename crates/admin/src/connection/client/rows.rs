//! The rows of CLIENT. Arguments that Redis does not have say which Valkey release brought them.

use super as client;
use engine::command::{
    Arg, Categories, Command, Flags, command, container, integer, one_of, string, token,
};

pub(in crate::connection) const COMMANDS: &[Command] = &[container("CLIENT", SUBCOMMANDS)
    .summary("Holds the commands about client connections.")
    .since("2.4.0")
    .group("connection")
    .complexity("Depends on subcommand.")];

const OWN: Flags = Flags::NOSCRIPT.or(Flags::LOADING).or(Flags::STALE);
const OPERATOR: Flags = OWN.or(Flags::ADMIN);

const ON_OFF: &[Arg] = &[token("on", "ON"), token("off", "OFF")];
const YES_NO: &[Arg] = &[token("yes", "YES"), token("no", "NO")];
const LIST_KINDS: &[Arg] = &[
    token("normal", "NORMAL"),
    token("master", "MASTER"),
    token("replica", "REPLICA"),
    token("pubsub", "PUBSUB"),
];
const KILL_KINDS: &[Arg] = &[
    token("normal", "NORMAL"),
    token("master", "MASTER").since("3.2.0"),
    token("slave", "SLAVE"),
    token("replica", "REPLICA").since("5.0.0"),
    token("pubsub", "PUBSUB"),
];

/// A filter of both LIST and KILL that came with a release of Valkey.
const fn filter(name: &'static str, word: &'static str) -> Arg {
    string(name).token(word).optional().since("valkey 9.0.0")
}

const fn number_filter(name: &'static str, word: &'static str) -> Arg {
    integer(name).token(word).optional().since("valkey 9.0.0")
}

const SKIPME: Arg = one_of("skipme", YES_NO).token("SKIPME").optional();
const MAXAGE: Arg = integer("maxage").token("MAXAGE").optional();

const fn own(row: Command) -> Command {
    row.group("connection").complexity("O(1)").flags(OWN).acl(Categories::CONNECTION)
}

const fn operator(row: Command) -> Command {
    row.group("connection").flags(OPERATOR).acl(Categories::CONNECTION)
}

const SUBCOMMANDS: &[Command] = &[
    own(command("CAPA", client::capa))
        .summary("Tells the server which optional features the client understands.")
        .since("valkey 8.0.0")
        .flags(OWN.or(Flags::ALLOW_BUSY))
        .args(&[string("capability").many()]),
    own(command("GETNAME", client::getname))
        .summary("Gives the name of this connection.")
        .since("2.6.9"),
    own(command("GETREDIR", client::getredir))
        .summary("Gives the connection that this one's invalidation messages go to.")
        .since("6.0.0"),
    command("HELP", engine::help::reply)
        .summary("Lists the subcommands.")
        .since("5.0.0")
        .group("connection")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE))
        .acl(Categories::CONNECTION),
    own(command("ID", client::id))
        .summary("Gives the number of this connection, which no other ever has.")
        .since("5.0.0"),
    own(command("INFO", client::info))
        .summary("Describes this connection.")
        .since("6.2.0")
        .tips(&["nondeterministic_output"]),
    operator(command("KILL", client::kill))
        .summary("Closes connections.")
        .since("2.4.0")
        .complexity("O(N) where N is the number of client connections")
        .history(KILL_HISTORY)
        .args(&[one_of("filter", KILL_FORMS)]),
    operator(command("LIST", client::list))
        .summary("Describes the open connections, one in a line.")
        .since("2.4.0")
        .complexity("O(N) where N is the number of client connections")
        .history(LIST_HISTORY)
        .tips(&["nondeterministic_output"])
        .args(LIST_FILTERS),
    operator(command("NO-EVICT", client::no_evict))
        .summary("Exempts this connection from being closed when clients use too much memory.")
        .since("7.0.0")
        .complexity("O(1)")
        .args(&[one_of("enabled", ON_OFF)]),
    own(command("NO-TOUCH", client::no_touch))
        .summary("Leaves the access times of the keys alone that this connection uses.")
        .since("7.2.0")
        .args(&[one_of("enabled", ON_OFF)]),
    operator(command("PAUSE", client::pause))
        .summary("Holds back the commands of all clients for some milliseconds.")
        .since("3.0.0")
        .complexity("O(1)")
        .history(&[("6.2.0", "WRITE holds back only commands that may change data.")])
        .args(&[
            integer("timeout"),
            one_of("mode", &[token("write", "WRITE"), token("all", "ALL")])
                .since("6.2.0")
                .optional(),
        ]),
    own(command("REPLY", client::reply))
        .summary("Switches the replies to this connection on or off, or skips the next one.")
        .since("3.2.0")
        .args(&[one_of("action", REPLY_MODES)]),
    own(command("SETINFO", client::setinfo))
        .summary("Tells the server which library the client uses.")
        .since("7.2.0")
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .args(&[one_of("attr", LIBRARY)]),
    own(command("SETNAME", client::setname))
        .summary("Names this connection.")
        .since("2.6.9")
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .args(&[string("connection-name")]),
    own(command("TRACKINGINFO", client::trackinginfo))
        .summary("Tells how this connection's cache is kept valid.")
        .since("6.2.0"),
    operator(command("UNBLOCK", client::unblock))
        .summary("Ends the waiting of another connection's blocking command.")
        .since("5.0.0")
        .complexity("O(log N) where N is the number of client connections")
        .args(&[
            integer("client-id"),
            one_of("unblock-type", &[token("timeout", "TIMEOUT"), token("error", "ERROR")])
                .optional(),
        ]),
    operator(command("UNPAUSE", client::unpause))
        .summary("Ends a pause of the clients.")
        .since("6.2.0")
        .complexity("O(N) Where N is the number of paused clients"),
];

const REPLY_MODES: &[Arg] = &[token("on", "ON"), token("off", "OFF"), token("skip", "SKIP")];

const LIBRARY: &[Arg] = &[string("libname").token("LIB-NAME"), string("libver").token("LIB-VER")];

const LIST_HISTORY: &[(&str, &str)] = &[
    ("2.8.12", "The field `id`."),
    ("5.0.0", "The filter `TYPE`."),
    ("6.0.0", "The field `user`."),
    ("6.2.0", "The fields `argv-mem`, `tot-mem`, `laddr`, `redir`, and the filter `ID`."),
    ("7.0.0", "The fields `resp`, `multi-mem`, `rbs`, `rbp`."),
    ("7.0.3", "The field `ssub`."),
    ("7.2.0", "The fields `lib-name` and `lib-ver`."),
    ("7.4.0", "The field `watch`."),
    ("8.0.0", "The field `io-thread`."),
];

const KILL_HISTORY: &[(&str, &str)] = &[
    ("2.8.12", "Filters instead of an address."),
    ("2.8.12", "The filter `ID`."),
    ("3.2.0", "The type `master`."),
    ("5.0.0", "The type `replica`; `slave` still means the same."),
    ("6.2.0", "The filter `LADDR`."),
    ("7.4.0", "The filter `MAXAGE`."),
];

const KILL_FORMS: &[Arg] = &[
    string("old-format").display("ip:port").deprecated("2.8.12"),
    one_of("new-format", KILL_FILTERS).many(),
];

const KILL_FILTERS: &[Arg] = &[
    integer("client-id").token("ID").since("2.8.12").optional(),
    one_of("client-type", KILL_KINDS).token("TYPE").since("2.8.12").optional(),
    string("username").token("USER").optional(),
    string("addr").display("ip:port").token("ADDR").optional(),
    string("laddr").display("ip:port").token("LADDR").since("6.2.0").optional(),
    SKIPME,
    MAXAGE.since("7.4.0"),
    NAME,
    IDLE,
    FLAGS,
    LIB_NAME,
    LIB_VER,
    DB,
    CAPA,
    IP,
    one_of("not-client-type", KILL_KINDS).token("NOT-TYPE").since("valkey 9.0.0").optional(),
    NOT_ID,
    NOT_USER,
    NOT_ADDR,
    NOT_LADDR,
    NOT_NAME,
    NOT_FLAGS,
    NOT_LIB_NAME,
    NOT_LIB_VER,
    NOT_DB,
    NOT_CAPA,
    NOT_IP,
];

const LIST_FILTERS: &[Arg] = &[
    one_of("client-type", LIST_KINDS).token("TYPE").since("5.0.0").optional(),
    integer("client-id").token("ID").since("6.2.0").optional().many(),
    string("username").token("USER").since("valkey 8.1.0").optional(),
    string("addr").display("ip:port").token("ADDR").since("valkey 8.1.0").optional(),
    string("laddr").display("ip:port").token("LADDR").since("valkey 8.1.0").optional(),
    SKIPME.since("valkey 8.1.0"),
    MAXAGE.since("valkey 8.1.0"),
    NAME,
    IDLE,
    FLAGS,
    LIB_NAME,
    LIB_VER,
    DB,
    CAPA,
    IP,
    one_of("not-client-type", LIST_KINDS).token("NOT-TYPE").since("valkey 9.0.0").optional(),
    NOT_ID,
    NOT_USER,
    NOT_ADDR,
    NOT_LADDR,
    NOT_NAME,
    NOT_FLAGS,
    NOT_LIB_NAME,
    NOT_LIB_VER,
    NOT_DB,
    NOT_CAPA,
    NOT_IP,
];

const NAME: Arg = filter("name", "NAME");
const IDLE: Arg = number_filter("idle", "IDLE");
const FLAGS: Arg = filter("flags", "FLAGS");
const LIB_NAME: Arg = filter("lib-name", "LIB-NAME");
const LIB_VER: Arg = filter("lib-ver", "LIB-VER");
const DB: Arg = number_filter("db", "DB");
const CAPA: Arg = filter("capa", "CAPA");
const IP: Arg = filter("ip", "IP");
const NOT_ID: Arg = number_filter("not-client-id", "NOT-ID").many();
const NOT_USER: Arg = filter("not-username", "NOT-USER");
const NOT_ADDR: Arg = filter("not-addr", "NOT-ADDR").display("ip:port");
const NOT_LADDR: Arg = filter("not-laddr", "NOT-LADDR").display("ip:port");
const NOT_NAME: Arg = filter("not-name", "NOT-NAME");
const NOT_FLAGS: Arg = filter("not-flags", "NOT-FLAGS");
const NOT_LIB_NAME: Arg = filter("not-lib-name", "NOT-LIB-NAME");
const NOT_LIB_VER: Arg = filter("not-lib-ver", "NOT-LIB-VER");
const NOT_DB: Arg = number_filter("not-db", "NOT-DB");
const NOT_CAPA: Arg = filter("not-capa", "NOT-CAPA");
const NOT_IP: Arg = filter("not-ip", "NOT-IP");
