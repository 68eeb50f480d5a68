//! What all workers share.

use crate::clients::ClientTable;
use crate::latency::LatencyMonitor;
use crate::module::Module;
use crate::port::{Clock, Host};
use crate::registry::Registry;
use crate::slowlog::SlowLog;
use crate::stats::Stats;
use crate::users::Users;
use crate::waiters::Waiters;
use config::{Config, ParamId};
use keyspace::db::Tally;
use keyspace::hooks::EventClass;
use keyspace::{AccessPolicy, Change, Effects, Interest, Keyspace};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use stdx::prng::Prng;

/// The Redis level whose surface works; clients switch features on by it.
pub const REDIS_VERSION: &str = "8.2.3";
/// Our own version.
pub const CINNABAR_VERSION: &str = env!("CARGO_PKG_VERSION");
/// What HELLO and INFO call the server.
pub const SERVER_NAME: &str = "cinnabar";

/// Which commands a pause holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseMode {
    /// Those that write.
    Write,
    /// All.
    All,
}

/// A pause of clients (CLIENT PAUSE).
#[derive(Default)]
pub struct Pause {
    until_ms: AtomicI64,
    /// 0 none, 1 writes, 2 all.
    mode: AtomicU8,
}

impl Pause {
    /// Holds clients back until a time. A pause that runs is only ever made longer and stricter.
    pub fn start(&self, mode: PauseMode, until_ms: i64, now_ms: i64) {
        let active = self.active(now_ms);
        let stricter = active.is_some_and(|(mode, _)| mode == PauseMode::All);
        let mode = if stricter || mode == PauseMode::All { 2 } else { 1 };
        let until_ms = active.map_or(until_ms, |(_, running)| running.max(until_ms));
        self.until_ms.store(until_ms, Ordering::Relaxed);
        self.mode.store(mode, Ordering::Release);
    }

    /// Ends the pause.
    pub fn end(&self) {
        self.mode.store(0, Ordering::Release);
    }

    /// The running pause: what it holds back and until when.
    #[inline]
    pub fn active(&self, now_ms: i64) -> Option<(PauseMode, i64)> {
        let mode = match self.mode.load(Ordering::Acquire) {
            0 => return None,
            1 => PauseMode::Write,
            _ => PauseMode::All,
        };
        let until_ms = self.until_ms.load(Ordering::Relaxed);
        (now_ms < until_ms).then_some((mode, until_ms))
    }
}

/// Parameters that the core reads often, found once.
pub struct ParamIds {
    /// `slowlog-log-slower-than`.
    pub slowlog_slower_than: ParamId,
    /// `slowlog-max-len`.
    pub slowlog_len_max: ParamId,
    /// `latency-monitor-threshold`.
    pub latency_monitor_threshold: ParamId,
    /// `latency-tracking`.
    pub latency_tracking: ParamId,
    /// `maxmemory-policy`.
    pub maxmemory_policy: ParamId,
    /// `lfu-log-factor`.
    pub lfu_log_factor: ParamId,
    /// `lfu-decay-time`.
    pub lfu_decay_time: ParamId,
    /// `notify-keyspace-events`.
    pub notify_events: ParamId,
    /// `proto-max-bulk-len`.
    pub bulk_len_max: ParamId,
    /// `client-query-buffer-limit`.
    pub query_buffer_max: ParamId,
    /// `hash-max-listpack-entries`.
    pub hash_packed_entries_max: ParamId,
    /// `hash-max-listpack-value`.
    pub hash_packed_len_max: ParamId,
    /// `set-max-intset-entries`.
    pub set_integers_max: ParamId,
    /// `set-max-listpack-entries`.
    pub set_packed_entries_max: ParamId,
    /// `set-max-listpack-value`.
    pub set_packed_len_max: ParamId,
    /// `list-max-listpack-size`.
    pub list_chunk_max: ParamId,
    /// `zset-max-listpack-entries`.
    pub zset_packed_entries_max: ParamId,
    /// `zset-max-listpack-value`.
    pub zset_packed_len_max: ParamId,
    /// `client-output-buffer-limit`; as a number the hard limit of normal clients.
    pub output_limits: ParamId,
}

impl ParamIds {
    fn find(config: &Config) -> ParamIds {
        let id = |name: &str| config.id(name).expect("the core tables have this parameter");
        ParamIds {
            slowlog_slower_than: id("slowlog-log-slower-than"),
            slowlog_len_max: id("slowlog-max-len"),
            latency_monitor_threshold: id("latency-monitor-threshold"),
            latency_tracking: id("latency-tracking"),
            maxmemory_policy: id("maxmemory-policy"),
            lfu_log_factor: id("lfu-log-factor"),
            lfu_decay_time: id("lfu-decay-time"),
            notify_events: id("notify-keyspace-events"),
            bulk_len_max: id("proto-max-bulk-len"),
            query_buffer_max: id("client-query-buffer-limit"),
            hash_packed_entries_max: id("hash-max-listpack-entries"),
            hash_packed_len_max: id("hash-max-listpack-value"),
            set_integers_max: id("set-max-intset-entries"),
            set_packed_entries_max: id("set-max-listpack-entries"),
            set_packed_len_max: id("set-max-listpack-value"),
            list_chunk_max: id("list-max-listpack-size"),
            zset_packed_entries_max: id("zset-max-listpack-entries"),
            zset_packed_len_max: id("zset-max-listpack-value"),
            output_limits: id("client-output-buffer-limit"),
        }
    }
}

