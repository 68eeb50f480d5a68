//! The page of all configuration parameters.

use config::{Flags, Kind, Param, Range, tables};
use engine::{Module, Registry};
use std::fmt::Write;

/// The page.
pub fn page(modules: &[&'static Module]) -> String {
    let of_modules = Registry::params(modules);
    let tables = tables::ALL.iter().copied().chain(of_modules);
    let mut params: Vec<&Param> = tables.flat_map(|table| table.iter()).collect();
    params.sort_by_key(|param| param.name);
    let mut text =
        "# Parameters\n\nWritten by `cargo xtask docs` from the parameter tables. Set them \
                    in a redis.conf, on the command line (`--name value`) or with CONFIG SET.\n\n\
                    | parameter | default | values | remarks |\n|---|---|---|---|\n"
            .to_owned();
    for param in params {
        let default = if param.default.is_empty() { "\"\"" } else { param.default };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{default}` | {} | {} |",
            param.name,
            values(&param.kind),
            remarks(param)
        );
    }
    text
}

fn values(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "yes, no".to_owned(),
        Kind::Int(range) => format!("integer{}", bounds(range)),
        Kind::Octal(range) => format!("octal number{}", bounds(range)),
        Kind::Memory { percent: true, .. } => "bytes, or % of maxmemory".to_owned(),
        Kind::Memory { .. } => "bytes".to_owned(),
        Kind::Enum { names, newer } => {
            let all = names.iter().chain(newer.iter()).map(|(name, _)| *name);
            all.collect::<Vec<_>>().join(", ")
        }
        Kind::Bits(names) => {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            format!("any of {}", names.join(", "))
        }
        Kind::Real { above, below } => {
            let bound = |limit: f64, name| {
                if limit.abs() < f64::MAX { format!("{limit}") } else { String::from(name) }
            };
            format!("number between {} and {}", bound(*above, "-inf"), bound(*below, "inf"))
        }
        Kind::Text(_) | Kind::Special(_) => "text".to_owned(),
    }
}

fn bounds(range: &Range) -> String {
    match (range.min, range.max) {
        (i64::MIN, i64::MAX) => String::new(),
        (min, i64::MAX) => format!(" from {min}"),
        (min, max) => format!(" from {min} to {max}"),
    }
}

fn remarks(param: &Param) -> String {
    let mut remarks = Vec::new();
    if param.flags.has(Flags::IMMUTABLE) {
        remarks.push("at start only".to_owned());
    }
    if param.flags.has(Flags::PROTECTED) {
        remarks.push("protected".to_owned());
    }
    if let Some(alias) = param.alias {
        remarks.push(format!("also `{alias}`"));
    }
    remarks.join(", ")
}
