//! INFO: sections contributed by modules, written as `field:value` lines.

use crate::server::Server;
use std::fmt::{Display, Write};

/// When a section is part of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// In a bare INFO and in `default`, `all`, `everything`.
    Default,
    /// In `all` and `everything` only.
    All,
    /// In `everything` only.
    Everything,
}

/// One section of INFO.
#[derive(Clone, Copy)]
pub struct InfoSection {
    /// Its title.
    pub title: &'static str,
    /// Sections come in ascending order of this.
    pub order: u32,
    /// When it is shown without being named.
    pub shown: Shown,
    /// Writes its fields.
    pub write: fn(&Server, &mut InfoWriter),
}

/// Collects the text of INFO.
#[derive(Default)]
pub struct InfoWriter {
    text: String,
}

impl InfoWriter {
    /// Starts a section.
    pub fn section(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push_str("\r\n");
        }
        // Writing to a string cannot fail.
        let _ = write!(self.text, "# {title}\r\n");
    }

    /// Writes a field.
    pub fn field(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.text, "{name}:{value}\r\n");
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }
}
