//! The connection's and the operator's commands: a module that reads the registry, the
//! configuration and the statistics like any other reader.

pub mod connection;
pub mod server;
