//! Searching: all states of the automaton are followed at once, so a search takes at most states × bytes (Thompson, Pike).
//!
//! The automaton is that of `regex-automata`. Its own search cannot be stopped, and a price of states × bytes for every
//! search would refuse ordinary templates. This search pays for each state it visits, a few bytes at a time.

use regex_automata::nfa::thompson::{NFA, State, Transition};
use regex_automata::util::primitives::StateID;

use crate::context::{Context, Limit};

/// Visits of a state (or copies of eight places) that take about as long as a step.
const VISITS_A_STEP: u64 = 10;

/// Bytes that are passed over in about the time of a visit.
const BYTES_A_VISIT: u64 = 8;

/// A place in the text that is not set.
const NONE: usize = usize::MAX;

/// States in the order of their priority, and where the groups of each begin and end.
struct Threads {
    /// Where a state is in `seen`, if it is there: a sparse set.
    places: Vec<u32>,
    seen: Vec<StateID>,
    /// Those of `seen` that read a byte or end a match.
    ready: Vec<StateID>,
    slots: Vec<usize>,
    slot_count: usize,
}

impl Threads {
    fn new(states: usize, slot_count: usize) -> Threads {
        Threads {
            places: vec![0; states],
            seen: Vec::with_capacity(states),
            ready: Vec::with_capacity(states),
            slots: vec![NONE; states * slot_count],
            slot_count,
        }
    }

    fn clear(&mut self) {
        self.seen.clear();
        self.ready.clear();
    }

    /// False when it is there already.
    fn insert(&mut self, state: StateID) -> bool {
        let Some(place) = self.places.get_mut(state.as_usize()) else {
            return false;
        };
        let known = self.seen.get(*place as usize) == Some(&state);
        if !known {
            *place = u32::try_from(self.seen.len()).unwrap_or(u32::MAX);
            self.seen.push(state);
        }
        !known
    }

    fn slots_of(&mut self, state: StateID) -> &mut [usize] {
        let from = state.as_usize() * self.slot_count;
        self.slots.get_mut(from..from + self.slot_count).unwrap_or_default()
    }
}

/// What is left to do while the states that need no byte are followed.
enum Step {
    Follow(StateID),
    /// Back to what a slot held before a group was entered.
    Restore {
        slot: usize,
        place: usize,
    },
}

/// The way through states that read nothing.
struct Walk<'n> {
    nfa: &'n NFA,
    steps: Vec<Step>,
    /// The slots of the thread at hand.
    slots: Vec<usize>,
    /// Visits that are not paid for yet.
    visits: u64,
}

impl Walk<'_> {
    /// Adds what is reached from a state without reading a byte, the preferred first.
    fn follow(&mut self, from: StateID, text: &str, at: usize, into: &mut Threads) {
        self.steps.push(Step::Follow(from));
        while let Some(step) = self.steps.pop() {
            self.visits += 1;
            match step {
                Step::Restore { slot, place } => self.set(slot, place),
                Step::Follow(state) => {
                    if into.insert(state) {
                        self.visit(state, text, at, into);
                    }
                }
            }
        }
    }

    fn visit(&mut self, state: StateID, text: &str, at: usize, into: &mut Threads) {
        match self.nfa.state(state) {
            State::Look { look, next } => {
                // It looks at two places of the text.
                self.visits += 2;
                if self.nfa.look_matcher().matches(*look, text.as_bytes(), at) {
                    self.steps.push(Step::Follow(*next));
                }
            }
            State::Union { alternates } => {
                let steps = alternates.iter().rev().map(|state| Step::Follow(*state));
                self.steps.extend(steps);
            }
            State::BinaryUnion { alt1, alt2 } => self.steps.extend([Step::Follow(*alt2), Step::Follow(*alt1)]),
            State::Capture { next, slot, .. } => {
                let slot = slot.as_usize();
                if let Some(place) = self.slots.get(slot).copied() {
                    self.steps.push(Step::Restore { slot, place });
                    self.set(slot, at);
                }
                self.steps.push(Step::Follow(*next));
            }
            _ => {
                self.visits += self.slots.len() as u64 / 8;
                into.ready.push(state);
                into.slots_of(state).copy_from_slice(&self.slots);
            }
        }
    }

    fn set(&mut self, slot: usize, place: usize) {
        self.slots.get_mut(slot).into_iter().for_each(|slot| *slot = place);
    }
}

/// A search in one text, and the room that it needs.
pub(super) struct Search<'n> {
    walk: Walk<'n>,
    now: Threads,
    next: Threads,
    /// The slots of the latest match.
    found: Vec<usize>,
    /// With which bytes a match can begin; `None` where it can be empty.
    first: Option<Box<[bool; 256]>>,
}

