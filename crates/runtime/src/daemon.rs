//! Running in the background (`daemonize`), and telling a supervisor how it goes.
//!
//! A process with threads cannot fork safely, and the standard library offers no fork. So the
//! starting process runs the same program again with the same arguments, detached by a session of
//! its own, and ends once that one says that it serves: a script that goes on after `cinnabar
//! --daemonize yes` finds a server. The child says so by one byte on its standard output, which
//! until then is a pipe to the parent; errors of the start go to the parent's standard error.

use config::Config;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::{Command, Stdio};

/// Tells the child what it is.
const CHILD_VARIABLE: &str = "CINNABAR_DETACHED";
/// What the child says when it serves.
const READY: u8 = b'+';
/// Where systemd hears of the server's state.
const NOTIFY_VARIABLE: &str = "NOTIFY_SOCKET";

/// Values of `supervised`.
const SUPERVISED_AUTO: i64 = 1;
const SUPERVISED_SYSTEMD: i64 = 2;
const SUPERVISED_UPSTART: i64 = 3;

/// Whether this process is the detached one.
pub fn is_child() -> bool {
    std::env::var_os(CHILD_VARIABLE).is_some()
}

/// Whether a supervisor wants to hear of the server's state.
pub fn is_supervised(config: &Config) -> bool {
    match config.int(config.require("supervised")) {
        SUPERVISED_AUTO => std::env::var_os(NOTIFY_VARIABLE).is_some(),
        SUPERVISED_SYSTEMD | SUPERVISED_UPSTART => true,
        _ => false,
    }
}

/// Whether the server is to run in the background. A supervisor watches the process it started
/// itself.
pub fn is_wanted(config: &Config) -> bool {
    config.flag(config.require("daemonize")) && !is_supervised(config)
}

/// Starts the program again in the background and waits until it serves. `stdin` is the
/// configuration that was read from standard input. False: it did not come to serve, and has said
/// why.
pub fn detach(args: &[String], stdin: &str) -> io::Result<bool> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(args)
        .env(CHILD_VARIABLE, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A child that failed before it read does not matter: it is asked below.
        let _ = input.write_all(stdin.as_bytes());
    }
    let mut said = Vec::new();
    if let Some(output) = child.stdout.take() {
        output.take(1).read_to_end(&mut said)?;
    }
    if said == [READY] {
        return Ok(true);
    }
    child.wait()?;
    Ok(false)
}

/// Leaves the terminal of the process that started this one.
pub fn leave_session() {
    // A process that leads a group already cannot, and is detached as far as it can be.
    let _ = nix::unistd::setsid();
}

/// Says that the server serves, and lets go of the streams of the process that started it.
pub fn report_ready() -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    // The parent may be gone; the server is up all the same.
    let _ = stdout.write_all(&[READY]).and_then(|()| stdout.flush());
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    Ok(())
}

/// Tells systemd a state. The error says why it does not know.
pub fn notify(state: &str) -> Result<(), String> {
    let Ok(path) = std::env::var(NOTIFY_VARIABLE) else {
        return Err(format!("systemd supervision requested, but {NOTIFY_VARIABLE} is not set"));
    };
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let sent = address
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    sent.map(drop).map_err(|error| format!("Can't send to systemd: {path}: {error}"))
}
