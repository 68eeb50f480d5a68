//! The list of modules: the one place that names them.

use engine::Module;

/// All modules of the server.
pub const MODULES: &[&Module] = &[
    &types::string::MODULE,
    &types::list::MODULE,
    &types::set::MODULE,
    &types::hash::MODULE,
    &types::zset::MODULE,
    &types::keys::MODULE,
    &admin::connection::MODULE,
    &admin::server::MODULE,
    &scripting::MODULE,
];
