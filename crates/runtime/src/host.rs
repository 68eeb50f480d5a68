//! The operating system's services behind the engine's `Host` port.

use crate::log::Log;
use engine::port::{About, Host, LogLevel, Shutdown, Usage};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use std::any::Any;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::UnboundedSender;

/// What workers ask of the main thread.
pub enum Control {
    /// Stop.
    Shutdown(Shutdown),
    /// Put changed parameters into effect and say how it went.
    Reconfigure(Vec<String>, mpsc::Sender<Result<(), String>>),
}

/// How many bytes the allocator has handed out, now and at most.
pub type AllocatedBytes = fn() -> (u64, u64);

/// How long a worker waits for the main thread to put parameters into effect.
const RECONFIGURE_TIMEOUT: Duration = Duration::from_secs(10);

/// The host.
pub struct SystemHost {
    /// The log.
    pub log: Arc<Log>,
    control: UnboundedSender<Control>,
    garbage: mpsc::Sender<Box<dyn Any + Send>>,
    allocated: AllocatedBytes,
    shutting_down: AtomicBool,
    system_bytes: OnceLock<u64>,
}

impl SystemHost {
    /// A host whose requests go to `control`. Starts the thread that frees large values.
    pub fn new(
        log: Arc<Log>,
        control: UnboundedSender<Control>,
        allocated: AllocatedBytes,
    ) -> io::Result<SystemHost> {
        let (garbage, dropped) = mpsc::channel::<Box<dyn Any + Send>>();
        let free = move || dropped.into_iter().for_each(drop);
        std::thread::Builder::new().name("free".to_owned()).spawn(free)?;
        let (shutting_down, system_bytes) = (AtomicBool::new(false), OnceLock::new());
        Ok(SystemHost { log, control, garbage, allocated, shutting_down, system_bytes })
    }
}

impl Host for SystemHost {
    fn shutdown(&self, how: Shutdown) -> Result<(), String> {
        self.shutting_down.store(true, Ordering::Relaxed);
        let sent = self.control.send(Control::Shutdown(how));
        sent.map_err(|_| "ERR the server is stopping already".to_owned())
    }

    fn abort_shutdown(&self) -> bool {
        // A shutdown waits for nothing yet, so there is never one to take back.
        false
    }

    fn discard(&self, garbage: Box<dyn Any + Send>) {
        // If the freeing thread is gone the value is dropped here.
        let _ = self.garbage.send(garbage);
    }

    fn usage(&self) -> Usage {
        let (allocated_bytes, allocated_peak_bytes) = (self.allocated)();
        let times = getrusage(UsageWho::RUSAGE_SELF);
        let us = |time: TimeVal| (time.tv_sec() * 1_000_000 + time.tv_usec()) as u64;
        Usage {
            allocated_bytes,
            allocated_peak_bytes,
            resident_bytes: resident_bytes(),
            system_bytes: *self.system_bytes.get_or_init(system_bytes),
            cpu_system_us: times.map_or(0, |times| us(times.system_time())),
            cpu_user_us: times.map_or(0, |times| us(times.user_time())),
        }
    }

    fn about(&self) -> About {
        let executable = std::env::current_exe().unwrap_or_default();
        About {
            process_id: std::process::id(),
            os: operating_system(),
            executable: executable.to_string_lossy().into_owned(),
            event_api: "epoll",
        }
    }

    fn random(&self) -> u64 {
        // A fresh `RandomState` is keyed by the operating system's generator.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        RandomState::new().hash_one(since.as_nanos())
    }

    fn read_file(&self, path: &str) -> io::Result<String> {
        fs::read_to_string(path)
    }

    fn write_file(&self, path: &str, text: &str) -> io::Result<()> {
        let temporary = format!("{path}.tmp.{}", std::process::id());
        let mut file = fs::File::create(&temporary)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let renamed = written.and_then(|()| fs::rename(&temporary, path));
        if renamed.is_err() {
            let _ = fs::remove_file(&temporary);
            return renamed;
        }
        let directory = Path::new(path).parent().filter(|dir| !dir.as_os_str().is_empty());
        fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn reconfigure(&self, names: &[&str]) -> Result<(), String> {
        let (reply, answer) = mpsc::channel();
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let stopped = || "the server is stopping".to_owned();
        self.control.send(Control::Reconfigure(names, reply)).map_err(|_| stopped())?;
        answer.recv_timeout(RECONFIGURE_TIMEOUT).map_err(|_| stopped())?
    }

    fn log(&self, level: LogLevel, text: &str) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.log.write(since.as_micros() as i64, level, text);
    }
}

/// Name and release of the kernel and the machine's architecture.
fn operating_system() -> String {
    let read = |name| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    let (name, release) = (read("ostype"), read("osrelease"));
    format!("{} {} {}", name.trim(), release.trim(), std::env::consts::ARCH)
}

fn resident_bytes() -> u64 {
    const PAGE_BYTES: u64 = 4096;
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE_BYTES
}

fn system_bytes() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
