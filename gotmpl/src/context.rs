//! What a rendering gets from its caller, and its limits.

use jiff::Zoned;
use thiserror::Error;

/// A source of random bytes.
pub trait Random {
    /// Fills `buffer` completely; `false` when the source fails (the buffer must then not be used).
    #[must_use]
    fn fill(&mut self, buffer: &mut [u8]) -> bool;
}

/// The limits of one rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps: nodes of the tree evaluated, iterations of loops, calls, elements visited.
    pub steps: u64,
    /// Nesting of evaluations: blocks, templates in templates, parentheses; also values in values when printed.
    pub depth: u32,
    /// Bytes of output.
    pub output: usize,
    /// Bytes of all values created, also of those that are freed.
    pub allocation: usize,
    /// Milliseconds of a typical core for costly functions: key generation, signatures, password hashes. Each has a
    /// fixed price, paid before it begins, so that the same template always stays within the limit or always exceeds
    /// it, whatever the machine and its luck with prime numbers.
    pub work: u32,
}

/// Prefixes of the functions that [`Limits::work`] counts. A template that calls one contains its name.
pub const COSTLY_FUNCTIONS: [&str; 8] = [
    "bcrypt",
    "buildCustomCert",
    "derivePassword",
    "genCA",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSignedCert",
    "htpasswd",
];

impl Default for Limits {
    /// Output as large as a Secret may be (1 MiB), and steps that take at most 50 ms. The work takes some five seconds:
    /// render on a thread that may block.
    fn default() -> Limits {
        Limits {
            steps: 200_000,
            depth: 200,
            output: 1 << 20,
            allocation: 32 << 20,
            work: 5_000,
        }
    }
}

impl Limits {
    pub(crate) fn take_steps(&mut self, count: u64) -> Result<(), Limit> {
        self.steps = self.steps.checked_sub(count).ok_or(Limit::Steps)?;
        Ok(())
    }

    pub(crate) fn take_allocation(&mut self, bytes: usize) -> Result<(), Limit> {
        self.allocation = self.allocation.checked_sub(bytes).ok_or(Limit::Allocation)?;
        Ok(())
    }
}

/// Bytes of a string beside its content: the counters of its owners and the header of its bytes.
pub(crate) const STRING: usize = 64;

/// Bytes of a list beside its elements: two counted parts, and its place in the queue when nested lists are dropped.
pub(crate) const LIST: usize = 192;

/// Bytes of a map beside its entries: the counted part, the first node of the tree, and its places in the lists of maps.
const MAP: usize = 512;

/// Bytes of an entry of a map, in nodes that are half full.
const ENTRY: usize = 112;

/// The limit that a rendering exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Limit {
    /// [`Limits::steps`].
    #[error("the template takes too many steps")]
    Steps,
    /// [`Limits::depth`].
    #[error("the template nests too deep")]
    Depth,
    /// [`Limits::output`].
    #[error("the result is too large")]
    Output,
    /// [`Limits::allocation`].
    #[error("the template uses too much memory")]
    Allocation,
    /// [`Limits::work`].
    #[error("the template makes too many keys and hashes of passwords")]
    Work,
}

/// The context of one rendering, passed to every function.
pub struct Context<'a> {
    now: &'a Zoned,
    random: &'a mut dyn Random,
    left: Limits,
}

impl<'a> Context<'a> {
    /// The time (in the local zone), a random source, and limits.
    pub fn new(now: &'a Zoned, random: &'a mut dyn Random, limits: Limits) -> Context<'a> {
        Context {
            now,
            random,
            left: limits,
        }
    }

    /// The time of the rendering, in the local zone.
    pub fn now(&self) -> &'a Zoned {
        self.now
    }

    /// The random source.
    pub fn random(&mut self) -> &mut dyn Random {
        self.random
    }

    /// Charges one iteration of a loop.
    ///
    /// # Errors
    /// [`Limit::Steps`].
    pub fn step(&mut self) -> Result<(), Limit> {
        self.steps(1)
    }

    /// Charges several iterations of a loop.
    ///
    /// # Errors
    /// [`Limit::Steps`].
    pub fn steps(&mut self, count: u64) -> Result<(), Limit> {
        self.left.take_steps(count)
    }

    /// Charges memory; call it before the allocation.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.take_allocation(bytes)
    }

    /// Charges bytes added to a buffer that grows: it takes up to twice its length, and its former allocation too while
    /// it moves.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn grow(&mut self, bytes: usize) -> Result<(), Limit> {
        self.allocate(bytes.saturating_mul(3))
    }

    /// Checks that this much memory is left, without charging it: for memory that a function frees before it ends.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn room(&self, bytes: usize) -> Result<(), Limit> {
        if self.left.allocation < bytes {
            return Err(Limit::Allocation);
        }
        Ok(())
    }

    /// Charges one more element of a vector that grows by doubling, when it has to grow.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn grow_for_one<T>(&mut self, items: &Vec<T>) -> Result<(), Limit> {
        if items.len() < items.capacity() {
            return Ok(());
        }
        self.allocate(items.len().max(4).saturating_mul(2 * size_of::<T>()))
    }

    /// Charges the memory of a list's elements, and their copying.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_items(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(size_of::<crate::Value>()))?;
        // Far cheaper than evaluating a node.
        self.steps((count as u64).div_ceil(8))
    }

    /// Charges a list within another value, and the copying of its elements.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_list(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(LIST)?;
        self.allocate_items(count)
    }

    /// Charges a list of strings, by their number and their bytes in total.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_strings(&mut self, count: usize, bytes: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(STRING).saturating_add(bytes))?;
        self.allocate_items(count)
    }

    /// Charges a map, by its number of entries; keys and elements exist already.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_map(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(MAP)?;
        self.allocate_entries(count)
    }

    /// Charges more entries of a map.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_entries(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(ENTRY))?;
        self.steps((count as u64).div_ceil(4))
    }

    /// Charges costly work, in milliseconds of a typical core.
    ///
    /// # Errors
    /// [`Limit::Work`].
    pub fn work(&mut self, milliseconds: u32) -> Result<(), Limit> {
        self.left.work = self.left.work.checked_sub(milliseconds).ok_or(Limit::Work)?;
        Ok(())
    }

    /// Runs `inner` one level deeper, for a function that walks into values.
    ///
    /// # Errors
    /// [`Limit::Depth`] (as the caller's error type), and those of `inner`.
    pub fn deeper<T, E: From<Limit>>(&mut self, inner: impl FnOnce(&mut Context<'a>) -> Result<T, E>) -> Result<T, E> {
        self.enter()?;
        let result = inner(self);
        self.leave();
        result
    }

    /// Enters one level; [`Context::leave`] follows, unless the rendering ends.
    pub(crate) fn enter(&mut self) -> Result<(), Limit> {
        self.left.depth = self.left.depth.checked_sub(1).ok_or(Limit::Depth)?;
        Ok(())
    }

    /// The rest of the limits, for parsing.
    pub(crate) fn left(&mut self) -> &mut Limits {
        &mut self.left
    }

    /// The levels left, to restore after a failure.
    pub(crate) fn depth(&mut self) -> &mut u32 {
        &mut self.left.depth
    }

    pub(crate) fn leave(&mut self) {
        self.left.depth += 1;
    }

    /// Charges output.
    pub(crate) fn output(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.output = self.left.output.checked_sub(bytes).ok_or(Limit::Output)?;
        Ok(())
    }
}
