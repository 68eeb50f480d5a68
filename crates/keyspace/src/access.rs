//! The 24 bits that an entry keeps about its use: an LRU clock or an LFU counter.
//!
//! LRU: seconds modulo 2^24, stamped on access. LFU: 16 bits of minutes since the last decay and an
//! 8-bit logarithmic counter, as the Redis documentation on eviction describes; a new key starts at
//! 5 so that it is not evicted before it had a chance to be used.

use stdx::prng::Prng;

/// Modulus of both clocks.
const LRU_MASK: u32 = (1 << 24) - 1;
/// Counter of a key that has just been created.
const LFU_INITIAL: u32 = 5;

/// How accesses are recorded, fixed for the length of one batch.
#[derive(Clone, Debug)]
pub enum AccessPolicy {
    /// Stamp the current LRU clock (seconds).
    Lru { clock: u32 },
    /// Count logarithmically, decaying by one every `decay_time` minutes.
    Lfu { minutes: u32, log_factor: u32, decay_time: u32, rng: Prng },
}

impl AccessPolicy {
    /// The LRU policy at a time in milliseconds.
    pub fn lru(now_ms: i64) -> Self {
        AccessPolicy::Lru { clock: (now_ms / 1000) as u32 & LRU_MASK }
    }

    /// The LFU policy at a time in milliseconds.
    pub fn lfu(now_ms: i64, log_factor: u32, decay_time: u32, rng: Prng) -> Self {
        AccessPolicy::Lfu { minutes: minutes(now_ms), log_factor, decay_time, rng }
    }

    /// The bits of an entry that is created now.
    pub fn fresh(&self) -> u32 {
        match self {
            AccessPolicy::Lru { clock } => *clock,
            AccessPolicy::Lfu { minutes, .. } => minutes << 8 | LFU_INITIAL,
        }
    }

    /// The bits of an entry that is used now, given its present ones.
    #[inline]
    pub fn touched(&mut self, bits: u32) -> u32 {
        match self {
            AccessPolicy::Lru { clock } => *clock,
            AccessPolicy::Lfu { minutes, log_factor, decay_time, rng } => {
                let counter = decayed(bits, *minutes, *decay_time);
                *minutes << 8 | increment(counter, *log_factor, rng)
            }
        }
    }
}

fn minutes(now_ms: i64) -> u32 {
    (now_ms / 60_000) as u32 & 0xffff
}

/// The LFU counter in `bits` after the decay that is due at `minutes`.
fn decayed(bits: u32, minutes: u32, decay_time: u32) -> u32 {
    let elapsed = minutes.wrapping_sub(bits >> 8) & 0xffff;
    let periods = elapsed.checked_div(decay_time).unwrap_or(0);
    (bits & 0xff).saturating_sub(periods)
}

fn increment(counter: u32, log_factor: u32, rng: &mut Prng) -> u32 {
    if counter >= 255 {
        return 255;
    }
    let above = u64::from(counter.saturating_sub(LFU_INITIAL));
    // Probability 1 / (above * factor + 1).
    counter + u32::from(rng.below(above * u64::from(log_factor) + 1) == 0)
}

/// Seconds since the last access of an entry stamped with `bits` under LRU.
pub fn idle_s(bits: u32, now_ms: i64) -> u32 {
    ((now_ms / 1000) as u32 & LRU_MASK).wrapping_sub(bits) & LRU_MASK
}

/// LFU counter of an entry at a time, decay included.
pub fn frequency(bits: u32, now_ms: i64, decay_time: u32) -> u32 {
    decayed(bits, minutes(now_ms), decay_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_wraps_with_the_clock() {
        assert_eq!(idle_s(LRU_MASK, 1000 * (i64::from(LRU_MASK) + 3)), 3);
        assert_eq!(idle_s(7, 10_000), 3);
    }

    #[test]
    fn lfu_counts_slowly_and_decays_by_minutes() {
        let mut policy = AccessPolicy::lfu(0, 10, 1, Prng::new(1));
        let mut bits = policy.fresh();
        for _ in 0..1000 {
            bits = policy.touched(bits);
        }
        let hot = frequency(bits, 0, 1);
        assert!((10..=40).contains(&hot), "1000 hits give {hot}");
        assert_eq!(frequency(bits, 3 * 60_000, 1), hot - 3);
        assert_eq!(frequency(bits, 3 * 60_000, 0), hot);
    }
}
