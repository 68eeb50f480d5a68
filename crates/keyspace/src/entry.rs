//! One key with its value in one heap block.
//!
//! ```text
//! header 8 | [long 16: key length u32, value length u32, block size u64] | [expiry i64] | [word 8]
//! | key | [bytes]
//! ```
//! The header holds the type, flags, 24 access bits, and the two lengths where they are small (a
//! key under 255 bytes, a value under 64 KiB); the long part is there only where one is not.
//! Integers and boxed values live in the aligned word, byte values behind the key. So a GET touches
//! one block, and a key of 16 bytes with a value of 16 takes 40 bytes. A value is overwritten in
//! place while its block size, rounded to 8, stays the same.
//!
//! Rejected: a separate key and value object (two more pointers and a cache miss each), an enum of
//! boxed variants (16 bytes of tag and pointer in the table instead of 8).

#![allow(unsafe_code)]

use crate::value::{Boxed, STRING, TypeId};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ops::Range;
use std::ptr::NonNull;

/// Longest key or byte value an entry can hold.
pub const LEN_MAX: usize = u32::MAX as usize;

const FLAG_EXPIRY: u8 = 1;
const FLAG_LONG: u8 = 2;
const FLAG_INT: u8 = 4;
const FLAG_BOXED: u8 = 8;
/// Set on a string that was edited in place: its encoding is reported as `raw` whatever its length.
const FLAG_RAW: u8 = 16;
const FLAG_WORD: u8 = FLAG_INT | FLAG_BOXED;

const HEADER: usize = 8;
const LONG: usize = 16;
const ALIGN: usize = 8;
const KEY_SHORT_MAX: usize = 254;
const VALUE_SHORT_MAX: usize = u16::MAX as usize;

#[repr(C)]
struct Header {
    tag: TypeId,
    flags: u8,
    access: [u8; 3],
    key_len: u8,
    value_len: u16,
}

/// An owned entry: a pointer to its block, freed on drop.
#[repr(transparent)]
pub struct Entry(NonNull<Header>);

// SAFETY: an entry owns its block alone, and boxed values are `Send` by the bound on `ValueType`.
unsafe impl Send for Entry {}
// SAFETY: through `&Entry` memory is only read; the access bits change through `&mut`.
unsafe impl Sync for Entry {}

/// What an entry is made of when it is created.
pub enum NewValue<'a> {
    /// A byte string, stored behind the key.
    Bytes(&'a [u8]),
    /// An integer, stored as such.
    Int(i64),
    /// A small value of another type as one byte string in that type's own format, stored like a
    /// string.
    Packed(TypeId, &'a [u8]),
    /// A value of a type with its own structure.
    Boxed(Boxed),
}

/// A string value as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Str<'a> {
    /// Stored as an integer; its text is the decimal form.
    Int(i64),
    /// Stored as bytes.
    Bytes(&'a [u8]),
}

impl<'a> Str<'a> {
    /// The stored form of some bytes: an integer where they are the text of one.
    #[inline]
    pub fn encode(bytes: &'a [u8]) -> Str<'a> {
        match stdx::num::parse_i64(bytes) {
            Some(number) => Str::Int(number),
            None => Str::Bytes(bytes),
        }
    }

    /// The bytes that clients see.
    #[inline]
    pub fn text(self) -> StrText<'a> {
        match self {
            Str::Int(number) => StrText::Digits(stdx::num::Decimal::new(number)),
            Str::Bytes(bytes) => StrText::Bytes(bytes),
        }
    }

    /// Length of [`Str::text`].
    pub fn text_len(self) -> usize {
        match self {
            Str::Int(number) => stdx::num::i64_digits(number),
            Str::Bytes(bytes) => bytes.len(),
        }
    }

    /// The value as an integer, if it is one, however it is stored.
    #[inline]
    pub fn as_int(self) -> Option<i64> {
        match self {
            Str::Int(number) => Some(number),
            Str::Bytes(bytes) => stdx::num::parse_i64(bytes),
        }
    }
}

/// The bytes of a string, on the stack where it is stored as an integer.
pub enum StrText<'a> {
    /// Of an integer.
    Digits(stdx::num::Decimal),
    /// As stored.
    Bytes(&'a [u8]),
}

impl std::ops::Deref for StrText<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            StrText::Digits(decimal) => decimal.as_bytes(),
            StrText::Bytes(bytes) => bytes,
        }
    }
}