/// 40 random hexadecimal digits.
pub fn hex_id(rng: &mut Prng) -> String {
    (0..40).map(|_| char::from(b"0123456789abcdef"[rng.below(16) as usize])).collect()
}

/// Who hears of keyspace events.
pub type Listener = fn(&Server, &[Change]);

/// A server.
pub struct Server {
    /// Commands.
    pub registry: Registry,
    /// Data.
    pub keyspace: Keyspace,
    /// Parameters.
    pub config: Config,
    /// Connections.
    pub clients: ClientTable,
    /// Statistics.
    pub stats: Stats,
    /// Requests that wait for keys.
    pub waiters: Waiters,
    /// Slow commands.
    pub slowlog: SlowLog,
    /// Latency spikes.
    pub latency: LatencyMonitor,
    /// Users.
    pub users: Users,
    /// The running pause.
    pub pause: Pause,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The host's services.
    pub host: Arc<dyn Host>,
    /// Parameters found once.
    pub ids: ParamIds,
    /// The configuration file the server was started with, its absolute path.
    pub config_file: Option<String>,
    /// 40 hexadecimal digits that name this run.
    pub run_id: String,
    /// Bytes that were allocated before there was any data.
    pub allocated_at_start_bytes: u64,
    /// 40 hexadecimal digits that name this history of changes.
    pub replication_id: Mutex<String>,
    /// When the server started, in milliseconds since 1970.
    pub started_ms: i64,
    /// Whether expired keys are removed without being asked for (DEBUG SET-ACTIVE-EXPIRE).
    pub active_expire: AtomicBool,
    /// From how many bytes on an element of a list is kept apart (DEBUG
    /// QUICKLIST-PACKED-THRESHOLD); 0 where that is for the limit of its chunks to say.
    pub list_large_from_bytes: AtomicU64,
    /// Whether a Redis client must be refused because data is being loaded.
    pub loading: AtomicBool,
}

impl Server {
    /// A server with these modules, its parameters already set.
    pub fn new(
        modules: &[&'static Module],
        renames: &[(String, String)],
        config: Config,
        shards: usize,
        clock: Arc<dyn Clock>,
        host: Arc<dyn Host>,
    ) -> Result<Server, String> {
        let registry = Registry::build(modules, renames)?;
        let databases = config.id("databases").map_or(16, |id| config.int(id));
        let databases = u16::try_from(databases).map_err(|_| "too many databases".to_owned())?;
        let mut seeds = Prng::new(host.random());
        Ok(Server {
            config_file: None,
            run_id: hex_id(&mut seeds),
            replication_id: Mutex::new(hex_id(&mut seeds)),
            stats: Stats::new(registry.len()),
            registry,
            keyspace: Keyspace::new(shards, databases, host.random()),
            ids: ParamIds::find(&config),
            config,
            clients: ClientTable::default(),
            waiters: Waiters::default(),
            slowlog: SlowLog::default(),
            latency: LatencyMonitor::default(),
            allocated_at_start_bytes: host.usage().allocated_bytes,
            users: Users::default(),
            pause: Pause::default(),
            started_ms: clock.unix_us() / 1000,
            clock,
            host,
            active_expire: AtomicBool::new(true),
            list_large_from_bytes: AtomicU64::new(0),
            loading: AtomicBool::new(false),
        })
    }

    /// An outlet for the effects of a batch that starts now.
    pub fn effects(&self, now_ms: i64, rng: &mut Prng, tallies: &Arc<[Tally]>) -> Effects {
        // The parameter's two lowest bits say where events are published, the others which.
        let events = EventClass((self.config.int(self.ids.notify_events) >> 2) as u32);
        // Paused clients must find the data as it was: expiry changes it.
        let keep_expired = self.pause.active(now_ms).is_some();
        let interest = Interest { events, log: false, keep_expired };
        let policy = if self.counts_frequency() {
            let factor = self.config.int(self.ids.lfu_log_factor) as u32;
            let decay = self.config.int(self.ids.lfu_decay_time) as u32;
            AccessPolicy::lfu(now_ms, factor, decay, Prng::new(rng.next_u64()))
        } else {
            AccessPolicy::lru(now_ms)
        };
        Effects::new(interest, policy, tallies.clone())
    }

    /// Whether the eviction policy counts how often keys are used.
    pub fn counts_frequency(&self) -> bool {
        use config::tables::memory::policy::{ALLKEYS_LFU, VOLATILE_LFU};
        matches!(self.config.int(self.ids.maxmemory_policy), ALLKEYS_LFU | VOLATILE_LFU)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.clock.unix_us() / 1000
    }
}
