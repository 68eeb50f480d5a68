//! The server's log: one line per event, to standard output or a file.
//!
//! The format is the one that Redis tools parse: `pid:M day month year time level text`.

use engine::port::LogLevel;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};

/// Where lines go.
enum Sink {
    Stdout,
    /// A file, opened for each line: it may be moved away by whoever rotates logs.
    File(PathBuf),
    Nowhere,
}

/// The log.
pub struct Log {
    sink: Mutex<Sink>,
    /// Lines below this level are dropped: 0 debug to 3 warning, 4 nothing at all.
    threshold: AtomicU8,
}

impl Default for Log {
    fn default() -> Self {
        Log { sink: Mutex::new(Sink::Stdout), threshold: AtomicU8::new(LogLevel::Notice as u8) }
    }
}

impl Log {
    /// Sends lines to a file from now on. An empty path changes nothing.
    pub fn open(&self, path: &str) -> io::Result<()> {
        if !path.is_empty() {
            open_to_append(&PathBuf::from(path))?;
            // Absolute, since the server may change its directory.
            *self.sink.lock() = Sink::File(std::fs::canonicalize(path)?);
        }
        Ok(())
    }

    /// Drops all lines from now on.
    pub fn close(&self) {
        *self.sink.lock() = Sink::Nowhere;
    }

    /// Sets the least level that is written; 4 writes nothing.
    pub fn set_threshold(&self, level: u8) {
        self.threshold.store(level, Ordering::Relaxed);
    }

    /// Writes a line. A log that cannot be written is not worth stopping for.
    pub fn write(&self, unix_us: i64, level: LogLevel, text: &str) {
        if (level as u8) < self.threshold.load(Ordering::Relaxed) {
            return;
        }
        let mark = match level {
            LogLevel::Debug => '.',
            LogLevel::Verbose => '-',
            LogLevel::Notice => '*',
            LogLevel::Warning => '#',
        };
        let (pid, time) = (std::process::id(), timestamp(unix_us));
        let line = format!("{pid}:M {time} {mark} {text}\n");
        let _ = match &mut *self.sink.lock() {
            Sink::Stdout => io::stdout().lock().write_all(line.as_bytes()),
            Sink::File(path) => {
                open_to_append(path).and_then(|mut file| file.write_all(line.as_bytes()))
            }
            Sink::Nowhere => Ok(()),
        };
    }
}

fn open_to_append(path: &PathBuf) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// `24 Nov 2026 17:04:02.123`, in UTC.
fn timestamp(unix_us: i64) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let ms = unix_us.div_euclid(1000);
    let (day_ms, days) = (ms.rem_euclid(86_400_000), ms.div_euclid(86_400_000));
    let (year, month, day) = civil_date(days);
    let (h, m, s) = (day_ms / 3_600_000, day_ms / 60_000 % 60, day_ms / 1000 % 60);
    let month = MONTHS[(month - 1) as usize];
    format!("{day:02} {month} {year} {h:02}:{m:02}:{s:02}.{:03}", day_ms % 1000)
}

/// Year, month and day of a day counted from 1970-01-01 (Gregorian; H. Hinnant, "chrono-compatible
/// low-level date algorithms").
fn civil_date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_follow_the_calendar() {
        assert_eq!(timestamp(0), "01 Jan 1970 00:00:00.000");
        assert_eq!(timestamp(951_782_400_123_000), "29 Feb 2000 00:00:00.123");
        assert_eq!(timestamp(1_795_539_842_000_999), "24 Nov 2026 17:04:02.000");
    }
}