/// A look at an entry's value.
pub enum View<'a> {
    /// A string.
    Str(Str<'a>),
    /// A small value of another type, in that type's own format.
    Packed(&'a [u8]),
    /// A value of another type.
    Boxed(&'a Boxed),
}

/// Which parts a block has, and how long they are.
#[derive(Clone, Copy)]
struct Shape {
    flags: u8,
    key_len: usize,
    value_len: usize,
}

impl Shape {
    fn new(flags: u8, key_len: usize, value_len: usize) -> Shape {
        assert!(
            key_len <= LEN_MAX && value_len <= LEN_MAX,
            "an entry's parts are bounded by the caller"
        );
        let long = key_len > KEY_SHORT_MAX || value_len > VALUE_SHORT_MAX;
        let flags = if long { flags | FLAG_LONG } else { flags & !FLAG_LONG };
        Shape { flags, key_len, value_len }
    }

    #[inline]
    fn expiry_at(&self) -> usize {
        HEADER + if self.flags & FLAG_LONG != 0 { LONG } else { 0 }
    }

    #[inline]
    fn word_at(&self) -> usize {
        self.expiry_at() + if self.flags & FLAG_EXPIRY != 0 { 8 } else { 0 }
    }

    #[inline]
    fn key_at(&self) -> usize {
        self.word_at() + if self.flags & FLAG_WORD != 0 { 8 } else { 0 }
    }

    #[inline]
    fn value_at(&self) -> usize {
        self.key_at() + self.key_len
    }

    /// Bytes of a block that fits this shape exactly.
    #[inline]
    fn block_size(&self) -> usize {
        (self.value_at() + self.value_len).next_multiple_of(ALIGN)
    }
}

impl Entry {
    /// A new entry; `access` are its 24 access bits. O(key + value).
    ///
    /// # Panics
    /// If the key or the value is longer than [`LEN_MAX`]; callers check lengths first.
    pub fn new(key: &[u8], value: NewValue<'_>, expire_at_ms: Option<i64>, access: u32) -> Entry {
        let expiry = if expire_at_ms.is_some() { FLAG_EXPIRY } else { 0 };
        let (tag, repr, bytes): (_, _, &[u8]) = match &value {
            NewValue::Bytes(bytes) => (STRING, 0, bytes),
            NewValue::Int(_) => (STRING, FLAG_INT, &[]),
            NewValue::Packed(tag, bytes) => (*tag, 0, bytes),
            NewValue::Boxed(boxed) => (boxed.type_id(), FLAG_BOXED, &[]),
        };
        let shape = Shape::new(expiry | repr, key.len(), bytes.len());
        let mut entry = Entry::allocate(tag, shape, shape.block_size());
        entry.set_access(access);
        if let Some(at_ms) = expire_at_ms {
            // SAFETY: the shape has an expiry, so the 8 aligned bytes at `expiry_at` are inside the
            // block.
            unsafe { entry.at(shape.expiry_at()).cast::<i64>().write(at_ms) };
        }
        match value {
            NewValue::Int(number) => {
                // SAFETY: the shape has a word, so the 8 aligned bytes at `word_at` are inside the
                // block.
                unsafe { entry.at(shape.word_at()).cast::<i64>().write(number) }
            }
            NewValue::Boxed(boxed) => {
                // SAFETY: as above; `Boxed` is one pointer, owned by the block from here on.
                unsafe { entry.at(shape.word_at()).cast::<Boxed>().write(boxed) }
            }
            NewValue::Bytes(_) | NewValue::Packed(..) => {}
        }
        // SAFETY: the block has room for `key_len` and `value_len` bytes at these offsets, and the
        // sources cannot overlap memory that was allocated just now.
        unsafe {
            entry.at(shape.key_at()).copy_from_nonoverlapping(key.as_ptr(), key.len());
            entry.at(shape.value_at()).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        entry
    }

    /// A block of `size` bytes with its header (and long part) written and nothing else.
    fn allocate(tag: TypeId, shape: Shape, size: usize) -> Entry {
        debug_assert!(size >= shape.block_size());
        let layout = block_layout(size);
        // SAFETY: the layout is never empty: it holds at least the header.
        let block = unsafe { alloc(layout) };
        let Some(block) = NonNull::new(block.cast::<Header>()) else { handle_alloc_error(layout) };
        let mut entry = Entry(block);
        // SAFETY: the block holds at least a header and is aligned for it.
        unsafe { block.write(Header { tag, flags: 0, access: [0; 3], key_len: 0, value_len: 0 }) };
        entry.write_shape(shape, size);
        entry
    }

    fn write_shape(&mut self, shape: Shape, size: usize) {
        let header = self.header_mut();
        header.flags = shape.flags;
        if shape.flags & FLAG_LONG == 0 {
            header.key_len = shape.key_len as u8;
            header.value_len = shape.value_len as u16;
            return;
        }
        // SAFETY: a long shape has 16 aligned bytes behind the header.
        unsafe {
            let long = self.at(HEADER);
            long.cast::<u32>().write(shape.key_len as u32);
            long.add(4).cast::<u32>().write(shape.value_len as u32);
            long.add(8).cast::<u64>().write(size as u64);
        }
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the pointer is to a live block that starts with an initialised header.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn header_mut(&mut self) -> &mut Header {
        // SAFETY: as in `header`, and `&mut self` makes the access exclusive.
        unsafe { self.0.as_mut() }
    }

    /// Pointer to the byte at `offset`; in bounds for every offset that the shape gives.
    #[inline]
    fn at(&self, offset: usize) -> *mut u8 {
        // SAFETY: offsets come from the shape that this block was allocated for.
        unsafe { self.0.as_ptr().cast::<u8>().add(offset) }
    }

    #[inline]
    fn shape(&self) -> Shape {
        let header = self.header();
        if header.flags & FLAG_LONG == 0 {
            let (key_len, value_len) = (header.key_len as usize, header.value_len as usize);
            return Shape { flags: header.flags, key_len, value_len };
        }
        // SAFETY: the long part is there, written by `write_shape`.
        let (key_len, value_len) = unsafe {
            (self.at(HEADER).cast::<u32>().read(), self.at(HEADER + 4).cast::<u32>().read())
        };
        Shape { flags: header.flags, key_len: key_len as usize, value_len: value_len as usize }
    }

    /// The key.
    #[inline]
    pub fn key(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: the key's bytes were initialised by the constructor and lie inside the block.
        unsafe { std::slice::from_raw_parts(self.at(shape.key_at()), shape.key_len) }
    }

    /// The type of the value.
    #[inline]
    pub fn type_id(&self) -> TypeId {
        self.header().tag
    }

    /// The value.
    #[inline]
    pub fn view(&self) -> View<'_> {
        if self.header().flags & FLAG_BOXED != 0 {
            // SAFETY: the word holds a live `Boxed` while the flag is set.
            return View::Boxed(unsafe { &*self.at(self.shape().word_at()).cast::<Boxed>() });
        }
        if self.type_id() == STRING {
            View::Str(self.stored_str())
        } else {
            View::Packed(self.bytes())
        }
    }

    /// The bytes behind the key: a string's, or a packed value's.
    #[inline]
    fn bytes(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: the value's bytes are initialised and lie inside the block.
        unsafe { std::slice::from_raw_parts(self.at(shape.value_at()), shape.value_len) }
    }

    /// The packed value; `None` for a string and for a boxed value.
    #[inline]
    pub fn packed(&self) -> Option<&[u8]> {
        match self.view() {
            View::Packed(bytes) => Some(bytes),
            View::Str(_) | View::Boxed(_) => None,
        }
    }

    /// The value as a string; `None` where it is of another type.
    #[inline]
    pub fn as_str(&self) -> Option<Str<'_>> {
        (self.type_id() == STRING).then(|| self.stored_str())
    }

    #[inline]
    fn stored_str(&self) -> Str<'_> {
        let shape = self.shape();
        if shape.flags & FLAG_INT != 0 {
            // SAFETY: the word holds an initialised integer while the flag is set.
            return Str::Int(unsafe { self.at(shape.word_at()).cast::<i64>().read() });
        }
        // SAFETY: the value's bytes are initialised and lie inside the block.
        Str::Bytes(unsafe {
            std::slice::from_raw_parts(self.at(shape.value_at()), shape.value_len)
        })
    }

    /// The boxed value; `None` for a string and for a packed value.
    pub fn boxed(&self) -> Option<&Boxed> {
        match self.view() {
            View::Boxed(boxed) => Some(boxed),
            View::Str(_) | View::Packed(_) => None,
        }
    }

    /// The boxed value for change; `None` for a string.
    pub fn boxed_mut(&mut self) -> Option<&mut Boxed> {
        if self.header().flags & FLAG_BOXED == 0 {
            return None;
        }
        // SAFETY: as in `view`, exclusive through `&mut self`.
        Some(unsafe { &mut *self.at(self.shape().word_at()).cast::<Boxed>() })
    }

    /// The name of the value's representation, as OBJECT ENCODING gives it. Strings are all stored
    /// alike here; clients see the distinction that Redis makes. `None` for a packed value: only
    /// its type knows.
    pub fn encoding(&self) -> Option<&'static str> {
        Some(match self.view() {
            View::Packed(_) => return None,
            View::Boxed(boxed) => boxed.encoding(),
            View::Str(Str::Int(_)) => "int",
            View::Str(Str::Bytes(bytes)) => {
                let expires = self.expire_at_ms().is_some();
                let fits = is_embedded(self.key().len(), bytes.len(), expires);
                if fits && !self.is_raw() { "embstr" } else { "raw" }
            }
        })
    }

    /// Whether the string was edited in place since it was set as a whole.
    pub fn is_raw(&self) -> bool {
        self.header().flags & FLAG_RAW != 0
    }

    /// Milliseconds since 1970 at which the entry expires.
    #[inline]
    pub fn expire_at_ms(&self) -> Option<i64> {
        let shape = self.shape();
        // SAFETY: the expiry is there while the flag is set.
        (shape.flags & FLAG_EXPIRY != 0)
            .then(|| unsafe { self.at(shape.expiry_at()).cast::<i64>().read() })
    }

    /// Whether the entry is no longer visible at `now_ms`.
    #[inline]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expire_at_ms().is_some_and(|at_ms| at_ms <= now_ms)
    }

    /// The 24 access bits.
    #[inline]
    pub fn access(&self) -> u32 {
        let [a, b, c] = self.header().access;
        u32::from_le_bytes([a, b, c, 0])
    }

    /// Sets the 24 access bits.
    #[inline]
    pub fn set_access(&mut self, bits: u32) {
        let [a, b, c, _] = bits.to_le_bytes();
        self.header_mut().access = [a, b, c];
    }

    /// Bytes of the block as allocated. O(1).
    #[inline]
    pub fn block_bytes(&self) -> usize {
        let shape = self.shape();
        if shape.flags & FLAG_LONG == 0 {
            return shape.block_size();
        }
        // SAFETY: the long part is there while the flag is set.
        unsafe { self.at(HEADER + 8).cast::<u64>().read() as usize }
    }

    /// Bytes of the block and of the value behind it. O(1).
    #[inline]
    pub fn memory(&self) -> usize {
        self.block_bytes() + self.boxed().map_or(0, Boxed::memory)
    }

    /// Overwrites an integer value in place; false where the value is not stored as an integer.
    pub fn set_int_in_place(&mut self, number: i64) -> bool {
        let shape = self.shape();
        if shape.flags & FLAG_INT == 0 {
            return false;
        }
        // SAFETY: the word is there and aligned while the flag is set.
        unsafe { self.at(shape.word_at()).cast::<i64>().write(number) };
        true
    }

    /// Overwrites the expiry in place; false where the block has no room for one.
    pub fn set_expiry_in_place(&mut self, at_ms: i64) -> bool {
        let shape = self.shape();
        if shape.flags & FLAG_EXPIRY == 0 {
            return false;
        }
        // SAFETY: the expiry is there and aligned while the flag is set.
        unsafe { self.at(shape.expiry_at()).cast::<i64>().write(at_ms) };
        true
    }

    /// Gives the entry an expiry or takes it away by moving it into a block with the other shape.
    pub fn set_expiry_moving(&mut self, expire_at_ms: Option<i64>) {
        let raw = self.header().flags & FLAG_RAW;
        let mut moved = match self.take_boxed() {
            Some(boxed) => self.rebuilt(NewValue::Boxed(boxed), expire_at_ms),
            None => self.rebuilt(self.new_value(), expire_at_ms),
        };
        moved.header_mut().flags |= raw;
        *self = moved;
    }

    /// Overwrites a byte value in place where the block keeps its size; false where it would not.
    #[inline]
    pub fn set_bytes_in_place(&mut self, bytes: &[u8]) -> bool {
        let shape = self.shape();
        let fits = shape.flags & (FLAG_WORD | FLAG_LONG) == 0
            && self.type_id() == STRING
            && bytes.len() <= VALUE_SHORT_MAX
            && Shape { value_len: bytes.len(), ..shape }.block_size() == shape.block_size();
        if !fits {
            return false;
        }
        let header = self.header_mut();
        header.value_len = bytes.len() as u16;
        header.flags &= !FLAG_RAW;
        // SAFETY: the block has `bytes.len()` bytes behind the key, as just checked, and a source
        // slice cannot overlap a block that is borrowed mutably.
        unsafe { self.at(shape.value_at()).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        true
    }

    /// Makes a string `len` bytes long, zero-filled where it grows, and returns it for change. An
    /// integer becomes its text first. Marks the string as edited in place. Amortised O(growth).
    ///
    /// # Panics
    /// If the value is no string or `len` exceeds [`LEN_MAX`].
    pub fn resize_bytes(&mut self, len: usize) -> &mut [u8] {
        assert!(self.type_id() == STRING, "only strings are resized as a whole");
        if let Str::Int(number) = self.stored_str() {
            let mut text = Vec::with_capacity(20);
            stdx::num::write_i64(&mut text, number);
            *self = self.rebuilt(NewValue::Bytes(&text), self.expire_at_ms());
        }
        self.set_len(len);
        self.header_mut().flags |= FLAG_RAW;
        self.bytes_mut()
    }

    /// Replaces a range of a packed value by other bytes. O(bytes behind the range), amortised.
    ///
    /// # Panics
    /// If the value is not packed, the range lies outside it or it would exceed [`LEN_MAX`].
    pub fn splice_packed(&mut self, range: Range<usize>, insert: &[u8]) {
        let len = self.packed().expect("a packed value").len();
        assert!(range.start <= range.end && range.end <= len, "the range lies in the value");
        let behind = range.start + insert.len();
        let new_len = len - range.len() + insert.len();
        if new_len > len {
            self.set_len(new_len);
        }
        let bytes = self.bytes_mut();
        bytes.copy_within(range.end..len, behind);
        bytes[range.start..behind].copy_from_slice(insert);
        if new_len < len {
            self.set_len(new_len);
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        let shape = self.shape();
        // SAFETY: the value's bytes are initialised and lie inside the block, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.at(shape.value_at()), shape.value_len) }
    }

    /// Changes the length of the bytes behind the key, zero-filled where they grow.
    fn set_len(&mut self, len: usize) {
        let old = self.shape();
        debug_assert!(old.flags & FLAG_WORD == 0, "only bytes have a length");
        let new = Shape::new(old.flags, old.key_len, len);
        if (old.flags ^ new.flags) & FLAG_LONG != 0 {
            self.relocate(new);
        } else {
            self.reserve(new);
        }
        if len > old.value_len {
            // SAFETY: the block now has `len` bytes behind the key.
            unsafe { self.at(new.value_at() + old.value_len).write_bytes(0, len - old.value_len) };
        }
    }

    /// Grows or shrinks the block for a shape with the same parts. Long blocks grow with slack, so
    /// that a run of appends costs O(1) each, and give memory back once half of it is unused.
    fn reserve(&mut self, new: Shape) {
        let (have, need) = (self.block_bytes(), new.block_size());
        let long = new.flags & FLAG_LONG != 0;
        let size = match () {
            () if long && need <= have && need >= have / 2 => have,
            () if long && need > have => with_slack(need),
            () => need,
        };
        if size != have {
            let layout = block_layout(have);
            // SAFETY: the block was allocated with this layout, and the new size is not zero.
            let block = unsafe { realloc(self.0.as_ptr().cast(), layout, size) };
            let Some(block) = NonNull::new(block.cast()) else {
                handle_alloc_error(block_layout(size))
            };
            self.0 = block;
        }
        self.write_shape(new, size);
    }

    /// Moves into a block that gains or loses the long part.
    fn relocate(&mut self, new: Shape) {
        let old = self.shape();
        let size = if new.flags & FLAG_LONG != 0 {
            with_slack(new.block_size())
        } else {
            new.block_size()
        };
        let mut moved = Entry::allocate(self.header().tag, new, size);
        moved.set_access(self.access());
        let kept = old.value_len.min(new.value_len);
        // SAFETY: both blocks have the same optional parts behind the long one (expiry; no word,
        // the value is bytes), so expiry, key and the kept value bytes are one run at `expiry_at`.
        unsafe {
            let run = old.value_at() - old.expiry_at() + kept;
            moved.at(new.expiry_at()).copy_from_nonoverlapping(self.at(old.expiry_at()), run);
        }
        *self = moved;
    }

    /// The same key and access bits with another value and expiry.
    pub fn rebuilt(&self, value: NewValue<'_>, expire_at_ms: Option<i64>) -> Entry {
        Entry::new(self.key(), value, expire_at_ms, self.access())
    }

    /// The entry under another key (and expiry), the value moved, not copied where it is boxed.
    pub fn rekeyed(mut self, key: &[u8], expire_at_ms: Option<i64>) -> Entry {
        let access = self.access();
        let raw = self.header().flags & FLAG_RAW;
        let mut moved = match self.take_boxed() {
            Some(boxed) => Entry::new(key, NewValue::Boxed(boxed), expire_at_ms, access),
            None => Entry::new(key, self.new_value(), expire_at_ms, access),
        };
        moved.header_mut().flags |= raw;
        moved
    }

    /// A deep copy under another key. O(value).
    pub fn copied(&self, key: &[u8], expire_at_ms: Option<i64>, access: u32) -> Entry {
        let mut copy = match self.view() {
            View::Boxed(boxed) => {
                Entry::new(key, NewValue::Boxed(boxed.copy()), expire_at_ms, access)
            }
            View::Str(_) | View::Packed(_) => {
                Entry::new(key, self.new_value(), expire_at_ms, access)
            }
        };
        copy.header_mut().flags |= self.header().flags & FLAG_RAW;
        copy
    }

    /// The value as one to make another entry of; a boxed one has been taken care of before.
    fn new_value(&self) -> NewValue<'_> {
        if self.type_id() != STRING {
            return NewValue::Packed(self.type_id(), self.bytes());
        }
        match self.stored_str() {
            Str::Int(number) => NewValue::Int(number),
            Str::Bytes(bytes) => NewValue::Bytes(bytes),
        }
    }

    /// Takes the boxed value out; the entry is left as the integer 0, fit only to be dropped.
    fn take_boxed(&mut self) -> Option<Boxed> {
        if self.header().flags & FLAG_BOXED == 0 {
            return None;
        }
        let at = self.at(self.shape().word_at());
        // SAFETY: the word holds a live `Boxed`; it is read out once and the flag is swapped, so
        // nobody reads or frees it through this entry again.
        let boxed = unsafe { at.cast::<Boxed>().read() };
        // SAFETY: the word is 8 aligned bytes of this block.
        unsafe { at.cast::<i64>().write(0) };
        let header = self.header_mut();
        header.flags = header.flags & !FLAG_BOXED | FLAG_INT;
        Some(boxed)
    }

    /// Asks the processor to load the block's first two cache lines, which hold most keys and
    /// values; changes nothing.
    #[inline]
    pub fn prefetch(&self) {
        let block: *const u8 = self.0.as_ptr().cast();
        prefetch(block);
        prefetch(block.wrapping_add(64));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let size = self.block_bytes();
        drop(self.take_boxed());
        // SAFETY: the block was allocated with this size and alignment and nobody else has it.
        unsafe { dealloc(self.0.as_ptr().cast(), block_layout(size)) };
    }
}

