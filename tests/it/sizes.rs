//! The sizes that docs/STYLE.md sets. Every code base has the same median; what makes one hard to
//! read is its longest file and its longest function, so the tail is what is forbidden.

use crate::source::{code_only, test_spans};
use crate::workspace::{SourceFile, packages, read, root};

const FILE_LINES_MAX: usize = 1000;
const COLUMNS_MAX: usize = 100;

/// The lines of a file outside its tests.
fn product_lines(text: &str) -> usize {
    let code = code_only(text);
    let in_tests: usize =
        test_spans(&code).into_iter().map(|span| code[span].lines().count()).sum();
    text.lines().count() - in_tests
}

fn wide_lines(text: &str) -> impl Iterator<Item = usize> {
    let lines = text.lines().enumerate();
    lines.filter(|(_, line)| line.chars().count() > COLUMNS_MAX).map(|(number, _)| number + 1)
}

fn all_sources() -> Vec<SourceFile> {
    packages().iter().flat_map(|package| package.sources()).collect()
}

#[test]
fn no_file_has_more_than_1000_lines() {
    let sources = all_sources();
    let counted = sources.iter().filter(|file| !file.is_test() && !file.is_table());
    let sizes = counted.map(|file| (product_lines(&file.text), file.path.display()));
    let long: Vec<_> = sizes.filter(|(lines, _)| *lines > FILE_LINES_MAX).collect();
    assert!(long.is_empty(), "more than one idea, find the seam: {long:?}");
}

#[test]
fn no_line_has_more_than_100_columns() {
    let mut wide = Vec::new();
    for file in all_sources() {
        let at = |line| format!("{}:{line}", file.path.display());
        wide.extend(wide_lines(&file.text).map(at));
    }
    assert!(wide.is_empty(), "too wide: {wide:?}");
}

/// Functions are measured by clippy; this holds the switch in its place.
#[test]
fn clippy_measures_functions() {
    assert!(read(&root().join("clippy.toml")).contains("too-many-lines-threshold = 70\n"));
    assert!(read(&root().join("Cargo.toml")).contains("too_many_lines = \"deny\"\n"));
    for package in packages() {
        let manifest = read(&package.folder.join("Cargo.toml"));
        let opted_in = manifest.contains("[lints]\nworkspace = true\n");
        assert!(opted_in, "{} does not take the lints of the workspace", package.name);
        for file in package.sources() {
            let silenced = code_only(&file.text).contains("clippy::too_many_lines");
            assert!(!silenced, "{} silences the function size", file.path.display());
        }
    }
}

#[test]
fn tests_do_not_count_as_product_lines() {
    assert_eq!(product_lines("a\nb\n#[cfg(test)]\nmod tests {\n    c\n}\n"), 2);
    assert_eq!(product_lines("a\n// #[cfg(test)] mod x {\nb\nc\n"), 4);
}

#[test]
fn columns_are_counted_in_characters() {
    let wide = format!("{}\n{}\n", "é".repeat(COLUMNS_MAX), "x".repeat(COLUMNS_MAX + 1));
    assert_eq!(wide_lines(&wide).collect::<Vec<_>>(), [2]);
}
