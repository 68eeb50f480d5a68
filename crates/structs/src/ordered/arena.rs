//! Records of members with their scores, in chunks, addressed by 32 bits.
//!
//! ```text
//! record: head 1 | score 8 | [length 2] | member                     head = length where it is
//! small large:  head 1 | score 8 | number 4                                the member is a box of
//! its own hole:   head 1 | grains 2 | next 4 | previous 4                    in the list of its
//! size
//! ```
//! A record takes a whole number of grains of 4 bytes and lies within one chunk of 64 KiB. A freed
//! record becomes a hole, reused by the next record of the same size. When holes are most of the
//! arena, chunks are emptied one after the other: records move elsewhere and the chunk is given
//! back ([`Arena::compact`]).

/// The number of a record: chunk and grain.
pub(super) type Id = u32;

const GRAIN: usize = 4;
/// Bits of a grain's number within its chunk.
const CHUNK_BITS: u32 = 14;
const CHUNK: usize = GRAIN << CHUNK_BITS;
const CHUNKS_MAX: usize = 1 << (32 - CHUNK_BITS);
/// Room that the first chunk starts with.
const CHUNK_MIN: usize = 1024;
/// Longer members get a box of their own.
const INLINE_MAX: usize = 1024;
/// No hole.
const NONE: Id = Id::MAX;
/// Holes below this size are never worth compaction.
const HOLES_MIN: usize = 2 * CHUNK;
/// Chunks among which the emptiest is chosen for compaction.
const CANDIDATES: usize = 16;

/// Heads: up to here they are lengths.
const SHORT_MAX: usize = 251;
const LONG: u8 = 252;
const LARGE: u8 = 253;
const HOLE: u8 = 254;
/// A hole in the chunk that is being emptied: in no list.
const DEAD: u8 = 255;

const SCORE_AT: usize = 1;
const MEMBER_AT: usize = 9;

/// Some records' bytes.
#[derive(Clone, Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Bytes of live records.
    live: u32,
}

/// A chunk that is being emptied, and how far.
#[derive(Clone, Copy)]
struct Victim {
    chunk: usize,
    at: usize,
}

/// All records of a set.
#[derive(Clone, Default)]
pub(super) struct Arena {
    chunks: Vec<Chunk>,
    /// The chunk that new records are appended to, if there is any.
    tail: usize,
    /// Numbers of chunks that were given back.
    vacant: Vec<u32>,
    /// The first hole of each size in grains.
    holes: Vec<Id>,
    hole_bytes: usize,
    large: Vec<Box<[u8]>>,
    large_free: Vec<u32>,
    large_bytes: usize,
    /// Capacity of all chunks.
    chunk_bytes: usize,
    victim: Option<Victim>,
    /// Where the search for the next victim starts.
    next_victim: usize,
}

impl Arena {
    /// Bytes behind the arena. O(1).
    pub(super) fn memory(&self) -> usize {
        self.chunk_bytes
            + self.large_bytes
            + self.chunks.capacity() * size_of::<Chunk>()
            + (self.vacant.capacity() + self.holes.capacity() + self.large_free.capacity()) * 4
            + self.large.capacity() * size_of::<Box<[u8]>>()
    }

    /// Whether there is room for all members of a request, which are 4 GiB at most.
    pub(super) fn has_room(&self) -> bool {
        const REQUEST_MAX: usize = 1 << 32;
        CHUNKS_MAX - self.chunks.len() + self.vacant.len() > REQUEST_MAX / CHUNK
    }

    pub(super) fn allocations(&self) -> usize {
        self.chunks.len() + self.large.len()
    }

    /// The bytes from a record on.
    #[inline]
    fn record(&self, id: Id) -> &[u8] {
        &self.chunks[(id >> CHUNK_BITS) as usize].bytes[offset(id)..]
    }

    #[inline]
    fn record_mut(&mut self, id: Id) -> &mut [u8] {
        &mut self.chunks[(id >> CHUNK_BITS) as usize].bytes[offset(id)..]
    }

    /// The member of a record.
    #[inline]
    pub(super) fn member(&self, id: Id) -> &[u8] {
        let record = self.record(id);
        match record[0] {
            LONG => &record[MEMBER_AT + 2..][..long_len(record)],
            LARGE => &self.large[read_u32(record, MEMBER_AT) as usize],
            len => &record[MEMBER_AT..][..len as usize],
        }
    }

    /// The score of a record.
    #[inline]
    pub(super) fn score(&self, id: Id) -> f64 {
        let record = self.record(id);
        f64::from_le_bytes(std::array::from_fn(|i| record[SCORE_AT + i]))
    }

    pub(super) fn set_score(&mut self, id: Id, score: f64) {
        self.record_mut(id)[SCORE_AT..MEMBER_AT].copy_from_slice(&score.to_le_bytes());
    }

