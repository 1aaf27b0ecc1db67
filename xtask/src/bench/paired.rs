//! Two contenders, by turns, so that whatever else the machine does meets both alike.

use anyhow::Result;

/// The measurements of each contender, in the order of the rounds.
pub(crate) struct Paired<T> {
    pub(crate) reference: Vec<T>,
    pub(crate) ours: Vec<T>,
}

/// Measures both once for warming up, which does not count, then in every round; who begins changes from round to round.
///
/// # Errors
/// The first failure of either.
pub(crate) fn paired<T>(
    rounds: usize,
    mut reference: impl FnMut() -> Result<T>,
    mut ours: impl FnMut() -> Result<T>,
) -> Result<Paired<T>> {
    reference()?;
    ours()?;
    let mut measured = Paired {
        reference: Vec::with_capacity(rounds),
        ours: Vec::with_capacity(rounds),
    };
    for round in 0..rounds {
        if round % 2 == 0 {
            measured.reference.push(reference()?);
            measured.ours.push(ours()?);
        } else {
            measured.ours.push(ours()?);
            measured.reference.push(reference()?);
        }
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::paired;

    #[test]
    fn who_begins_changes_and_the_first_pair_does_not_count() {
        let turns = RefCell::new(String::new());
        let turn = |who: char| {
            turns.borrow_mut().push(who);
            Ok(turns.borrow().len())
        };
        let measured = paired(3, || turn('r'), || turn('o')).unwrap();
        assert_eq!(*turns.borrow(), "roroorro");
        assert_eq!((measured.reference, measured.ours), (vec![3, 6, 7], vec![4, 5, 8]));
    }
}
