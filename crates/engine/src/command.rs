//! A command is one constant row; everything said about it is computed from the row.
//!
//! A row is built by const methods, so that a module's commands are one constant slice that the
//! compiler checks. The argument grammar serves COMMAND DOCS, the generated documentation,
//! client-side hints, the arity and the generator of differential and fuzz tests.

use crate::args::Args;
use crate::cx::{CmdResult, Cx};
use crate::server::Server;

/// Computes what one request does to a key from its options.
pub type RefineKeys = fn(Args<'_>) -> KeyFlags;

/// Whether logs must not show the word at an index of a request.
pub type Redact = fn(&Server, Args<'_>, usize) -> bool;

/// The function behind a row.
pub type Handler = fn(&mut Cx<'_, '_>, Args<'_>) -> CmdResult;

/// A set of command flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $text:literal;)*) => {
        impl Flags {
            $($(#[$doc])* pub const $name: Flags = Flags(1 << $bit);)*
            /// The flags that COMMAND INFO shows, with their names, in its order.
            pub const SHOWN: &'static [(Flags, &'static str)] = &[$((Flags::$name, $text)),*];
        }
    };
}

flags! {
    /// May change data.
    WRITE = 0, "write";
    /// Only reads data.
    READONLY = 1, "readonly";
    /// Refused when memory is exhausted.
    DENYOOM = 2, "denyoom";
    /// For operators.
    ADMIN = 3, "admin";
    /// Publishes or subscribes.
    PUBSUB = 4, "pubsub";
    /// Not callable from scripts.
    NOSCRIPT = 5, "noscript";
    /// May wait.
    BLOCKING = 6, "blocking";
    /// Allowed while data is loaded.
    LOADING = 7, "loading";
    /// Allowed on a replica with stale data.
    STALE = 8, "stale";
    /// Not shown to MONITOR.
    SKIP_MONITOR = 9, "skip_monitor";
    /// Not written to the slow log.
    SKIP_SLOWLOG = 10, "skip_slowlog";
    /// Allowed on a slot that is being imported.
    ASKING = 11, "asking";
    /// Constant or logarithmic time.
    FAST = 12, "fast";
    /// Allowed before authentication.
    NO_AUTH = 13, "no_auth";
    /// May propagate without being a write.
    MAY_REPLICATE = 14, "may_replicate";
    /// Not allowed in a transaction.
    NO_MULTI = 15, "no_multi";
    /// Its keys cannot be found from first, last and step alone. Computed.
    MOVABLEKEYS = 16, "movablekeys";
    /// Allowed while a script is busy.
    ALLOW_BUSY = 17, "allow_busy";
    /// Not allowed while data is loaded in the background.
    NO_ASYNC_LOADING = 18, "no_async_loading";
}

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);

    /// Whether all flags of `other` are set.
    #[inline]
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets together.
    pub const fn or(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl std::ops::BitOr for Flags {
    type Output = Flags;
    fn bitor(self, other: Flags) -> Flags {
        self.or(other)
    }
}

/// A set of ACL categories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categories(pub u32);

macro_rules! categories {
    ($($name:ident = $bit:literal, $text:literal;)*) => {
        #[allow(missing_docs)]
        impl Categories {
            $(pub const $name: Categories = Categories(1 << $bit);)*
            /// All categories with their names, in the order in which Redis lists them.
            pub const ALL: &'static [(Categories, &'static str)] =
                &[$((Categories::$name, $text)),*];
        }
    };
}

categories! {
    KEYSPACE = 0, "keyspace";
    READ = 1, "read";
    WRITE = 2, "write";
    SET = 3, "set";
    SORTEDSET = 4, "sortedset";
    LIST = 5, "list";
    HASH = 6, "hash";
    STRING = 7, "string";
    BITMAP = 8, "bitmap";
    HYPERLOGLOG = 9, "hyperloglog";
    GEO = 10, "geo";
    STREAM = 11, "stream";
    PUBSUB = 12, "pubsub";
    ADMIN = 13, "admin";
    FAST = 14, "fast";
    SLOW = 15, "slow";
    BLOCKING = 16, "blocking";
    DANGEROUS = 17, "dangerous";
    CONNECTION = 18, "connection";
    TRANSACTION = 19, "transaction";
    SCRIPTING = 20, "scripting";
}

