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

impl Default for Limits {
    /// As large as a Secret may be (1 MiB), and so that the steps are used up within 50 ms. The work is some ten seconds:
    /// it belongs on a thread that may be kept.
    fn default() -> Limits {
        Limits {
            steps: 200_000,
            depth: 200,
            output: 1 << 20,
            allocation: 32 << 20,
            work: 10_000,
        }
    }
}

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
        self.left.steps = self.left.steps.checked_sub(count).ok_or(Limit::Steps)?;
        Ok(())
    }

    /// Pays for memory; to be called before it is taken.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn allocate(&mut self, bytes: usize) -> Result<(), Limit> {
        self.left.allocation = self.left.allocation.checked_sub(bytes).ok_or(Limit::Allocation)?;
        Ok(())
    }

    /// Pays for bytes that are added to something that grows: it takes up to twice its length, and its old place beside it
    /// while it moves.
    ///
    /// # Errors
    /// [`Limit::Allocation`].
    pub fn grow(&mut self, bytes: usize) -> Result<(), Limit> {
        self.allocate(bytes.saturating_mul(3))
    }

    /// Pays for the memory of a list of so many elements (or a map of half as many), and for making it.
    ///
    /// # Errors
    /// [`Limit::Allocation`], [`Limit::Steps`].
    pub fn allocate_items(&mut self, count: usize) -> Result<(), Limit> {
        self.allocate(count.saturating_mul(size_of::<crate::Value>()))?;
        // Far cheaper than a round through the tree.
        self.steps((count as u64).div_ceil(8))
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
