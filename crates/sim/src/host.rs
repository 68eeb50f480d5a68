//! A host without an operating system: files in memory, logs in a list, randomness from the seed.

use engine::port::{Host, LogLevel, Shutdown, Usage};
use parking_lot::Mutex;
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use stdx::prng::Prng;

/// The host.
pub struct VirtualHost {
    rng: Mutex<Prng>,
    files: Mutex<BTreeMap<String, String>>,
    log: Mutex<Vec<(LogLevel, String)>>,
    shutdown: Mutex<Option<Shutdown>>,
}

impl VirtualHost {
    /// A host whose random numbers follow from a seed.
    pub fn new(seed: u64) -> VirtualHost {
        VirtualHost {
            rng: Mutex::new(Prng::new(seed)),
            files: Mutex::default(),
            log: Mutex::default(),
            shutdown: Mutex::default(),
        }
    }

    /// The log so far.
    pub fn log_lines(&self) -> Vec<(LogLevel, String)> {
        self.log.lock().clone()
    }

    /// How the server was asked to stop, if it was.
    pub fn shutdown_request(&self) -> Option<Shutdown> {
        *self.shutdown.lock()
    }
}

impl Host for VirtualHost {
    fn shutdown(&self, how: Shutdown) -> Result<(), String> {
        *self.shutdown.lock() = Some(how);
        Ok(())
    }

    fn abort_shutdown(&self) -> bool {
        self.shutdown.lock().take().is_some()
    }

    fn discard(&self, garbage: Box<dyn Any + Send>) {
        drop(garbage);
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }

    fn random(&self) -> u64 {
        self.rng.lock().next_u64()
    }

    fn read_file(&self, path: &str) -> io::Result<String> {
        self.files.lock().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write_file(&self, path: &str, text: &str) -> io::Result<()> {
        self.files.lock().insert(path.to_owned(), text.to_owned());
        Ok(())
    }

    fn reconfigure(&self, _: &[&str]) -> Result<(), String> {
        Ok(())
    }

    fn log(&self, level: LogLevel, text: &str) {
        self.log.lock().push((level, text.to_owned()));
    }
}
