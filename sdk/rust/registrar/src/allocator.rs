//! A bump allocator: an instance serves one registration, so that memory need not be reused. Only the topmost block can
//! grow, shrink and be freed, which is what a growing string or list needs.

/// The free part of a memory, from `top` to `end`.
pub(crate) struct Region {
    pub top: usize,
    pub end: usize,
}

impl Region {
    /// Allocates a block. `grow` extends the memory to at least the given end and returns the new end.
    pub fn take(&mut self, size: usize, align: usize, grow: impl FnOnce(usize) -> Option<usize>) -> Option<usize> {
        let start = self.top.checked_add(align - 1)? & !(align - 1);
        self.extend(start, size, grow)?;
        Some(start)
    }

    /// Resizes the block at `start`, if it is the topmost one.
    pub fn resize(&mut self, start: usize, old: usize, new: usize, grow: impl FnOnce(usize) -> Option<usize>) -> bool {
        start + old == self.top && self.extend(start, new, grow).is_some()
    }

    fn extend(&mut self, start: usize, size: usize, grow: impl FnOnce(usize) -> Option<usize>) -> Option<()> {
        let top = start.checked_add(size)?;
        if top > self.end {
            self.end = grow(top)?;
        }
        self.top = top;
        Some(())
    }
}

#[cfg(all(feature = "allocator", target_arch = "wasm32"))]
mod global {
    use super::Region;
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::{memory_grow, memory_size};
    use core::cell::UnsafeCell;
    use core::ptr::{addr_of, copy_nonoverlapping, null_mut};

    const PAGE: usize = 64 << 10;

    extern "C" {
        // Where the linker's own data ends.
        static __heap_base: u8;
    }

    struct Bump(UnsafeCell<Region>);

    // There are no threads in a script.
    unsafe impl Sync for Bump {}

    #[global_allocator]
    static GLOBAL: Bump = Bump(UnsafeCell::new(Region { top: 0, end: 0 }));

    /// Grows the memory to at least `top` and returns its end.
    fn grow(top: usize) -> Option<usize> {
        let pages = top.checked_add(PAGE - 1)? / PAGE;
        let there = memory_size(0);
        if pages > there && memory_grow(0, pages - there) == usize::MAX {
            return None;
        }
        Some(pages.max(there) * PAGE)
    }

    impl Bump {
        #[allow(clippy::mut_from_ref)]
        unsafe fn region(&self) -> &mut Region {
            let region = &mut *self.0.get();
            if region.top == 0 {
                region.top = addr_of!(__heap_base) as usize;
                region.end = memory_size(0) * PAGE;
            }
            region
        }
    }

    unsafe impl GlobalAlloc for Bump {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            match self.region().take(layout.size(), layout.align(), grow) {
                Some(start) => start as *mut u8,
                None => null_mut(),
            }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            self.region().resize(block as usize, layout.size(), 0, grow);
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            if self.region().resize(block as usize, layout.size(), size, grow) {
                return block;
            }
            if size <= layout.size() {
                return block;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_apart() {
        let mut region = Region { top: 3, end: 100 };
        assert_eq!(region.take(5, 8, |_| None), Some(8));
        assert_eq!(region.take(1, 1, |_| None), Some(13));
        assert_eq!(region.take(4, 4, |_| None), Some(16));
        assert_eq!(region.top, 20);
    }

    #[test]
    fn memory_grows_only_where_it_must() {
        let mut region = Region { top: 0, end: 16 };
        assert_eq!(region.take(16, 1, |_| panic!("there was room")), Some(0));
        assert_eq!(region.take(1, 1, |top| Some(top + 15)), Some(16));
        assert_eq!(region.end, 32);
        assert_eq!(region.take(100, 1, |_| None), None);
        assert_eq!((region.top, region.end), (17, 32), "after what there was no memory for");
        assert_eq!(region.take(usize::MAX, 1, |_| panic!("past the address space")), None);
    }

    #[test]
    fn only_the_block_on_top_is_resized() {
        let mut region = Region { top: 0, end: 100 };
        let (low, high) = (region.take(10, 1, |_| None).unwrap(), region.take(10, 1, |_| None).unwrap());
        assert!(!region.resize(low, 10, 20, |_| None));
        assert!(region.resize(high, 10, 30, |_| None));
        assert_eq!(region.top, 40);
        assert!(region.resize(high, 30, 0, |_| None));
        assert_eq!(region.top, 10);
    }
}