impl Categories {
    /// Both sets together.
    pub const fn or(self, other: Categories) -> Categories {
        Categories(self.0 | other.0)
    }

    /// Whether all of `other` are in the set.
    pub const fn has(self, other: Categories) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Categories {
    type Output = Categories;
    fn bitor(self, other: Categories) -> Categories {
        self.or(other)
    }
}

/// Flags of a key specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyFlags(pub u16);

#[allow(missing_docs)]
impl KeyFlags {
    pub const RO: KeyFlags = KeyFlags(1);
    pub const RW: KeyFlags = KeyFlags(1 << 1);
    pub const OW: KeyFlags = KeyFlags(1 << 2);
    pub const RM: KeyFlags = KeyFlags(1 << 3);
    pub const ACCESS: KeyFlags = KeyFlags(1 << 4);
    pub const UPDATE: KeyFlags = KeyFlags(1 << 5);
    pub const INSERT: KeyFlags = KeyFlags(1 << 6);
    pub const DELETE: KeyFlags = KeyFlags(1 << 7);
    pub const NOT_KEY: KeyFlags = KeyFlags(1 << 8);
    pub const INCOMPLETE: KeyFlags = KeyFlags(1 << 9);
    pub const VARIABLE: KeyFlags = KeyFlags(1 << 10);

    /// All flags with their names, in the order in which COMMAND INFO shows them.
    pub const SHOWN: &'static [(KeyFlags, &'static str)] = &[
        (KeyFlags::RO, "RO"),
        (KeyFlags::RW, "RW"),
        (KeyFlags::OW, "OW"),
        (KeyFlags::RM, "RM"),
        (KeyFlags::ACCESS, "access"),
        (KeyFlags::UPDATE, "update"),
        (KeyFlags::INSERT, "insert"),
        (KeyFlags::DELETE, "delete"),
        (KeyFlags::NOT_KEY, "not_key"),
        (KeyFlags::INCOMPLETE, "incomplete"),
        (KeyFlags::VARIABLE, "variable_flags"),
    ];

    /// Both sets together.
    pub const fn or(self, other: KeyFlags) -> KeyFlags {
        KeyFlags(self.0 | other.0)
    }

    /// Whether all of `other` are in the set.
    pub const fn has(self, other: KeyFlags) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for KeyFlags {
    type Output = KeyFlags;
    fn bitor(self, other: KeyFlags) -> KeyFlags {
        self.or(other)
    }
}

/// Where a key specification starts looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At an argument.
    Index(usize),
    /// After a keyword, searched from an argument on (from the end where negative).
    Keyword(&'static str, isize),
    /// Only the handler knows.
    Unknown,
}

/// How many keys follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` (relative to the start; negative counts from the end), every `step`-th
    /// argument; where `last` is -1 and `limit` is above 1, only the first 1/limit of the rest.
    Range { last: isize, step: usize, limit: usize },
    /// A count stands at `index`, the keys start at `first`, both relative to the start.
    KeyNum { index: usize, first: usize, step: usize },
    /// Only the handler knows.
    Unknown,
}

/// Where a command's keys are and what it does to them.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// What the command does to these keys.
    pub flags: KeyFlags,
    /// Where they start.
    pub begin: Begin,
    /// How many they are.
    pub find: Find,
    /// A remark shown by COMMAND INFO.
    pub notes: Option<&'static str>,
}

impl KeySpec {
    /// One key at an argument.
    pub const fn one(index: usize, flags: KeyFlags) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// Keys from an argument on, up to `last` relative to it (negative: from the end).
    pub const fn range(index: usize, last: isize, step: usize, flags: KeyFlags) -> KeySpec {
        let find = Find::Range { last, step, limit: 0 };
        KeySpec { flags, begin: Begin::Index(index), find, notes: None }
    }

    /// A count at an argument, with the keys after it.
    pub const fn counted(index: usize, step: usize, flags: KeyFlags) -> KeySpec {
        let find = Find::KeyNum { index: 0, first: 1, step };
        KeySpec { flags, begin: Begin::Index(index), find, notes: None }
    }

