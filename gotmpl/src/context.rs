//! What a rendering has from outside, and what it may use up.

use jiff::Zoned;
use thiserror::Error;

/// A source of random bytes.
pub trait Random {
    /// Fills `buffer` completely; false when the source gives nothing (the buffer must then not be used).
    #[must_use]
    fn fill(&mut self, buffer: &mut [u8]) -> bool;
}

/// How much one rendering may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Steps: nodes of the tree evaluated, rounds of loops, calls, elements visited.
    pub steps: u64,
    /// How deep evaluations nest: blocks, templates in templates, parentheses; also values in values when printed.
    pub depth: u32,
    /// Bytes of output.
    pub output: usize,
    /// Bytes of all values made, whether they are still held or not.
    pub allocation: usize,
    /// Milliseconds that a usual core takes for what is costly by design: key generation, signatures, password hashes.
    /// Each such function has a price of its own, which it pays before it begins, so that the same template always
    /// stays within the limit or always goes over it, whatever the machine and its luck with prime numbers.
    pub work: u32,
}

/// With what the names of the functions begin that [`Limits::work`] counts. A template that calls one has its name in its text.
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
    /// As large as a Secret may be (1 MiB), and so that the steps are used up within 50 ms. The work is some five seconds:
    /// it belongs on a thread that may be kept.
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

/// The limit that a rendering went over.
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

/// The surroundings of one rendering, handed to every function.
pub struct Context<'a> {
    now: &'a Zoned,
    random: &'a mut dyn Random,
    left: Limits,
}

impl<'a> Context<'a> {
    /// A clock (whose zone is the local one), a random source, and limits.
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

    /// Pays for one round of a loop.
    ///
    /// # Errors
    /// [`Limit::Steps`].
    pub fn step(&mut self) -> Result<(), Limit> {
        self.steps(1)
    }

    /// Pays for several rounds of a loop.
    ///
    /// # Errors
    /// [`Limit::Steps`].
    pub fn steps(&mut self, count: u64) -> Result<(), Limit> {
        self.left.take_steps(count)
    }

    /// Pays for memory; to be called before it is taken.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.take_allocation(bytes)
    }

    /// Pays for bytes that are added to something that grows: it takes up to twice its length, and its old place beside it
    /// while it moves.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn grow(&mut self, bytes: usize) -> Result<(), Limit> {
        self.allocate(bytes.saturating_mul(3))
    }

    /// Checks that so much memory is left, and takes none: for what a function gives back before it ends.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn room(&self, bytes: usize) -> Result<(), Limit> {
        if self.left.allocation < bytes {
            return Err(Limit::Allocation);
        }
        Ok(())
    }

    /// Pays for one more element of a vector that grows by doubling, when it has to grow.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn grow_for_one<T>(&mut self, items: &Vec<T>) -> Result<(), Limit> {
        if items.len() < items.capacity() {
            return Ok(());
        }
        self.allocate(items.len().max(4).saturating_mul(2 * size_of::<T>()))
    }

    /// Pays for the memory of a list's elements, and for copying them.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_items(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(size_of::<crate::Value>()))?;
        // Far cheaper than a round through the tree.
        self.steps((count as u64).div_ceil(8))
    }

    /// Pays for a list within another value, and for copying its elements.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_list(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(LIST)?;
        self.allocate_items(count)
    }

    /// Pays for a list of so many strings, which have so many bytes together.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_strings(&mut self, count: usize, bytes: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(STRING).saturating_add(bytes))?;
        self.allocate_items(count)
    }

    /// Pays for a map with so many entries, whose keys and elements exist already.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_map(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(MAP)?;
        self.allocate_entries(count)
    }

    /// Pays for so many more entries of a map.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_entries(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(ENTRY))?;
        self.steps((count as u64).div_ceil(4))
    }

    /// Pays for what is costly by design: so many milliseconds of a usual core.
    ///
    /// # Errors
    /// [`Limit::Work`].
    pub fn work(&mut self, milliseconds: u32) -> Result<(), Limit> {
        self.left.work = self.left.work.checked_sub(milliseconds).ok_or(Limit::Work)?;
        Ok(())
    }

    /// Goes one level deeper, for a function that walks into values: `inner` gets the context back one level down.
    ///
    /// # Errors
    /// [`Limit::Depth`] (as the caller's error type), and those of `inner`.
    pub fn deeper<T, E: From<Limit>>(&mut self, inner: impl FnOnce(&mut Context<'a>) -> Result<T, E>) -> Result<T, E> {
        self.enter()?;
        let result = inner(self);
        self.leave();
        result
    }

    /// One level deeper; [`Context::leave`] follows, unless the rendering ends.
    pub(crate) fn enter(&mut self) -> Result<(), Limit> {
        self.left.depth = self.left.depth.checked_sub(1).ok_or(Limit::Depth)?;
        Ok(())
    }

    /// What is left of the limits, for parsing.
    pub(crate) fn left(&mut self) -> &mut Limits {
        &mut self.left
    }

    /// How deep it may still go, to come back to after a failure.
    pub(crate) fn depth(&mut self) -> &mut u32 {
        &mut self.left.depth
    }

    pub(crate) fn leave(&mut self) {
        self.left.depth += 1;
    }

    /// Pays for output.
    pub(crate) fn output(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.output = self.left.output.checked_sub(bytes).ok_or(Limit::Output)?;
        Ok(())
    }
}
