//! The allocator: mimalloc, with a count of the bytes it has handed out.
//!
//! Each thread counts by itself and passes its balance on when it has grown by 64 KiB either way,
//! so an allocation costs an addition. The sum is exact to 64 KiB per thread.

#![allow(unsafe_code)]

use libmimalloc_sys::{mi_malloc, mi_realloc};
use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Balance at which a thread passes its count on, in bytes.
const FLUSH_BYTES: i64 = 64 << 10;

static ALLOCATED: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);

thread_local! {
    static BALANCE: Cell<i64> = const { Cell::new(0) };
}

/// Bytes handed out and not given back, and the most there ever were.
pub fn allocated_bytes() -> (u64, u64) {
    let now = ALLOCATED.load(Ordering::Relaxed).max(0);
    (now as u64, PEAK.load(Ordering::Relaxed).max(now) as u64)
}

#[inline]
fn count(bytes: i64) {
    // A thread that is ending has no balance any more; its last few frees are not counted.
    let _ = BALANCE.try_with(|balance| {
        let sum = balance.get() + bytes;
        if sum.abs() < FLUSH_BYTES {
            balance.set(sum);
        } else {
            balance.set(0);
            flush(sum);
        }
    });
}

#[cold]
fn flush(bytes: i64) {
    let now = ALLOCATED.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(now, Ordering::Relaxed);
}

/// Alignment that mimalloc gives without being asked, as it is built here (.cargo/config.toml).
const ALIGN_DEFAULT: usize = 8;

// SAFETY: every call is passed on to mimalloc, the unaligned functions only where their alignment
// suffices; counting touches no allocation. mimalloc frees and resizes what any of its functions
// gave.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        if layout.align() <= ALIGN_DEFAULT {
            // The aligned function would round small sizes up to 16 bytes.
            // SAFETY: any size may be asked for.
            return unsafe { mi_malloc(layout.size()) }.cast();
        }
        // SAFETY: by the caller.
        unsafe { MiMalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: by the caller.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: by the caller.
        unsafe { MiMalloc.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as i64 - layout.size() as i64);
        if layout.align() <= ALIGN_DEFAULT {
            // SAFETY: by the caller, the pointer is one of mimalloc's.
            return unsafe { mi_realloc(ptr.cast(), new_size) }.cast();
        }
        // SAFETY: by the caller.
        unsafe { MiMalloc.realloc(ptr, layout, new_size) }
    }
}