    /// Adds a remark.
    pub const fn notes(mut self, notes: &'static str) -> KeySpec {
        self.notes = Some(notes);
        self
    }
}

/// What an argument is.
#[derive(Clone, Copy, Debug)]
pub enum ArgKind {
    /// Any bytes.
    Str,
    /// An integer.
    Integer,
    /// A floating-point number.
    Double,
    /// A key, described by the key specification of this index.
    Key(usize),
    /// A glob pattern.
    Pattern,
    /// A time in seconds or milliseconds since 1970.
    UnixTime,
    /// A keyword and nothing else.
    Token,
    /// One of several.
    OneOf(&'static [Arg]),
    /// Several in a row.
    Block(&'static [Arg]),
}

/// One element of the argument grammar.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: ArgKind,
    /// The keyword that precedes it.
    pub token: Option<&'static str>,
    /// How it is displayed where that differs from the name.
    pub display: Option<&'static str>,
    /// The version that added it.
    pub since: Option<&'static str>,
    /// The version that deprecated it.
    pub deprecated_since: Option<&'static str>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it may be repeated.
    pub multiple: bool,
    /// Whether the keyword is repeated with it.
    pub multiple_token: bool,
}

/// An argument of a kind.
pub const fn arg(name: &'static str, kind: ArgKind) -> Arg {
    Arg {
        name,
        kind,
        token: None,
        display: None,
        since: None,
        deprecated_since: None,
        optional: false,
        multiple: false,
        multiple_token: false,
    }
}

/// A key described by the first key specification.
pub const fn key(name: &'static str) -> Arg {
    arg(name, ArgKind::Key(0))
}

/// A key described by the key specification of an index.
pub const fn key_of(name: &'static str, spec: usize) -> Arg {
    arg(name, ArgKind::Key(spec))
}

/// Any bytes.
pub const fn string(name: &'static str) -> Arg {
    arg(name, ArgKind::Str)
}

/// An integer.
pub const fn integer(name: &'static str) -> Arg {
    arg(name, ArgKind::Integer)
}

/// A floating-point number.
pub const fn double(name: &'static str) -> Arg {
    arg(name, ArgKind::Double)
}

/// A glob pattern.
pub const fn pattern(name: &'static str) -> Arg {
    arg(name, ArgKind::Pattern)
}

/// A time since 1970.
pub const fn unix_time(name: &'static str) -> Arg {
    arg(name, ArgKind::UnixTime)
}

/// A keyword on its own.
pub const fn token(name: &'static str, word: &'static str) -> Arg {
    arg(name, ArgKind::Token).token(word)
}

/// One of several.
pub const fn one_of(name: &'static str, of: &'static [Arg]) -> Arg {
    arg(name, ArgKind::OneOf(of))
}

/// Several in a row.
pub const fn block(name: &'static str, of: &'static [Arg]) -> Arg {
    arg(name, ArgKind::Block(of))
}

impl Arg {
    /// Preceded by a keyword.
    pub const fn token(mut self, word: &'static str) -> Arg {
        self.token = Some(word);
        self
    }

    /// May be left out.
    pub const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }

    /// May be repeated.
    pub const fn many(mut self) -> Arg {
        self.multiple = true;
        self
    }

    /// May be repeated, keyword included.
    pub const fn many_tokens(mut self) -> Arg {
        self.multiple = true;
        self.multiple_token = true;
        self
    }

    /// Displayed as.
    pub const fn display(mut self, text: &'static str) -> Arg {
        self.display = Some(text);
        self
    }

    /// Added in a version.
    pub const fn since(mut self, version: &'static str) -> Arg {
        self.since = Some(version);
        self
    }

    /// Deprecated in a version.
    pub const fn deprecated(mut self, version: &'static str) -> Arg {
        self.deprecated_since = Some(version);
        self
    }