/// Asks the processor to load the cache line at `target`; a hint without effect on any value.
#[inline]
pub(crate) fn prefetch<T>(target: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(target.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = target;
}

/// Asks the processor for the cache line at `target` in order to write it; a hint without effect on
/// any value.
#[inline]
pub(crate) fn prefetch_to_write<T>(target: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch never faults, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_ET0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_ET0>(target.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = target;
}

fn with_slack(need: usize) -> usize {
    const SLACK_MAX: usize = 1 << 20;
    (need + need.min(SLACK_MAX)).next_multiple_of(ALIGN)
}

fn block_layout(size: usize) -> Layout {
    Layout::from_size_align(size, ALIGN).expect("an entry's parts are bounded, so is its block")
}

/// Whether Redis would keep a string of this length in one block of 64 bytes with its key. The
/// expiry takes 8 bytes of it, which longer keys have set aside elsewhere.
fn is_embedded(key_len: usize, value_len: usize, expires: bool) -> bool {
    const ROOM: usize = 41;
    const EXPIRY: usize = 8;
    const KEY_SHORT_MAX: usize = 31;
    let room = if expires && key_len <= KEY_SHORT_MAX { ROOM - EXPIRY } else { ROOM };
    key_len.saturating_add(value_len) <= room
}

#[cfg(test)]
mod tests;
