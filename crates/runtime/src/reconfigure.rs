//! Parameters that change while the server runs.

use crate::host::SystemHost;
use crate::limits;
use crate::listen::{Dealer, Listeners};
use config::Config;
use engine::port::{Host, LogLevel};
use std::rc::Rc;

/// Puts changed parameters into effect. The error refuses the change; what it stood for is then as
/// it was before.
pub async fn reconfigure(
    dealer: &Rc<Dealer>,
    host: &SystemHost,
    listeners: &mut Listeners,
    names: &[String],
) -> Result<(), String> {
    let config = &dealer.server.config;
    let changed = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    let refuse = |error: String, text: &str| {
        host.log(LogLevel::Warning, &error);
        text.to_owned()
    };
    const NO_PORT: &str = "Unable to listen on this port. Check server logs.";
    const NO_ADDRESS: &str = "Failed to bind to specified addresses.";
    const NO_TLS: &str = "Unable to update TLS configuration. Check server logs.";
    if changed(&["port"]) {
        listeners.bind_tcp(dealer).await.map_err(|error| refuse(error, NO_PORT))?;
    }
    if changed(&["tls-port"]) {
        listeners.bind_tls(dealer).await.map_err(|error| refuse(error, NO_PORT))?;
    }
    if changed(&["bind"]) {
        listeners.bind_tcp(dealer).await.map_err(|error| refuse(error, NO_ADDRESS))?;
        listeners.bind_tls(dealer).await.map_err(|error| refuse(error, NO_ADDRESS))?;
    }
    if names.iter().any(|name| name.starts_with("tls-") && name != "tls-port") {
        listeners.bind_tls(dealer).await.map_err(|error| refuse(error, NO_TLS))?;
    }
    if changed(&["maxclients"]) {
        limits::check_clients_max(config)?;
    }
    if changed(&["loglevel"]) {
        host.log.set_threshold(config.choice(config.require("loglevel")) as u8);
    }
    if changed(&["dir"]) {
        change_directory(config)?;
    }
    Ok(())
}

/// Goes to `dir`, and remembers it resolved.
fn change_directory(config: &Config) -> Result<(), String> {
    let id = config.require("dir");
    std::env::set_current_dir(&*config.text(id)).map_err(|error| {
        let text = error.to_string();
        text.split(" (os error").next().unwrap_or_default().to_owned()
    })?;
    let resolved = std::env::current_dir().map_err(|error| error.to_string())?;
    config.assign(id, &resolved.to_string_lossy()).map_err(|reason| reason.into_owned())
}
