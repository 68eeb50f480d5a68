//! The pages under docs that are computed from the command rows and the parameter tables.

mod commands;
mod parameters;

use engine::Registry;
use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

const COMMANDS: &str = "docs/commands";

/// A generated file: its path from the root, and its text.
pub struct Page {
    /// Path.
    pub path: String,
    /// Text.
    pub text: String,
}

/// All generated pages.
///
/// # Panics
/// If the modules do not fit together, which is found by every start of the server too.
pub fn pages() -> Vec<Page> {
    let registry = Registry::build(catalog::MODULES, &[]).expect("the modules fit together");
    let mut pages: Vec<Page> = registry
        .top_level()
        .map(|command| Page {
            path: format!("{COMMANDS}/{}.md", command.name),
            text: commands::page(&registry, command),
        })
        .collect();
    let index = commands::index(&registry);
    pages.push(Page { path: format!("{COMMANDS}/README.md"), text: index });
    let text = parameters::page(catalog::MODULES);
    pages.push(Page { path: "docs/config.md".to_owned(), text });
    pages
}

/// Writes all pages and removes those of commands that are no more.
pub fn write(root: &Path) -> io::Result<()> {
    let pages = pages();
    fs::create_dir_all(root.join(COMMANDS))?;
    for page in &pages {
        fs::write(root.join(&page.path), &page.text)?;
    }
    for path in left_over(root, &pages) {
        fs::remove_file(root.join(path))?;
    }
    Ok(())
}

/// The paths whose files are not what would be written.
pub fn stale(root: &Path) -> Vec<String> {
    let pages = pages();
    let differs = |page: &&Page| {
        fs::read_to_string(root.join(&page.path)).map_or(true, |text| text != page.text)
    };
    let mut stale: Vec<String> =
        pages.iter().filter(differs).map(|page| page.path.clone()).collect();
    stale.extend(left_over(root, &pages));
    stale
}

/// Files in the folder of commands that no page has.
fn left_over(root: &Path, pages: &[Page]) -> Vec<String> {
    let known: BTreeSet<&str> = pages.iter().map(|page| page.path.as_str()).collect();
    let files = fs::read_dir(root.join(COMMANDS)).into_iter().flatten().flatten();
    let paths = files.map(|file| format!("{COMMANDS}/{}", file.file_name().to_string_lossy()));
    paths.filter(|path| !known.contains(path.as_str())).collect()
}
