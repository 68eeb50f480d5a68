//! All rows of all modules, collected, checked and frozen.
//!
//! The order in which modules are given never matters: the table is built whole, then validated,
//! and a mistake of a module's author (a name given twice, a write that does not say what it does
//! when memory is out) stops the start with a sentence that names it.

use crate::args::Args;
use crate::command::{ArgKind, Categories, Command, Flags, KeySpec};
use crate::error::{self, CmdError};
use crate::info::InfoSection;
use crate::keys;
use crate::module::Module;
use config::Param;
use hashbrown::HashTable;
use keyspace::Entry;
use keyspace::value::{STRING, TypeId, TypeInfo};
use std::collections::HashMap;

/// A row with everything that is computed from it.
pub struct Registered {
    /// The row.
    pub row: &'static Command,
    /// The name as replies give it: lower case, `container|sub` for subcommands.
    pub name: String,
    /// Its index, for statistics and queues.
    pub index: u32,
    /// Exact number of words, or minus the least number.
    pub arity: i32,
    /// The row's flags and those computed.
    pub flags: Flags,
    /// All ACL categories.
    pub categories: Categories,
    /// First key, last key, step.
    pub legacy_keys: (i64, i64, i64),
    /// The name of the module.
    pub module: &'static str,
    /// Whether it is a subcommand.
    pub is_sub: bool,
    /// Indexes of its subcommands.
    pub subcommands: Vec<u32>,
}

impl Registered {
    /// Key specifications.
    #[inline]
    pub fn keys(&self) -> &'static [KeySpec] {
        self.row.keys
    }

    /// Whether a call of so many words fits the arity.
    #[inline]
    pub fn accepts(&self, words: usize) -> bool {
        let words = words as i64;
        let arity = i64::from(self.arity);
        if arity >= 0 { words == arity } else { words >= -arity }
    }
}

/// The frozen table.
pub struct Registry {
    commands: Vec<Registered>,
    /// Indexes of the top-level commands by lower-case name.
    by_name: HashTable<u32>,
    top_level: Vec<u32>,
    modules: Vec<&'static Module>,
    types: HashMap<TypeId, TypeInfo>,
}

/// The one type that entries hold natively.
const STRING_INFO: TypeInfo =
    TypeInfo { id: STRING, name: "string", packed_encoding: |_| "embstr" };

/// The longest name that can match, in bytes.
const NAME_MAX: usize = 64;

