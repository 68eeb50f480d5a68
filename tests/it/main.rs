//! One binary for all integration tests: one link, one list.

mod docs;
mod layers;
mod scripts;
mod sizes;
mod source;
mod workspace;
