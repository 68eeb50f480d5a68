//! The process, its log and its limits of time; access; observation of commands.

use crate::param::{
    Flags, I32_MAX, Param, Reason, boolean, choice, int, special, text, text_where,
};
use crate::special;
use crate::tables::access;

/// Values of `loglevel`, the loudest first.
pub mod loglevel {
    pub const DEBUG: i64 = 0;
    pub const VERBOSE: i64 = 1;
    pub const NOTICE: i64 = 2;
    pub const WARNING: i64 = 3;
    pub const NOTHING: i64 = 4;
}

/// Values of `log-format`.
pub mod log_format {
    pub const LEGACY: i64 = 0;
    pub const LOGFMT: i64 = 1;
    pub const JSON: i64 = 2;
}

/// Values of `acl-pubsub-default`.
pub mod acl_pubsub {
    pub const RESET_CHANNELS: i64 = 0;
    pub const ALL_CHANNELS: i64 = 1;
}

const LOG_LEVELS: &[(&str, i64)] = &[
    ("debug", loglevel::DEBUG),
    ("verbose", loglevel::VERBOSE),
    ("notice", loglevel::NOTICE),
    ("warning", loglevel::WARNING),
    ("nothing", loglevel::NOTHING),
];

const FACILITIES: &[(&str, i64)] = &[
    ("user", 1),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

pub const PARAMS: &[Param] = &[
    boolean("daemonize", "no").immutable(),
    choice("supervised", "no", &[("upstart", 3), ("systemd", 2), ("auto", 1), ("no", 0)])
        .immutable(),
    text("pidfile", "").immutable(),
    int("databases", "16", 1, I32_MAX).immutable(),
    // The default that counts, the number of cores, is known to the caller only.
    int("io-threads", "1", 1, 128).immutable(),
    boolean("io-threads-always-active", "no").hidden(),
    int("min-io-threads-avoid-copy-reply", "7", 0, I32_MAX).hidden(),
    int("min-string-size-avoid-copy-reply", "16384", 0, I32_MAX).hidden(),
    int("min-string-size-avoid-copy-reply-threaded", "65536", 0, I32_MAX).hidden(),
    boolean("set-proc-title", "yes").immutable(),
    text_where("proc-title-template", "{title} {listen-addr} {server-mode}", title_template),
    text_where("locale-collate", "", locale),
    boolean("always-show-logo", "no").immutable(),
    int("hz", "10", 0, I32_MAX).clamp(1, 500),
    boolean("dynamic-hz", "yes"),
    text("availability-zone", ""),
    choice("loglevel", "notice", LOG_LEVELS),
    text("logfile", "").immutable(),
    choice(
        "log-format",
        "legacy",
        &[
            ("legacy", log_format::LEGACY),
            ("logfmt", log_format::LOGFMT),
            ("json", log_format::JSON),
        ],
    ),
    choice("log-timestamp-format", "legacy", &[("legacy", 0), ("iso8601", 1), ("milliseconds", 2)]),
    boolean("hide-user-data-from-log", "no"),
    boolean("syslog-enabled", "no").immutable(),
    text("syslog-ident", "cinnabar").immutable(),
    choice("syslog-facility", "local0", FACILITIES).immutable(),
    boolean("crash-log-enabled", "yes"),
    boolean("crash-memcheck-enabled", "yes"),
    boolean("disable-thp", "yes").immutable(),
    text("ignore-warnings", ""),
    text("server-cpulist", "").alias("server_cpulist").immutable(),
    text("bio-cpulist", "").alias("bio_cpulist").immutable(),
    int("prefetch-batch-max-size", "16", 0, 128).hidden(),
    choice("enable-protected-configs", "no", access::NAMES).immutable(),
    choice("enable-debug-command", "no", access::NAMES).immutable(),
    choice("enable-module-command", "no", access::NAMES).immutable(),
    text("requirepass", "").with(Flags::SENSITIVE),
    text("aclfile", "").immutable(),
    int("acllog-max-len", "128", 0, i64::MAX),
    choice(
        "acl-pubsub-default",
        "resetchannels",
        &[("allchannels", acl_pubsub::ALL_CHANNELS), ("resetchannels", acl_pubsub::RESET_CHANNELS)],
    ),
    special("notify-keyspace-events", "", &special::NOTIFY),
    int("busy-reply-threshold", "5000", 0, i64::MAX).alias("lua-time-limit"),
    int("latency-monitor-threshold", "0", 0, i64::MAX),
    boolean("latency-tracking", "yes"),
    special("latency-tracking-info-percentiles", "50 99 99.9", &special::PERCENTILES)
        .with(Flags::MULTI_ARG),
    int("slowlog-log-slower-than", "10000", -1, i64::MAX),
    int("slowlog-max-len", "128", 0, i64::MAX),
    int("slowlog-entry-max-argc", "32", 2, I32_MAX),
    int("slowlog-entry-max-string-len", "128", 1, I32_MAX),
    int("commandlog-execution-slower-than", "10000", -1, i64::MAX),
    int("commandlog-slow-execution-max-len", "128", 0, i64::MAX),
    int("commandlog-request-larger-than", "1048576", -1, i64::MAX),
    int("commandlog-large-request-max-len", "128", 0, i64::MAX),
    int("commandlog-reply-larger-than", "1048576", -1, i64::MAX),
    int("commandlog-large-reply-max-len", "128", 0, i64::MAX),
    boolean("key-memory-histograms", "no"),
    boolean("extended-redis-compatibility", "no"),
    text("hash-seed", "").immutable().hidden(),
];

const TITLE_WORDS: [(&str, bool); 7] = [
    ("title", false),
    ("listen-addr", true),
    ("server-mode", true),
    ("port", true),
    ("tls-port", true),
    ("unixsocket", false),
    ("config-file", false),
];

/// `{word}` stands for a value, `{{` for a brace. The whole must not come out empty, and words
/// that may be empty do not count.
fn title_template(template: &str) -> Result<(), Reason> {
    const INVALID: &str = "template format is invalid or contains unknown variables";
    let mut visible = false;
    let mut rest = template;
    while let Some(symbol) = rest.chars().next() {
        rest = &rest[symbol.len_utf8()..];
        if symbol != '{' || rest.starts_with('{') {
            visible |= !symbol.is_whitespace();
            rest = if symbol == '{' { &rest[1..] } else { rest };
            continue;
        }
        let (word, after) = rest.split_once('}').ok_or(INVALID)?;
        let known = TITLE_WORDS.iter().find(|(name, _)| *name == word).ok_or(INVALID)?;
        visible |= known.1;
        rest = after;
    }
    if visible { Ok(()) } else { Err(INVALID.into()) }
}

/// Collation is by bytes; the names every system has for that are accepted.
fn locale(name: &str) -> Result<(), Reason> {
    match name {
        "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8" => Ok(()),
        _ => Err("Invalid locale name".into()),
    }
}
