//! What a value with a structure of its own must be able to do, and the one-pointer box that holds
//! it.
//!
//! A type is one implementation of [`ValueType`]; nothing outside it switches over types. A value
//! is stored behind one thin pointer whose target begins with the type's table of functions, so
//! that an entry spends 8 bytes on it. Typed access compares the one-byte type id and casts; the
//! table is used on the cold paths (copy, free, memory, encoding).

#![allow(unsafe_code)]

use std::ptr::NonNull;

/// A value type's number in memory, unique in a running server. 0 is the string.
pub type TypeId = u8;
/// The type id of strings, the one type that entries hold natively.
pub const STRING: TypeId = 0;

/// A value type other than the string.
pub trait ValueType: Sized + Send + Sync + 'static {
    /// The type's number, unique in the catalogue of modules.
    const ID: TypeId;
    /// The name that the TYPE command gives.
    const NAME: &'static str;

    /// The name of the present representation.
    fn encoding(&self) -> &'static str;
    /// The name of the representation of a packed value of this type.
    fn packed_encoding(_packed: &[u8]) -> &'static str {
        "listpack"
    }
    /// Whether the collection has no element left; the guard removes such keys.
    fn is_empty(&self) -> bool;
    /// Heap bytes behind the value, its own struct included. O(1), kept by the type.
    fn memory(&self) -> usize;
    /// A deep copy.
    fn copy(&self) -> Self;
    /// About how many allocations freeing the value takes; large ones are freed elsewhere.
    fn free_effort(&self) -> usize {
        1
    }
}

/// What a catalogue of types knows of each.
#[derive(Clone, Copy)]
pub struct TypeInfo {
    /// Its number.
    pub id: TypeId,
    /// The name that TYPE gives.
    pub name: &'static str,
    /// The name of a packed value's representation.
    pub packed_encoding: fn(&[u8]) -> &'static str,
}

impl TypeInfo {
    /// The facts about a value type.
    pub const fn of<T: ValueType>() -> TypeInfo {
        TypeInfo { id: T::ID, name: T::NAME, packed_encoding: T::packed_encoding }
    }
}

/// The functions of one type, made from its [`ValueType`] implementation.
pub struct TypeTable {
    id: TypeId,
    name: &'static str,
    encoding: unsafe fn(NonNull<Head>) -> &'static str,
    is_empty: unsafe fn(NonNull<Head>) -> bool,
    memory: unsafe fn(NonNull<Head>) -> usize,
    copy: unsafe fn(NonNull<Head>) -> Boxed,
    free_effort: unsafe fn(NonNull<Head>) -> usize,
    free: unsafe fn(NonNull<Head>),
}

/// The common start of every boxed value.
struct Head {
    table: &'static TypeTable,
}

#[repr(C)]
struct Cell<T> {
    head: Head,
    value: T,
}

/// An owned value of some type behind one pointer.
#[repr(transparent)]
pub struct Boxed(NonNull<Head>);

// SAFETY: a `Boxed` owns its value alone, and every value type is `Send`.
unsafe impl Send for Boxed {}
// SAFETY: through `&Boxed` only `&T` is reached, and every value type is `Sync`.
unsafe impl Sync for Boxed {}

/// The table of `T`, one static per type through constant promotion.
struct TableOf<T>(std::marker::PhantomData<T>);

impl<T: ValueType> TableOf<T> {
    const TABLE: &'static TypeTable = &TypeTable {
        id: T::ID,
        name: T::NAME,
        // SAFETY (all): the table is reachable only through the head of a `Cell<T>`, so the pointer
        // given to these functions is one to a live `Cell<T>`.
        encoding: |head| unsafe { cell::<T>(head) }.encoding(),
        is_empty: |head| unsafe { cell::<T>(head) }.is_empty(),
        memory: |head| unsafe { cell::<T>(head) }.memory(),
        copy: |head| Boxed::new(unsafe { cell::<T>(head) }.copy()),
        free_effort: |head| unsafe { cell::<T>(head) }.free_effort(),
        free: |head| drop(unsafe { Box::from_raw(head.as_ptr().cast::<Cell<T>>()) }),
    };
}

