//! One binary for all integration tests: one link, one list.

mod docs;
mod layers;
mod sizes;
mod source;
mod workspace;