impl Registry {
    /// Collects and checks. `renames` are pairs of a name and its replacement, empty to remove.
    pub fn build(
        modules: &[&'static Module],
        renames: &[(String, String)],
    ) -> Result<Registry, String> {
        let mut registry = Registry {
            commands: Vec::new(),
            by_name: HashTable::new(),
            top_level: Vec::new(),
            modules: modules.to_vec(),
            types: HashMap::from([(STRING, STRING_INFO)]),
        };
        for module in modules {
            for row in module.commands.iter().flat_map(|rows| rows.iter()) {
                registry.add(module, row)?;
            }
            for info in module.types {
                if registry.types.insert(info.id, *info).is_some() {
                    return Err(format!("two value types have the id {}", info.id));
                }
            }
        }
        for (from, to) in renames {
            registry.rename(from, to)?;
        }
        Ok(registry)
    }

    fn add(&mut self, module: &'static Module, row: &'static Command) -> Result<(), String> {
        let name = row.name.to_ascii_lowercase();
        let index = self.register(module.name, row, name.clone(), false)?;
        for sub in row.subcommands {
            let name = format!("{name}|{}", sub.name.to_ascii_lowercase());
            let sub = self.register(module.name, sub, name, true)?;
            self.commands[index as usize].subcommands.push(sub);
        }
        self.name(index, &name)?;
        self.top_level.push(index);
        Ok(())
    }

    fn name(&mut self, index: u32, name: &str) -> Result<(), String> {
        if self.find(name.as_bytes()).is_some() {
            return Err(format!("two commands are named '{name}'"));
        }
        if name.len() > NAME_MAX {
            return Err(format!("the command name '{name}' is too long"));
        }
        self.commands[index as usize].name = name.to_owned();
        let commands = &self.commands;
        let hasher = |index: &u32| hash_name(commands[*index as usize].name.as_bytes());
        self.by_name.insert_unique(hash_name(name.as_bytes()), index, hasher);
        Ok(())
    }

    fn register(
        &mut self,
        module: &'static str,
        row: &'static Command,
        name: String,
        is_sub: bool,
    ) -> Result<u32, String> {
        check_row(row, &name)?;
        let movable = if keys::are_movable(row.keys) { Flags::MOVABLEKEYS } else { Flags::NONE };
        let index = self.commands.len() as u32;
        self.commands.push(Registered {
            row,
            name,
            index,
            arity: row.arity_of(if is_sub { 2 } else { 1 }),
            flags: row.flags | movable,
            categories: row.all_categories(),
            legacy_keys: keys::legacy_range(row.keys),
            module,
            is_sub,
            subcommands: Vec::new(),
        });
        Ok(index)
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let from = from.to_ascii_lowercase();
        let Some(index) = self.find(from.as_bytes()).map(|found| found.index) else {
            return Err("No such command in rename-command".to_owned());
        };
        let slot = self.by_name.find_entry(hash_name(from.as_bytes()), |found| *found == index);
        if let Ok(slot) = slot {
            slot.remove();
        }
        if to.is_empty() {
            self.top_level.retain(|found| *found != index);
            return Ok(());
        }
        let to = to.to_ascii_lowercase();
        self.name(index, &to).map_err(|_| "Target command name already exists".to_owned())
    }

    /// The row of an index that this registry gave.
    #[inline]
    pub fn get(&self, index: u32) -> &Registered {
        &self.commands[index as usize]
    }

    /// How many rows there are, subcommands included.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// All rows, subcommands included.
    pub fn all(&self) -> &[Registered] {
        &self.commands
    }

    /// The top-level commands.
    pub fn top_level(&self) -> impl ExactSizeIterator<Item = &Registered> {
        self.top_level.iter().map(|index| self.get(*index))
    }

    /// The top-level commands, each followed by its subcommands.
    pub fn callable(&self) -> impl Iterator<Item = &Registered> {
        self.top_level().flat_map(|command| {
            let subcommands = command.subcommands.iter().map(|index| self.get(*index));
            std::iter::once(command).chain(subcommands)
        })
    }

    /// The name of the module a command comes from, where that is one that MODULE LIST shows.
    pub fn extension_of(&self, command: &Registered) -> Option<&'static str> {
        let listed = self.modules.iter().filter(|module| module.version > 0);
        listed.map(|module| module.name).find(|name| *name == command.module)
    }

    /// A top-level command by name, in any case. O(1).
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&Registered> {
        let mut lower = [0u8; NAME_MAX];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        let same = |index: &u32| self.get(*index).name.as_bytes() == lower;
        self.by_name.find(hash_name(lower), same).map(|index| self.get(*index))
    }

    /// A command by its full name: `get` or `config|get`.
    pub fn find_full(&self, name: &[u8]) -> Option<&Registered> {
        match name.iter().position(|byte| *byte == b'|') {
            None => self.find(name),
            Some(bar) => self.subcommand(self.find(&name[..bar])?, &name[bar + 1..]),
        }
    }

    /// A subcommand by its own word, in any case.
    pub fn subcommand(&self, parent: &Registered, word: &[u8]) -> Option<&Registered> {
        let mut subs = parent.subcommands.iter().map(|index| self.get(*index));
        subs.find(|sub| sub.row.name.as_bytes().eq_ignore_ascii_case(word))
    }

    /// The row that a request calls, its arity checked.
    #[inline]
    pub fn resolve(&self, args: Args<'_>) -> Result<&Registered, CmdError> {
        let Some(command) = self.find(args.at(0)) else { return Err(unknown_command(args)) };
        let command = match (command.subcommands.is_empty(), args.get(1)) {
            (false, Some(word)) => {
                self.subcommand(command, word).ok_or_else(|| unknown_subcommand(command, args))?
            }
            _ => command,
        };
        if command.accepts(args.len()) {
            Ok(command)
        } else {
            Err(error::wrong_arity(&command.name))
        }
    }

