//! A module is one constant: what it adds to the server.

use crate::command::Command;
use crate::info::InfoSection;
use config::Param;
use keyspace::value::TypeInfo;

/// A unit of features. The built-in types are modules too.
pub struct Module {
    /// Its name.
    pub name: &'static str,
    /// Its version, as MODULE LIST and HELLO give it; 0 for parts of the server itself, which they
    /// do not list.
    pub version: u32,
    /// Its commands.
    pub commands: &'static [&'static [Command]],
    /// Its value types.
    pub types: &'static [TypeInfo],
    /// Its configuration parameters.
    pub params: &'static [Param],
    /// Its INFO sections.
    pub info: &'static [InfoSection],
}

/// A module without any part yet.
pub const fn module(name: &'static str) -> Module {
    Module { name, version: 0, commands: &[], types: &[], params: &[], info: &[] }
}

impl Module {
    /// Listed under a version.
    pub const fn version(mut self, version: u32) -> Module {
        self.version = version;
        self
    }

    /// Adds commands.
    pub const fn commands(mut self, commands: &'static [&'static [Command]]) -> Module {
        self.commands = commands;
        self
    }

    /// Adds value types.
    pub const fn types(mut self, types: &'static [TypeInfo]) -> Module {
        self.types = types;
        self
    }

    /// Adds parameters.
    pub const fn params(mut self, params: &'static [Param]) -> Module {
        self.params = params;
        self
    }

    /// Adds INFO sections.
    pub const fn info(mut self, info: &'static [InfoSection]) -> Module {
        self.info = info;
        self
    }
}
