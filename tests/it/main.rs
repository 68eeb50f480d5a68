//! One binary for all integration tests: one link, one list.

mod commands;
mod docs;
mod expiry;
mod layers;
mod scripts;
mod sizes;
mod source;
mod workspace;