    /// The modules.
    pub fn modules(&self) -> &[&'static Module] {
        &self.modules
    }

    /// The name that TYPE gives for a value type.
    pub fn type_name(&self, id: TypeId) -> &'static str {
        self.types.get(&id).map_or("unknown", |info| info.name)
    }

    /// The value type of a name, in any case.
    pub fn type_id(&self, name: &[u8]) -> Option<TypeId> {
        let mut types = self.types.values();
        types.find(|info| info.name.as_bytes().eq_ignore_ascii_case(name)).map(|info| info.id)
    }

    /// The name of an entry's representation, as OBJECT ENCODING gives it.
    pub fn encoding(&self, entry: &Entry) -> &'static str {
        let packed = entry.packed().zip(self.types.get(&entry.type_id()));
        let packed = packed.map(|(bytes, info)| (info.packed_encoding)(bytes));
        entry.encoding().or(packed).unwrap_or("unknown")
    }

    /// Parameter tables of the modules.
    pub fn params(modules: &[&'static Module]) -> Vec<&'static [Param]> {
        modules.iter().map(|module| module.params).collect()
    }

    /// INFO sections in their order.
    pub fn info_sections(&self) -> Vec<&'static InfoSection> {
        let mut sections: Vec<_> = self.modules.iter().flat_map(|m| m.info.iter()).collect();
        sections.sort_by_key(|section| section.order);
        sections
    }
}

#[inline]
fn hash_name(lower: &[u8]) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = foldhash::fast::FixedState::with_seed(0).build_hasher();
    hasher.write(lower);
    hasher.finish()
}

/// What a module's author may get wrong in a row.
fn check_row(row: &Command, name: &str) -> Result<(), String> {
    let problem = if row.summary.is_empty() {
        "has no summary"
    } else if row.flags.has(Flags::WRITE) && row.flags.has(Flags::READONLY) {
        "is both a write and a read"
    } else if !row.keys.is_empty() && !row.subcommands.is_empty() {
        "has keys and subcommands"
    } else if row.guard.is_some() && !row.flags.has(Flags::NOSCRIPT) {
        // Only what scripts and batches never call is sure to pass the gate alone.
        "is guarded but open to scripts"
    } else if !key_args_are_described(row.args, row.keys.len()) {
        "has a key argument without a key specification"
    } else {
        return Ok(());
    };
    Err(format!("the command '{name}' {problem}"))
}

fn key_args_are_described(args: &[crate::command::Arg], specs: usize) -> bool {
    args.iter().all(|arg| match arg.kind {
        ArgKind::Key(spec) => spec < specs,
        ArgKind::OneOf(of) | ArgKind::Block(of) => key_args_are_described(of, specs),
        _ => true,
    })
}

/// `ERR unknown command`, with the name and the first arguments, each cut so that 128 bytes
/// suffice.
fn unknown_command(args: Args<'_>) -> CmdError {
    const SHOWN_MAX: usize = 128;
    let mut shown = String::new();
    for word in args.from(1).iter() {
        if shown.len() >= SHOWN_MAX {
            break;
        }
        let room = SHOWN_MAX - shown.len();
        shown.push('\'');
        shown.push_str(&printable(word, room));
        shown.push_str("' ");
    }
    let name = printable(args.at(0), SHOWN_MAX);
    CmdError::text(format!("ERR unknown command '{name}', with args beginning with: {shown}"))
}

/// A word up to its first NUL, at most `max` bytes of it.
fn printable(word: &[u8], max: usize) -> String {
    let end = word.iter().position(|byte| *byte == 0).unwrap_or(word.len()).min(max);
    String::from_utf8_lossy(&word[..end]).into_owned()
}

fn unknown_subcommand(parent: &Registered, args: Args<'_>) -> CmdError {
    let word = printable(args.at(1), 128);
    let upper = parent.name.to_ascii_uppercase();
    CmdError::text(format!("ERR unknown subcommand '{word}'. Try {upper} HELP."))
}
