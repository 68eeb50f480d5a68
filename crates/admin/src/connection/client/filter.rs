//! Which connections CLIENT LIST and CLIENT KILL mean.
//!
//! Redis gives the two commands different grammars: LIST takes a type or the numbers of
//! connections, KILL pairs of a filter and a value. Valkey gives both the same long set of filters,
//! most of them with a negation. Here both take Valkey's set, and what Redis also understands is
//! answered as Redis does.

use super::line;
use engine::args::Args;
use engine::clients::Client;
use engine::cx::Cx;
use engine::error::{self, CmdError};
use engine::server::Server;
use std::mem::discriminant;

const ID_RANGE: CmdError = CmdError::fixed("ERR client-id should be greater than 0");
const BAD_ID: CmdError = CmdError::fixed("ERR Invalid client ID");

/// The letters that CLIENT LIST uses for states, and Valkey's.
const FLAG_LETTERS: &[u8] = b"bcdeirtuxABEIMNOPRSTU";
/// The letters of what clients claim to understand.
const CAPA_LETTERS: &[u8] = b"r";

/// Which command asks; Redis' errors differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    List,
    Kill,
}

/// What kind of connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Normal,
    Replica,
    Master,
    PubSub,
}

#[derive(Debug)]
enum Property<'a> {
    Ids(Vec<i64>),
    Kind(Kind),
    User(&'a [u8]),
    Addr(&'a [u8]),
    LocalAddr(&'a [u8]),
    AgeMin(i64),
    Name(&'a [u8]),
    IdleMin(i64),
    Flags(&'a [u8]),
    LibName(&'a [u8]),
    LibVer(&'a [u8]),
    Db(i64),
    Capa(&'a [u8]),
    Ip(&'a [u8]),
}

#[derive(Debug)]
struct Test<'a> {
    property: Property<'a>,
    negated: bool,
}

/// A set of conditions that all must hold.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    tests: Vec<Test<'a>>,
    skip_me: bool,
}

impl<'a> Filter<'a> {
    /// Parses all of `args`. A filter that is given twice counts as given last, but numbers add up
    /// where Redis does not take a second ID.
    pub(super) fn parse(
        server: &Server,
        args: Args<'a>,
        dialect: Dialect,
    ) -> Result<Filter<'a>, CmdError> {
        let mut filter = Filter { tests: Vec::new(), skip_me: dialect == Dialect::Kill };
        let mut i = 0;
        while i < args.len() {
            let value = args.required(i + 1)?;
            let (word, negated) = unsigned(args.at(i));
            let plain = !negated;
            i += 2;
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            let property = if is("ID") {
                let (ids, end) = parse_ids(args, i - 1, dialect, negated)?;
                i = end;
                Property::Ids(ids)
            } else if is("SKIPME") && plain {
                filter.skip_me = match value {
                    v if v.eq_ignore_ascii_case(b"yes") => true,
                    v if v.eq_ignore_ascii_case(b"no") => false,
                    _ => return Err(error::SYNTAX),
                };
                continue;
            } else if is("MAXAGE") && plain {
                Property::AgeMin(positive(value, "maxage")?)
            } else if is("IDLE") && plain {
                Property::IdleMin(positive(value, "idle")?)
            } else {
                Property::parse(server, word, value, negated)?
            };
            let adds_up = dialect == Dialect::List || negated;
            filter.set(Test { property, negated }, adds_up);
        }
        Ok(filter)
    }

    fn set(&mut self, mut test: Test<'a>, adds_up: bool) {
        let kind = discriminant(&test.property);
        let same = |t: &Test<'a>| discriminant(&t.property) == kind && t.negated == test.negated;
        if let Some(place) = self.tests.iter().position(same) {
            let before = self.tests.swap_remove(place);
            if let (Property::Ids(ids), Property::Ids(more)) = (&mut test.property, before.property)
                && adds_up
            {
                ids.extend(more);
            }
        }
        self.tests.push(test);
    }

    /// Whether a connection is meant. One that is being closed never is.
    pub(super) fn accepts(&self, cx: &Cx<'_, '_>, client: &Client) -> bool {
        if client.is_killed() || (self.skip_me && client.id == cx.session.client.id) {
            return false;
        }
        let now_s = cx.server.now_ms() / 1000;
        self.tests.iter().all(|test| test.property.holds(client, now_s) != test.negated)
    }
}

impl<'a> Property<'a> {
    /// A property that may be negated and has one value.
    fn parse(
        server: &Server,
        word: &[u8],
        value: &'a [u8],
        negated: bool,
    ) -> Result<Property<'a>, CmdError> {
        let not = if negated { "NOT-" } else { "" };
        Ok(match &word.to_ascii_uppercase()[..] {
            b"TYPE" => Property::Kind(parse_kind(value)?),
            b"USER" if server.users.contains(value) => Property::User(value),
            b"USER" => return Err(CmdError::quoting("ERR No such user '", value, "'")),
            b"ADDR" => Property::Addr(value),
            b"LADDR" => Property::LocalAddr(value),
            b"NAME" => Property::Name(value),
            b"LIB-NAME" => Property::LibName(value),
            b"LIB-VER" => Property::LibVer(value),
            b"IP" => Property::Ip(value),
            b"FLAGS" => Property::Flags(letters(value, FLAG_LETTERS, "flags", negated)?),
            b"CAPA" => Property::Capa(letters(value, CAPA_LETTERS, "capa", negated)?),
            b"DB" => Property::Db(parse_db(server, value, not)?),
            _ => return Err(error::SYNTAX),
        })
    }

    fn holds(&self, client: &Client, now_s: i64) -> bool {
        match self {
            Property::Ids(ids) => ids.contains(&(client.id as i64)),
            // Replication and subscriptions make other kinds.
            Property::Kind(kind) => *kind == Kind::Normal,
            Property::User(user) => client.names().user.as_bytes() == *user,
            Property::Addr(addr) => client.peer.addr.as_bytes() == *addr,
            Property::LocalAddr(addr) => client.peer.laddr.as_bytes() == *addr,
            Property::AgeMin(age_s) => now_s - client.created_ms / 1000 >= *age_s,
            Property::Name(name) => client.names().name == *name,
            Property::IdleMin(idle_s) => now_s - client.figures().last_active_ms / 1000 >= *idle_s,
            Property::Flags(wanted) => {
                let flags = line::flags(client, &client.figures());
                wanted.iter().all(|letter| flags.as_bytes().contains(letter))
            }
            Property::LibName(name) => client.names().lib_name.as_bytes() == *name,
            Property::LibVer(version) => client.names().lib_ver.as_bytes() == *version,
            Property::Db(db) => i64::from(client.figures().db) == *db,
            Property::Capa(wanted) => wanted.is_empty() || client.figures().follows_redirects,
            Property::Ip(ip) => ip_of(&client.peer.addr).as_bytes() == *ip,
        }
    }
}

/// A filter's name without `NOT-`, and whether it had it.
fn unsigned(word: &[u8]) -> (&[u8], bool) {
    match word.split_at_checked(4) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(b"NOT-") => (rest, true),
        _ => (word, false),
    }
}

/// All names of filters, without negation.
const NAMES: &[&str] = &[
    "ID", "TYPE", "USER", "ADDR", "LADDR", "SKIPME", "MAXAGE", "NAME", "IDLE", "FLAGS", "LIB-NAME",
    "LIB-VER", "DB", "CAPA", "IP",
];

/// The numbers from `from` on, and where the next filter begins.
fn parse_ids(
    args: Args<'_>,
    from: usize,
    dialect: Dialect,
    negated: bool,
) -> Result<(Vec<i64>, usize), CmdError> {
    // Redis' CLIENT LIST takes any number, and takes all words after ID for numbers.
    let lenient = dialect == Dialect::List && !negated;
    let mut ids = Vec::new();
    let mut i = from;
    while let Some(word) = args.get(i) {
        match stdx::num::parse_i64(word) {
            Some(id) if id > 0 || lenient => ids.push(id),
            Some(_) => return Err(ID_RANGE),
            None if ids.is_empty() && !negated && !lenient => return Err(ID_RANGE),
            None if lenient && !(i > from && begins_filter(args, i)) => return Err(BAD_ID),
            None if ids.is_empty() => return Err(error::SYNTAX),
            None => break,
        }
        i += 1;
    }
    Ok((ids, i))
}

fn begins_filter(args: Args<'_>, at: usize) -> bool {
    let (word, _) = unsigned(args.at(at));
    let known = NAMES.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()));
    known && at + 1 < args.len()
}

fn parse_kind(value: &[u8]) -> Result<Kind, CmdError> {
    Ok(match &value.to_ascii_lowercase()[..] {
        b"normal" => Kind::Normal,
        b"slave" | b"replica" => Kind::Replica,
        b"master" | b"primary" => Kind::Master,
        b"pubsub" => Kind::PubSub,
        _ => return Err(CmdError::quoting("ERR Unknown client type '", value, "'")),
    })
}

fn positive(value: &[u8], name: &str) -> Result<i64, CmdError> {
    match stdx::num::parse_i64(value) {
        None => Err(CmdError::text(format!("ERR {name} is not an integer or out of range"))),
        Some(value @ 1..) => Ok(value),
        Some(_) => Err(CmdError::text(format!("ERR {name} should be greater than 0"))),
    }
}

fn letters<'a>(
    value: &'a [u8],
    known: &[u8],
    name: &str,
    negated: bool,
) -> Result<&'a [u8], CmdError> {
    if value.iter().all(|letter| known.contains(letter)) {
        return Ok(value);
    }
    let filter = if negated {
        format!("NOT-{} filter", name.to_ascii_uppercase())
    } else {
        "provided filter".to_owned()
    };
    Err(CmdError::quoting(&format!("ERR Unknown {name} found in the {filter}: "), value, ""))
}

