//! Received bytes that are not executed yet.
//!
//! A request may be announced as half a gigabyte by a client that never sends it, so there is only
//! little room until something has arrived; then most requests get theirs at once. Executed bytes
//! at the front are skipped, and moved away only once they are more than half: a long pipeline
//! costs a constant amount of copying for each byte.

/// While there is so much room, there is no need for more.
const ROOM_LEAST_BYTES: usize = 4 << 10;
/// Room for a request that is announced as large and has just begun.
const ROOM_BEFORE_BYTES: usize = 64 << 10;
/// Room that is made at once for one that has filled this.
const ROOM_AT_ONCE_BYTES: usize = 16 << 20;

/// A connection's own input. Empty, it owns no memory.
#[derive(Default)]
pub struct Input {
    bytes: Vec<u8>,
    start: usize,
}

impl Input {
    /// A copy of the incomplete rest of a shared buffer, with room for a request of `need` bytes.
    pub fn from_rest(rest: &[u8], need: usize) -> Input {
        let room = need.clamp(rest.len(), rest.len().max(ROOM_BEFORE_BYTES));
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(rest);
        Input { bytes, start: 0 }
    }

    /// What is to be executed.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// Bytes to be executed.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Whether there is nothing to execute.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets executed bytes. Memory goes with the last one, since the connection may be idle
    /// then: the result is for the caller to free.
    pub fn consume(&mut self, count: usize) -> Vec<u8> {
        self.start += count;
        if self.start >= self.bytes.len() {
            return std::mem::take(self).bytes;
        }
        if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        Vec::new()
    }

    /// Where to receive more, with room for at least some of `missing` bytes.
    pub fn tail(&mut self, missing: usize) -> &mut Vec<u8> {
        let spare = self.bytes.capacity() - self.bytes.len();
        let most = match self.len() {
            ..ROOM_BEFORE_BYTES => ROOM_BEFORE_BYTES,
            len => len.max(ROOM_AT_ONCE_BYTES),
        };
        if spare < missing.clamp(1, ROOM_LEAST_BYTES) {
            self.bytes.reserve(missing.clamp(1, most));
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executed_bytes_go_and_the_rest_stays() {
        let mut input = Input::from_rest(b"abcdef", 0);
        input.consume(2);
        assert_eq!(input.rest(), b"cdef");
        input.consume(2);
        assert_eq!((input.rest(), input.start), (&b"ef"[..], 0));
        input.tail(1).extend_from_slice(b"g");
        assert_eq!((input.rest(), input.len()), (&b"efg"[..], 3));
        input.consume(3);
        assert!(input.is_empty());
        assert_eq!(input.capacity(), 0);
    }

    #[test]
    fn an_announcement_alone_gets_little_room() {
        let announced = 512 << 20;
        let mut input = Input::from_rest(b"*1\r\n$536870912\r\n", announced);
        assert!(input.capacity() <= ROOM_BEFORE_BYTES);
        input.tail(announced);
        assert!(input.capacity() <= 2 * ROOM_BEFORE_BYTES);
        let arrived = vec![b'x'; 2 * ROOM_BEFORE_BYTES];
        input.tail(announced).extend_from_slice(&arrived);
        input.tail(10 << 20);
        assert!((10 << 20..32 << 20).contains(&input.capacity()));
    }
}