    /// A new record; `None` where no number is left for it.
    pub(super) fn add(&mut self, member: &[u8], score: f64) -> Option<Id> {
        let body = if member.len() > INLINE_MAX { 4 } else { member.len() };
        let long = body > SHORT_MAX;
        let id = self.place(MEMBER_AT + body + if long { 2 } else { 0 })?;
        let number = (member.len() > INLINE_MAX).then(|| self.add_large(member));
        let record = self.record_mut(id);
        record[SCORE_AT..MEMBER_AT].copy_from_slice(&score.to_le_bytes());
        match number {
            Some(number) => {
                record[0] = LARGE;
                record[MEMBER_AT..][..4].copy_from_slice(&number.to_le_bytes());
            }
            None if long => {
                record[0] = LONG;
                record[MEMBER_AT..][..2].copy_from_slice(&(body as u16).to_le_bytes());
                record[MEMBER_AT + 2..][..body].copy_from_slice(member);
            }
            None => {
                record[0] = body as u8;
                record[MEMBER_AT..][..body].copy_from_slice(member);
            }
        }
        Some(id)
    }

    fn add_large(&mut self, member: &[u8]) -> u32 {
        self.large_bytes += member.len();
        if let Some(number) = self.large_free.pop() {
            self.large[number as usize] = member.into();
            return number;
        }
        self.large.push(member.into());
        (self.large.len() - 1) as u32
    }

    /// Room for a record of so many bytes: a hole of its size, or behind the last record.
    fn place(&mut self, len: usize) -> Option<Id> {
        let grains = len.div_ceil(GRAIN);
        let id = match self.holes.get(grains) {
            Some(&hole) if hole != NONE => {
                self.unlink(hole);
                self.hole_bytes -= grains * GRAIN;
                hole
            }
            _ => self.append(grains * GRAIN)?,
        };
        self.chunks[(id >> CHUNK_BITS) as usize].live += (grains * GRAIN) as u32;
        Some(id)
    }

    fn append(&mut self, len: usize) -> Option<Id> {
        let fits = self.chunks.get(self.tail).is_some_and(|c| c.bytes.len() + len <= CHUNK);
        if !fits {
            self.tail = self.new_chunk()?;
        }
        let chunk = &mut self.chunks[self.tail].bytes;
        let (start, before) = (chunk.len(), chunk.capacity());
        if before < start + len {
            let room = (before * 2).clamp(start + len, CHUNK);
            chunk.reserve_exact(room - start);
        }
        chunk.resize(start + len, 0);
        self.chunk_bytes += chunk.capacity() - before;
        Some((self.tail << CHUNK_BITS | start / GRAIN) as Id)
    }

    fn new_chunk(&mut self) -> Option<usize> {
        // The very last number would collide with the mark of a list's end.
        if self.vacant.is_empty() && self.chunks.len() == CHUNKS_MAX - 1 {
            return None;
        }
        let room = if self.chunks.is_empty() { CHUNK_MIN } else { CHUNK };
        let chunk = Chunk { bytes: Vec::with_capacity(room), live: 0 };
        self.chunk_bytes += chunk.bytes.capacity();
        if let Some(number) = self.vacant.pop() {
            self.chunks[number as usize] = chunk;
            return Some(number as usize);
        }
        self.chunks.push(chunk);
        Some(self.chunks.len() - 1)
    }

    /// Frees a record.
    pub(super) fn remove(&mut self, id: Id) {
        let record = self.record(id);
        if record[0] == LARGE {
            let number = read_u32(record, MEMBER_AT);
            let member = std::mem::take(&mut self.large[number as usize]);
            self.large_bytes -= member.len();
            self.large_free.push(number);
        }
        self.make_hole(id);
    }

    fn make_hole(&mut self, id: Id) {
        let len = record_len(self.record(id));
        let (number, grains) = ((id >> CHUNK_BITS) as usize, len / GRAIN);
        self.chunks[number].live -= len as u32;
        self.record_mut(id)[1..3].copy_from_slice(&(grains as u16).to_le_bytes());
        if self.victim.is_some_and(|victim| victim.chunk == number) {
            self.record_mut(id)[0] = DEAD;
            return;
        }
        self.hole_bytes += len;
        if self.holes.len() <= grains {
            self.holes.resize(grains + 1, NONE);
        }
        let next = self.holes[grains];
        let hole = self.record_mut(id);
        hole[0] = HOLE;
        write_u32(hole, NEXT_AT, next);
        write_u32(hole, PREVIOUS_AT, NONE);
        if next != NONE {
            write_u32(self.record_mut(next), PREVIOUS_AT, id);
        }
        self.holes[grains] = id;
    }