fn parse_db(server: &Server, value: &[u8], not: &str) -> Result<i64, CmdError> {
    let db = stdx::num::parse_i64(value)
        .ok_or_else(|| CmdError::text(format!("ERR {not}DB is not an integer or out of range")))?;
    let last = i64::from(server.keyspace.databases()) - 1;
    if (0..=last).contains(&db) {
        return Ok(db);
    }
    Err(CmdError::text(format!("ERR {not}DB number should be between 0 and {last}")))
}

/// The address without the port, and without the brackets of version 6.
fn ip_of(addr: &str) -> &str {
    let ip = addr.rsplit_once(':').map_or(addr, |(ip, _)| ip);
    ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::args::OwnedArgs;

    #[test]
    fn numbers_end_where_the_next_filter_begins() {
        let check = |dialect, negated, words: &[&str], expected| {
            let mut args = OwnedArgs::default();
            words.iter().for_each(|word| args.push(word.as_bytes()));
            let parsed = parse_ids(args.as_args(), 0, dialect, negated);
            assert_eq!(parsed, expected, "{words:?}");
        };
        check(Dialect::List, false, &["3", "-1", "0"], Ok((vec![3, -1, 0], 3)));
        check(Dialect::List, false, &["3", "TYPE", "normal"], Ok((vec![3], 1)));
        check(Dialect::List, false, &["3", "TYPE"], Err(BAD_ID));
        check(Dialect::List, false, &["x"], Err(BAD_ID));
        check(Dialect::Kill, false, &["3", "4", "x", "y"], Ok((vec![3, 4], 2)));
        check(Dialect::Kill, false, &["x"], Err(ID_RANGE));
        check(Dialect::Kill, false, &["3", "0"], Err(ID_RANGE));
        check(Dialect::List, true, &["x"], Err(error::SYNTAX));
        check(Dialect::List, true, &["0"], Err(ID_RANGE));
    }

    #[test]
    fn addresses_give_their_host() {
        assert_eq!(ip_of("127.0.0.1:6379"), "127.0.0.1");
        assert_eq!(ip_of("[::1]:6379"), "::1");
        assert_eq!(ip_of("/run/socket:0"), "/run/socket");
        assert_eq!(ip_of(""), "");
    }
}
