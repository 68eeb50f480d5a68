//! The generated pages are as generated.

use crate::workspace::root;

#[test]
fn generated_pages_are_fresh() {
    let stale = xtask::docs::stale(&root());
    assert!(stale.is_empty(), "run `cargo xtask docs`: {stale:?}");
}