    /// Fewest words that this argument takes when it is given once.
    const fn words_min(&self) -> usize {
        let own = match self.kind {
            ArgKind::Token => 0,
            ArgKind::Block(of) => words_min(of),
            ArgKind::OneOf(of) => {
                let mut least = usize::MAX;
                let mut i = 0;
                while i < of.len() {
                    let words = of[i].words_min();
                    if words < least {
                        least = words;
                    }
                    i += 1;
                }
                least
            }
            _ => 1,
        };
        own + if self.token.is_some() { 1 } else { 0 }
    }

    /// Whether it always takes the same number of words.
    const fn is_fixed(&self) -> bool {
        if self.optional || self.multiple {
            return false;
        }
        match self.kind {
            ArgKind::Block(of) => all_fixed(of),
            ArgKind::OneOf(of) => {
                let mut i = 0;
                while i < of.len() {
                    if !of[i].is_fixed() || of[i].words_min() != of[0].words_min() {
                        return false;
                    }
                    i += 1;
                }
                true
            }
            _ => true,
        }
    }
}

const fn words_min(args: &[Arg]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < args.len() {
        if !args[i].optional {
            sum += args[i].words_min();
        }
        i += 1;
    }
    sum
}

const fn all_fixed(args: &[Arg]) -> bool {
    let mut i = 0;
    while i < args.len() {
        if !args[i].is_fixed() {
            return false;
        }
        i += 1;
    }
    true
}

/// Which shards a command needs besides those of its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of its keys only.
    Keys,
    /// It takes shards one after the other by itself; inside a transaction all are held.
    Walk,
    /// All at once.
    Everything,
}

/// What becomes of a command between MULTI and EXEC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InMulti {
    /// It is queued.
    Queue,
    /// It runs at once.
    RunNow,
    /// It executes the queue; being refused, it ends the transaction.
    Execute,
}

/// One command.
#[derive(Clone, Copy)]
pub struct Command {
    /// Name in upper case; a subcommand's is its own word.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The Redis version that introduced it.
    pub since: &'static str,
    /// The documentation group.
    pub group: &'static str,
    /// Big-O statement.
    pub complexity: &'static str,
    /// Version and change, oldest first.
    pub history: &'static [(&'static str, &'static str)],
    /// The version that deprecated it, and what replaces it.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// Whether it is for the system's own use and not documented to users.
    pub internal: bool,
    /// Flags.
    pub flags: Flags,
    /// ACL categories beyond those that the flags imply.
    pub categories: Categories,
    /// Keys.
    pub keys: &'static [KeySpec],
    /// What a request does to the keys whose specification has `VARIABLE` flags.
    pub refine_keys: Option<RefineKeys>,
    /// The parameter that must allow the command (`enable-debug-command`).
    pub guard: Option<&'static str>,
    /// Which words of a request are secrets, if any may be.
    pub redact: Option<Redact>,
    /// Grammar of the arguments after the name.
    pub args: &'static [Arg],
    /// Hints for clients and proxies.
    pub tips: &'static [&'static str],
    /// Arity where it does not follow from the grammar.
    pub arity: Option<i32>,
    /// Shards needed beyond the keys'.
    pub scope: Scope,
    /// What becomes of it inside a transaction.
    pub in_multi: InMulti,
    /// Subcommands; where there are any, the handler is called only without one.
    pub subcommands: &'static [Command],
    /// The function.
    pub handler: Handler,
}

/// A row with a name and a function; the builder methods say the rest.
pub const fn command(name: &'static str, handler: Handler) -> Command {
    Command {
        name,
        summary: "",
        since: "1.0.0",
        group: "generic",
        complexity: "",
        history: &[],
        deprecated: None,
        internal: false,
        flags: Flags::NONE,
        categories: Categories(0),
        keys: &[],
        refine_keys: None,
        guard: None,
        redact: None,
        args: &[],
        tips: &[],
        arity: None,
        scope: Scope::Keys,
        in_multi: InMulti::Queue,
        subcommands: &[],
        handler,
    }
}

/// A row that only holds subcommands.
pub const fn container(name: &'static str, subcommands: &'static [Command]) -> Command {
    let mut row = command(name, needs_subcommand);
    row.subcommands = subcommands;
    row.arity = Some(-2);
    row
}

/// Stands in a container's row; the arity check refuses such calls before.
fn needs_subcommand(_: &mut Cx<'_, '_>, _: Args<'_>) -> CmdResult {
    Err(crate::error::SYNTAX)
}

