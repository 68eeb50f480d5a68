//! TLS. A file's path set again, even to the same text, reads the file again.

use crate::param::{Flags, I32_MAX, Param, boolean, choice, int, text};
use crate::tables::access;

/// Values of `tls-auth-clients`.
pub const AUTH_NO: i64 = access::NO;
pub const AUTH_YES: i64 = access::YES;
pub const AUTH_OPTIONAL: i64 = 2;

const fn file(name: &'static str) -> Param {
    text(name, "").with(Flags::VOLATILE)
}

pub const PARAMS: &[Param] = &[
    int("tls-port", "0", 0, 65535),
    boolean("tls-cluster", "no"),
    boolean("tls-replication", "no"),
    file("tls-cert-file"),
    file("tls-key-file"),
    text("tls-key-file-pass", "").with(Flags::SENSITIVE),
    file("tls-client-cert-file"),
    file("tls-client-key-file"),
    text("tls-client-key-file-pass", "").with(Flags::SENSITIVE),
    file("tls-dh-params-file"),
    file("tls-ca-cert-file"),
    file("tls-ca-cert-dir"),
    choice(
        "tls-auth-clients",
        "yes",
        &[("no", AUTH_NO), ("yes", AUTH_YES), ("optional", AUTH_OPTIONAL)],
    ),
    choice("tls-auth-clients-user", "off", &[("CN", 1), ("URI", 2), ("off", 0)]),
    file("tls-protocols"),
    file("tls-ciphers"),
    file("tls-ciphersuites"),
    boolean("tls-prefer-server-ciphers", "no"),
    boolean("tls-session-caching", "yes"),
    int("tls-session-cache-size", "20480", 0, I32_MAX),
    int("tls-session-cache-timeout", "300", 0, I32_MAX),
    int("tls-auto-reload-interval", "0", 0, I32_MAX),
];
