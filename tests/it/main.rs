//! One binary for all integration tests: one link, one list.

mod layers;
mod sizes;
mod source;
mod workspace;
