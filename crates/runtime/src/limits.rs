//! How many descriptors the system lets the process have, against how many clients it is to serve.

use config::Config;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors the server needs besides those of its clients.
const DESCRIPTORS_RESERVED: u64 = 32;

/// Lets the process open descriptors for so many clients, as far as the system permits. Gives the
/// number of clients that is possible.
fn raise(clients: u64) -> u64 {
    let wanted = clients.saturating_add(DESCRIPTORS_RESERVED);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return clients };
    if soft >= wanted {
        return clients;
    }
    // Privileged processes may raise the hard limit too; the others get what there is.
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok() {
        return clients;
    }
    let open = match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    };
    open.saturating_sub(DESCRIPTORS_RESERVED).min(clients)
}

fn clients_max(config: &Config) -> u64 {
    config.bytes(config.require("maxclients"))
}

/// Fits `maxclients` to what the system permits. Gives a sentence where it had to be lowered.
pub fn fit_clients_max(config: &Config) -> Option<String> {
    let wanted = clients_max(config);
    let possible = raise(wanted).max(1);
    if possible == wanted {
        return None;
    }
    // One client or more is a value like any other.
    let _ = config.assign(config.require("maxclients"), &possible.to_string());
    Some(format!(
        "You requested maxclients of {wanted}, which needs more open files than the system \
         permits. maxclients has been reduced to {possible}; raise 'ulimit -n' for more."
    ))
}

/// Refuses a `maxclients` that the system does not permit.
pub fn check_clients_max(config: &Config) -> Result<(), String> {
    let wanted = clients_max(config);
    let possible = raise(wanted);
    if possible == wanted {
        return Ok(());
    }
    Err(format!(
        "The operating system is not able to handle the specified number of clients, try with \
         {possible}"
    ))
}
