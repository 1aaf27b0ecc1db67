//! The order of keys in the YAML that Go writes: by letters, but numbers inside a name by size (`a2` before `a10`),
//! and anything else before letters.

/// Sorts keys in that order. An insertion with binary search, because Go's rule is not a total order for every input
/// (`08` < `0b` < `1` < `08`), and the standard sorts may panic without one.
pub(super) fn sorted<'a>(keys: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    let mut sorted: Vec<&String> = Vec::new();
    for key in keys {
        let at = sorted.partition_point(|earlier| less(earlier, key));
        sorted.insert(at, key);
    }
    sorted
}

/// Whether `a` comes before `b`: the rule of yaml.v2's `sorter.go`.
fn less(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(a, b)| a != b) else {
        return a.len() < b.len();
    };
    let (Some(&x), Some(&y)) = (a.get(at), b.get(at)) else {
        return false;
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x < y,
        (false, false) => {}
        (_, right) => return right,
    }
    let same = a.get(..at).unwrap_or_default();
    // Zeros that differ lead their numbers, unless the common part already began the number with another digit.
    let begun = (x == '0' || y == '0')
        && same
            .iter()
            .rev()
            .take_while(|c| c.is_ascii_digit())
            .any(|digit| *digit != '0');
    let (x_number, x_end) = number(&a, at, begun);
    let (y_number, y_end) = number(&b, at, begun);
    if x_number != y_number {
        return x_number < y_number;
    }
    if x_end != y_end {
        return x_end < y_end;
    }
    x < y
}

fn number(name: &[char], from: usize, begun: bool) -> (i64, usize) {
    let mut number = i64::from(begun);
    let mut end = from;
    for digit in name.iter().skip(from).map_while(|c| c.to_digit(10)) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(digit));
        end += 1;
    }
    (number, end)
}