impl Command {
    /// What it does, in one sentence.
    pub const fn summary(mut self, text: &'static str) -> Command {
        self.summary = text;
        self
    }

    /// The version that introduced it.
    pub const fn since(mut self, version: &'static str) -> Command {
        self.since = version;
        self
    }

    /// The documentation group.
    pub const fn group(mut self, group: &'static str) -> Command {
        self.group = group;
        self
    }

    /// The cost.
    pub const fn complexity(mut self, text: &'static str) -> Command {
        self.complexity = text;
        self
    }

    /// What changed since.
    pub const fn history(mut self, of: &'static [(&'static str, &'static str)]) -> Command {
        self.history = of;
        self
    }

    /// Deprecated since a version, replaced by something.
    pub const fn deprecated(mut self, since: &'static str, by: &'static str) -> Command {
        self.deprecated = Some((since, by));
        self
    }

    /// Not for users.
    pub const fn internal(mut self) -> Command {
        self.internal = true;
        self
    }

    /// Flags.
    pub const fn flags(mut self, flags: Flags) -> Command {
        self.flags = flags;
        self
    }

    /// ACL categories beyond those implied.
    pub const fn acl(mut self, categories: Categories) -> Command {
        self.categories = categories;
        self
    }

    /// Key specifications.
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Command {
        self.keys = keys;
        self
    }

    /// Says what a request does to its keys where that depends on its options.
    pub const fn refine_keys(mut self, refine: RefineKeys) -> Command {
        self.refine_keys = Some(refine);
        self
    }

    /// Refused unless this parameter allows it to the client.
    pub const fn guarded_by(mut self, param: &'static str) -> Command {
        self.guard = Some(param);
        self
    }

    /// Some of its words are secrets.
    pub const fn redacts(mut self, redact: Redact) -> Command {
        self.redact = Some(redact);
        self
    }

    /// Argument grammar.
    pub const fn args(mut self, args: &'static [Arg]) -> Command {
        self.args = args;
        self
    }

    /// Hints for clients.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Command {
        self.tips = tips;
        self
    }

    /// An arity that the grammar does not give.
    pub const fn arity(mut self, arity: i32) -> Command {
        self.arity = Some(arity);
        self
    }

    /// Takes the shards by itself, one after the other.
    pub const fn walks(mut self) -> Command {
        self.scope = Scope::Walk;
        self
    }

    /// Runs at once inside a transaction.
    pub const fn controls_transaction(mut self) -> Command {
        self.in_multi = InMulti::RunNow;
        self
    }

    /// Executes the queued transaction.
    pub const fn executes_transaction(mut self) -> Command {
        self.in_multi = InMulti::Execute;
        self
    }

    /// Needs all shards at once.
    pub const fn exclusive(mut self) -> Command {
        self.scope = Scope::Everything;
        self
    }

    /// Words of a call: exact, or negative for at least that many. `words` is 1 for a command and 2
    /// for a subcommand.
    pub const fn arity_of(&self, words: usize) -> i32 {
        if let Some(arity) = self.arity {
            return arity;
        }
        let least = (words + words_min(self.args)) as i32;
        if all_fixed(self.args) { least } else { -least }
    }

    /// All ACL categories: those of the row and those that its flags imply.
    pub const fn all_categories(&self) -> Categories {
        let mut all = self.categories;
        if self.flags.has(Flags::WRITE) {
            all = all.or(Categories::WRITE);
        }
        if self.flags.has(Flags::READONLY) && !all.has(Categories::SCRIPTING) {
            all = all.or(Categories::READ);
        }
        if self.flags.has(Flags::ADMIN) {
            all = all.or(Categories::ADMIN).or(Categories::DANGEROUS);
        }
        if self.flags.has(Flags::PUBSUB) {
            all = all.or(Categories::PUBSUB);
        }
        if self.flags.has(Flags::BLOCKING) {
            all = all.or(Categories::BLOCKING);
        }
        let speed = if self.flags.has(Flags::FAST) { Categories::FAST } else { Categories::SLOW };
        all.or(speed)
    }
}
