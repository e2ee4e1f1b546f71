//! Sorting what was added to a sorted list.

use crate::memory::sort_by_key;

/// Sorts `list`, of which the first `sorted` are sorted already. Without memory of its own, and each of these moves once.
pub(super) fn sort_rest<T, K: Ord>(list: &mut [T], sorted: usize, key: impl Fn(&T) -> K) {
    sort_by_key(&mut list[sorted..], &key);
    let (mut before, mut end) = (sorted, list.len());
    // The last of the rest goes behind all that isn't greater, and what is greater goes behind it.
    while before > 0 && before < end {
        let last = key(&list[end - 1]);
        let place = list[..before].partition_point(|item| key(item) <= last);
        let greater = before - place;
        list[place..end].rotate_left(greater);
        before = place;
        end -= greater + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::sort_rest;

    #[test]
    fn the_rest_goes_to_its_places() {
        // Some numbers without a pattern, with equal ones among them.
        let numbers: Vec<u32> = (1..=60u32).map(|n| n.wrapping_mul(0x9e37_79b9) >> 26).collect();
        for len in 0..numbers.len() {
            for sorted in 0..=len {
                let mut list = numbers[..len].to_vec();
                list[..sorted].sort_unstable();
                let mut expected = list.clone();
                expected.sort_unstable();
                sort_rest(&mut list, sorted, |number| *number);
                assert_eq!(list, expected, "{sorted} of {len}");
            }
        }
    }
}
