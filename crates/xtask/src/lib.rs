//! What the chores do, as a library, so that tests can ask whether they were done.

pub mod docs;
