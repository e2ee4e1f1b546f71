//! Sorting what is short, or sorted seldom. The standard library's sort is faster for long lists, but takes five kilobytes
//! for each type of element.

/// Sorts by a key, which is asked for often. Equal elements may change places. Needs no memory.
pub(crate) fn sort_by_key<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> K) {
    // A heap with the greatest first is made of the list, then taken apart from its end.
    let sink = |heap: &mut [T], mut at: usize| {
        while let Some(mut child) = Some(2 * at + 1).filter(|child| *child < heap.len()) {
            if child + 1 < heap.len() && key(&heap[child]) < key(&heap[child + 1]) {
                child += 1;
            }
            if key(&heap[at]) >= key(&heap[child]) {
                break;
            }
            heap.swap(at, child);
            at = child;
        }
    };
    if list.is_sorted_by_key(&key) {
        return;
    }
    for at in (0..list.len() / 2).rev() {
        sink(list, at);
    }
    for end in (1..list.len()).rev() {
        list.swap(0, end);
        sink(&mut list[..end], 0);
    }
}

#[cfg(test)]
mod tests {
    use super::sort_by_key;
    use alloc::vec::Vec;

    #[test]
    fn lists_of_any_length_are_sorted() {
        // Some numbers without a pattern, with equal ones among them.
        let numbers: Vec<u32> = (1..=100u32).map(|n| n.wrapping_mul(0x9e37_79b9) >> 26).collect();
        for len in 0..numbers.len() {
            let mut list = numbers[..len].to_vec();
            sort_by_key(&mut list, |number| *number);
            let mut expected = numbers[..len].to_vec();
            expected.sort_unstable();
            assert_eq!(list, expected);
            sort_by_key(&mut list, |number| core::cmp::Reverse(*number));
            expected.reverse();
            assert_eq!(list, expected);
        }
    }
}