/// # Safety
/// `head` must be the head of a live `Cell<T>` that outlives the returned borrow.
unsafe fn cell<'a, T>(head: NonNull<Head>) -> &'a T {
    // SAFETY: by the caller; `Cell` is `repr(C)` with the head first.
    unsafe { &(*head.as_ptr().cast::<Cell<T>>()).value }
}

impl Boxed {
    /// Boxes a value.
    pub fn new<T: ValueType>(value: T) -> Boxed {
        let cell = Box::new(Cell { head: Head { table: TableOf::<T>::TABLE }, value });
        Boxed(NonNull::from(Box::leak(cell)).cast())
    }

    fn table(&self) -> &'static TypeTable {
        // SAFETY: the pointer is to a live cell, which starts with its head.
        unsafe { self.0.as_ref() }.table
    }

    /// The type's number.
    pub fn type_id(&self) -> TypeId {
        self.table().id
    }

    /// The type's name.
    pub fn type_name(&self) -> &'static str {
        self.table().name
    }

    /// The value, if it is a `T`.
    pub fn get<T: ValueType>(&self) -> Option<&T> {
        // SAFETY: ids are unique per type (the registry checks it), so an equal id means `Cell<T>`.
        (self.type_id() == T::ID).then(|| unsafe { cell::<T>(self.0) })
    }

    /// The value for change, if it is a `T`.
    pub fn get_mut<T: ValueType>(&mut self) -> Option<&mut T> {
        // SAFETY: as in `get`, exclusive through `&mut self`.
        (self.type_id() == T::ID)
            .then(|| unsafe { &mut (*self.0.as_ptr().cast::<Cell<T>>()).value })
    }

    /// The name of the present representation.
    pub fn encoding(&self) -> &'static str {
        // SAFETY: the table belongs to this cell's type.
        unsafe { (self.table().encoding)(self.0) }
    }

    /// Whether no element is left.
    pub fn is_empty(&self) -> bool {
        // SAFETY: as above.
        unsafe { (self.table().is_empty)(self.0) }
    }

    /// Heap bytes of the value. O(1).
    pub fn memory(&self) -> usize {
        // SAFETY: as above.
        unsafe { (self.table().memory)(self.0) }
    }

    /// A deep copy.
    pub fn copy(&self) -> Boxed {
        // SAFETY: as above.
        unsafe { (self.table().copy)(self.0) }
    }

    /// About how many allocations freeing takes.
    pub fn free_effort(&self) -> usize {
        // SAFETY: as above.
        unsafe { (self.table().free_effort)(self.0) }
    }
}

impl Drop for Boxed {
    fn drop(&mut self) {
        // SAFETY: the table belongs to this cell's type, and the cell is dropped once, here.
        unsafe { (self.table().free)(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbers(Vec<u32>);
    struct Other;

    impl ValueType for Numbers {
        const ID: TypeId = 200;
        const NAME: &'static str = "numbers";
        fn encoding(&self) -> &'static str {
            "vec"
        }
        fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
        fn memory(&self) -> usize {
            size_of::<Self>() + self.0.capacity() * 4
        }
        fn copy(&self) -> Self {
            Numbers(self.0.clone())
        }
    }

    impl ValueType for Other {
        const ID: TypeId = 201;
        const NAME: &'static str = "other";
        fn encoding(&self) -> &'static str {
            "none"
        }
        fn is_empty(&self) -> bool {
            true
        }
        fn memory(&self) -> usize {
            0
        }
        fn copy(&self) -> Self {
            Other
        }
    }

    #[test]
    fn a_box_gives_its_own_type_and_no_other() {
        let mut boxed = Boxed::new(Numbers(vec![1, 2]));
        assert!(boxed.get::<Other>().is_none());
        boxed.get_mut::<Numbers>().expect("its type").0.push(3);
        let copy = boxed.copy();
        assert_eq!(copy.get::<Numbers>().expect("its type").0, [1, 2, 3]);
        assert_eq!((boxed.type_name(), boxed.encoding()), ("numbers", "vec"));
        assert!(!boxed.is_empty() && boxed.memory() > 8 && boxed.free_effort() == 1);
    }
}