impl<'n> Search<'n> {
    /// `slots`: 0 to know whether there is a match, 2 for its bounds, more for groups.
    pub(super) fn new(context: &mut Context<'_>, nfa: &'n NFA, slots: usize) -> Result<Search<'n>, Limit> {
        let states = nfa.states().len();
        // Two sets of states, each with its slots.
        let room = states.saturating_mul(2 * (16 + 8 * slots));
        context.allocate(room)?;
        context.steps(room as u64 / 1024 + states as u64 / 16)?;
        let first = first_bytes(nfa);
        Ok(Search {
            first,
            walk: Walk {
                nfa,
                steps: Vec::new(),
                slots: vec![NONE; slots],
                visits: 0,
            },
            now: Threads::new(states, slots),
            next: Threads::new(states, slots),
            found: vec![NONE; slots],
        })
    }

    /// The bounds of a group in the latest match.
    pub(super) fn group(&self, number: usize) -> Option<(usize, usize)> {
        let slot = number.checked_mul(2)?;
        let (start, end) = (*self.found.get(slot)?, *self.found.get(slot + 1)?);
        (start != NONE && end != NONE).then_some((start, end))
    }

    /// Whether there is a match from a place on: the leftmost, and of several there the preferred one.
    pub(super) fn run(&mut self, context: &mut Context<'_>, text: &str, from: usize) -> Result<bool, Limit> {
        let nfa = self.walk.nfa;
        let only_at_start = nfa.is_always_start_anchored();
        self.now.clear();
        let mut found = false;
        let mut at = from;
        while at <= text.len() {
            if self.now.seen.is_empty() && !found {
                at += self.passed_over(text.as_bytes().get(at..).unwrap_or_default());
            }
            let may_start = !found && (at == 0 || !only_at_start);
            if self.now.seen.is_empty() && !may_start {
                break;
            }
            // A match never begins within a character.
            if may_start && text.is_char_boundary(at) {
                self.walk.slots.fill(NONE);
                self.walk.follow(nfa.start_anchored(), text, at, &mut self.now);
            }
            found |= self.read(text, at);
            std::mem::swap(&mut self.now, &mut self.next);
            self.next.clear();
            self.pay(context)?;
            if found && self.found.is_empty() {
                break;
            }
            at += 1;
        }
        Ok(found)
    }

    /// How many bytes are there before the first with which a match can begin.
    fn passed_over(&mut self, rest: &[u8]) -> usize {
        let Some(first) = &self.first else { return 0 };
        let begins = |byte: &u8| first.get(usize::from(*byte)).copied().unwrap_or(false);
        let count = rest.iter().position(begins).unwrap_or(rest.len());
        self.walk.visits += count as u64 / BYTES_A_VISIT;
        count
    }

    /// Every thread reads the byte at a place, in the order of priority; true when one has a match, which ends those
    /// after it.
    fn read(&mut self, text: &str, at: usize) -> bool {
        let byte = text.as_bytes().get(at).copied();
        self.walk.visits += 1;
        for place in 0..self.now.ready.len() {
            let Some(id) = self.now.ready.get(place).copied() else {
                break;
            };
            let state = self.walk.nfa.state(id);
            let slots = self.now.slots_of(id);
            self.walk.visits += 1 + slots.len() as u64 / 8;
            if matches!(state, State::Match { .. }) {
                self.found.copy_from_slice(slots);
                return true;
            }
            if let Some(next) = byte.and_then(|byte| after(state, byte)) {
                self.walk.slots.copy_from_slice(slots);
                self.walk.follow(next, text, at + 1, &mut self.next);
            }
        }
        false
    }

    /// What was visited for one byte: at most every way between states, so this is soon enough.
    fn pay(&mut self, context: &mut Context<'_>) -> Result<(), Limit> {
        context.steps(self.walk.visits / VISITS_A_STEP)?;
        self.walk.visits %= VISITS_A_STEP;
        Ok(())
    }
}

/// The bytes with which a match can begin, unless it can be empty. (What is asked of the place is left for later.)
fn first_bytes(nfa: &NFA) -> Option<Box<[bool; 256]>> {
    let mut first = Box::new([false; 256]);
    let mut seen = vec![false; nfa.states().len()];
    let mut open = vec![nfa.start_anchored()];
    while let Some(id) = open.pop() {
        if seen
            .get_mut(id.as_usize())
            .is_none_or(|seen| std::mem::replace(seen, true))
        {
            continue;
        }
        match nfa.state(id) {
            State::Match { .. } => return None,
            State::Look { next, .. } | State::Capture { next, .. } => open.push(*next),
            State::Union { alternates } => open.extend(alternates.iter()),
            State::BinaryUnion { alt1, alt2 } => open.extend([*alt1, *alt2]),
            State::ByteRange { trans } => mark(&mut first, trans),
            State::Sparse(sparse) => sparse.transitions.iter().for_each(|way| mark(&mut first, way)),
            State::Dense(_) => first.fill(true),
            State::Fail => {}
        }
    }
    Some(first)
}

fn mark(first: &mut [bool; 256], way: &Transition) {
    let bytes = first.get_mut(usize::from(way.start)..=usize::from(way.end));
    bytes.unwrap_or_default().fill(true);
}

/// The state that a byte leads to.
fn after(state: &State, byte: u8) -> Option<StateID> {
    match state {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => {
            let place = sparse.transitions.partition_point(|way| way.end < byte);
            let way = sparse.transitions.get(place).filter(|way| way.start <= byte)?;
            Some(way.next)
        }
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    }
}