    /// Takes a hole out of its list.
    fn unlink(&mut self, id: Id) {
        let hole = self.record(id);
        let grains = record_len(hole) / GRAIN;
        let (next, previous) = (read_u32(hole, NEXT_AT), read_u32(hole, PREVIOUS_AT));
        match previous {
            NONE => self.holes[grains] = next,
            previous => write_u32(self.record_mut(previous), NEXT_AT, next),
        }
        if next != NONE {
            write_u32(self.record_mut(next), PREVIOUS_AT, previous);
        }
    }

    /// Copies one record out of the chunk that is being emptied, or out of the next such chunk
    /// where holes are most of the arena. Returns the record's old number and its new one; once
    /// nobody needs the old one, the caller gives it to [`Arena::vacate`].
    pub(super) fn compact(&mut self) -> Option<(Id, Id)> {
        let mut victim = match self.victim {
            Some(victim) => victim,
            None => self.choose_victim()?,
        };
        loop {
            let chunk = &self.chunks[victim.chunk];
            if victim.at == chunk.bytes.len() {
                self.release(victim.chunk);
                return None;
            }
            let old = (victim.chunk << CHUNK_BITS | victim.at / GRAIN) as Id;
            let record = self.record(old);
            let len = record_len(record);
            if record[0] == DEAD {
                victim.at += len;
                continue;
            }
            // Nothing moves while no number is free.
            let new = self.place(len)?;
            self.copy(old, new, len);
            victim.at += len;
            self.victim = Some(victim);
            return Some((old, new));
        }
    }

    /// Frees the old place of a record that was moved.
    pub(super) fn vacate(&mut self, old: Id) {
        self.make_hole(old);
    }

    /// Copies a record into another chunk.
    fn copy(&mut self, from: Id, to: Id, len: usize) {
        let chunks = [from, to].map(|id| (id >> CHUNK_BITS) as usize);
        if let Ok([source, target]) = self.chunks.get_disjoint_mut(chunks) {
            target.bytes[offset(to)..][..len].copy_from_slice(&source.bytes[offset(from)..][..len]);
        }
    }

    /// The emptiest of the next few chunks, its holes taken out of their lists.
    fn choose_victim(&mut self) -> Option<Victim> {
        if self.hole_bytes < HOLES_MIN || self.hole_bytes < self.chunk_bytes / 2 {
            return None;
        }
        let count = self.chunks.len();
        let from = self.next_victim;
        self.next_victim = (from + CANDIDATES.min(count)) % count;
        let candidates = (0..CANDIDATES.min(count)).map(|i| (from + i) % count);
        let chunk = candidates
            .filter(|&chunk| chunk != self.tail && !self.chunks[chunk].bytes.is_empty())
            .min_by_key(|&chunk| self.chunks[chunk].live)?;
        let mut at = 0;
        while at < self.chunks[chunk].bytes.len() {
            let id = (chunk << CHUNK_BITS | at / GRAIN) as Id;
            let (head, len) = (self.record(id)[0], record_len(self.record(id)));
            if head == HOLE {
                self.unlink(id);
                self.hole_bytes -= len;
                self.record_mut(id)[0] = DEAD;
            }
            at += len;
        }
        self.victim = Some(Victim { chunk, at: 0 });
        self.victim
    }

    fn release(&mut self, number: usize) {
        let chunk = std::mem::take(&mut self.chunks[number]);
        debug_assert_eq!(chunk.live, 0);
        self.chunk_bytes -= chunk.bytes.capacity();
        self.vacant.push(number as u32);
        self.victim = None;
    }
}

const NEXT_AT: usize = 3;
const PREVIOUS_AT: usize = 7;

#[inline]
fn offset(id: Id) -> usize {
    (id as usize & ((1 << CHUNK_BITS) - 1)) * GRAIN
}

/// Length of a record or hole in its chunk.
fn record_len(record: &[u8]) -> usize {
    let len = match record[0] {
        HOLE | DEAD => return usize::from(u16::from_le_bytes([record[1], record[2]])) * GRAIN,
        LONG => MEMBER_AT + 2 + long_len(record),
        LARGE => MEMBER_AT + 4,
        len => MEMBER_AT + len as usize,
    };
    len.next_multiple_of(GRAIN)
}

fn long_len(record: &[u8]) -> usize {
    usize::from(u16::from_le_bytes([record[MEMBER_AT], record[MEMBER_AT + 1]]))
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn write_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
impl Arena {
    /// What `memory` says, counted anew.
    pub(super) fn recounted(&self) -> usize {
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.bytes.capacity()).sum();
        let large: usize = self.large.iter().map(|member| member.len()).sum();
        chunks
            + large
            + self.chunks.capacity() * size_of::<Chunk>()
            + (self.vacant.capacity() + self.holes.capacity() + self.large_free.capacity()) * 4
            + self.large.capacity() * size_of::<Box<[u8]>>()
    }
}
