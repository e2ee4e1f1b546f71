//! Tests of the map of machine code.

use super::offset_map::put;
use super::{CodeMap, CodeMapBuilder, Handler, Inlined, MapError};

fn sample(count: u32) -> CodeMap {
    let mut builder = CodeMapBuilder::default();
    for k in 0..count {
        builder.function(k * 1000 + 10, k * 1000 + 900, count - k).unwrap();
        builder.trap(k * 1000 + 50, (k % 256) as u8).unwrap();
        for call in 0..5 {
            builder.site(k * 1000 + 60 + call * 3, (k * 7919).wrapping_mul(call)).unwrap();
        }
        for catches in [k, 5] {
            builder
                .handler(Handler { at: k * 1000 + 64, catches, landing: k * 1000 + 80, frame: 32 })
                .unwrap();
        }
    }
    builder.build()
}

#[test]
fn what_was_put_in_is_found_and_nothing_else() {
    for count in [0, 1, 31, 32, 33, 1000] {
        let map = sample(count);
        assert_eq!(map.function_at(0), None);
        for k in 0..count {
            let start = k * 1000 + 10;
            assert!(map.is_function_start(start) && !map.is_function_start(start + 1));
            assert_eq!(map.function_at(start - 1), None);
            assert_eq!(map.function_at(start), Some(count - k));
            assert_eq!(map.function_at(start + 889), Some(count - k));
            assert_eq!(map.function_at(start + 890), None);
            assert_eq!(map.trap_at(start + 40), Some((k % 256) as u8));
            assert_eq!((map.trap_at(start + 39), map.trap_at(start + 41)), (None, None));
            for call in 0..5 {
                let site = k * 1000 + 60 + call * 3;
                assert_eq!(map.site_at(site), Some((k * 7919).wrapping_mul(call)));
                assert_eq!(map.site_at(site + 1), None);
                assert_eq!(map.site_from(site - 2), map.site_at(site));
            }
            let catches: Vec<u32> =
                map.handlers_at(k * 1000 + 64).iter().map(|found| found.catches).collect();
            assert_eq!(catches, [k, 5]);
            assert!(map.handlers_at(k * 1000 + 63).is_empty() && map.handlers_at(k * 1000 + 65).is_empty());
            assert_eq!(map.site_from(start), map.site_at(start + 50));
            assert_eq!((map.site_from(start + 63), map.site_from(start - 1)), (None, None));
        }
    }
}

#[test]
fn a_map_survives_as_bytes() {
    for count in [0, 1, 33, 1000] {
        let map = sample(count);
        let bytes = map.to_bytes().unwrap();
        assert_eq!(CodeMap::from_bytes(&bytes).unwrap(), map);
        // Positions in the sample have large differences; traps, functions and clauses take a few bytes each.
        assert!(
            bytes.len() <= 5 + count as usize * (6 + 4 + 5 * 5 + 2 * 8),
            "{} bytes for {count}",
            bytes.len()
        );
    }
}

#[test]
fn damaged_bytes_are_an_error_or_another_proper_map() {
    let bytes = sample(12).to_bytes().unwrap();
    for end in 0..bytes.len() {
        assert!(CodeMap::from_bytes(&bytes[..end]).is_err());
    }
    assert_eq!(CodeMap::from_bytes(&[&bytes[..], &[0]].concat()), Err(MapError::Malformed));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            if let Ok(map) = CodeMap::from_bytes(&damaged) {
                let again = map.to_bytes().unwrap();
                assert_eq!(CodeMap::from_bytes(&again).unwrap(), map);
                map.trap_at(at as u32 * 100);
                map.site_at(at as u32 * 100);
            }
        }
    }
    assert!(CodeMap::from_bytes(&[0xff; 40]).is_err());
    // A count that the bytes can't hold asks for no memory in advance.
    assert_eq!(CodeMap::from_bytes(&[0xff, 0xff, 0xff, 0xff, 0xf]), Err(MapError::Malformed));
}

/// A map's numbers, each as it shouldn't be.
#[test]
fn each_number_is_looked_at() {
    const MOST: u32 = u32::MAX;
    // Two functions, traps and sites, each behind their number, an inlined place, and a clause.
    let whole: [u32; 26] =
        [2, 10, 5, 2, 0, 1, 1, 2, 12, 8, 3, 20, 2, 11, 4, 1, 6, 1, 7, 8, 9, 1, 12, 5, 14, 16];
    let bytes = |numbers: &[u32]| {
        let mut bytes = Vec::new();
        numbers.iter().for_each(|number| put(&mut bytes, *number).unwrap());
        bytes
    };
    let map = CodeMap::from_bytes(&bytes(&whole)).unwrap();
    assert_eq!((map.function_at(10), map.function_at(14), map.function_at(15)), (Some(1), Some(1), Some(0)));
    assert_eq!(
        (map.trap_at(12), map.trap_at(15), map.site_at(11), map.site_at(12)),
        (Some(4), Some(14), Some(2), Some(5))
    );
    assert_eq!((map.inlined(0), map.inlined(1)), (Some(Inlined { index: 7, offset: 8, at: 9 }), None));
    let handler = Handler { at: 12, catches: 5, landing: 14, frame: 16 };
    assert_eq!((map.handlers_at(12), map.handlers_at(11)), (&[handler][..], &[][..]));
    let refused = [
        ("more functions than there are", 0, 3, MapError::Malformed),
        ("far too many functions", 0, MOST, MapError::Malformed),
        ("a function far behind", 4, MOST, MapError::Malformed),
        ("a function whose end is no number", 2, MOST, MapError::Malformed),
        ("a function of no bytes", 2, 0, MapError::Unsorted),
        ("another function of no bytes", 5, 0, MapError::Unsorted),
        ("more traps than there are", 7, 9, MapError::Malformed),
        ("far too many traps", 7, MOST, MapError::Malformed),
        ("a trap's code that is no byte", 9, 2 * 256, MapError::Malformed),
        ("a trap's code below zero", 9, 1, MapError::Malformed),
        ("a second trap's code that is no byte", 11, 2 * 252, MapError::Malformed),
        ("a trap where one is already", 10, 0, MapError::Unsorted),
        ("a trap far behind", 10, MOST, MapError::Malformed),
        ("more sites than there are", 12, 9, MapError::Malformed),
        ("far too many sites", 12, MOST, MapError::Malformed),
        ("a site where one is already", 15, 0, MapError::Unsorted),
        ("a site far behind", 15, MOST, MapError::Malformed),
        ("more inlined places than there are", 17, 2, MapError::Malformed),
        ("fewer inlined places than there are", 17, 0, MapError::Malformed),
        ("far too many inlined places", 17, MOST, MapError::Malformed),
        ("more clauses than there are", 21, 2, MapError::Malformed),
        ("fewer clauses than there are", 21, 0, MapError::Malformed),
        ("far too many clauses", 21, MOST, MapError::Malformed),
    ];
    for (what, at, number, error) in refused {
        let mut changed = whole;
        changed[at] = number;
        assert_eq!(CodeMap::from_bytes(&bytes(&changed)), Err(error), "{what}");
    }
    let mut greatest = whole;
    greatest[9] = 2 * 245;
    assert_eq!(CodeMap::from_bytes(&bytes(&greatest)).unwrap().trap_at(15), Some(255));
    // A last number of more than 32 bits, or of more bytes than those take.
    let (last, others) = whole.split_last().unwrap();
    let ending = |last: &[u8]| CodeMap::from_bytes(&[&bytes(others)[..], last].concat());
    assert_eq!(ending(&[*last as u8]), Ok(map));
    assert!(ending(&[0xff, 0xff, 0xff, 0xff, 0xf]).is_ok());
    for too_large in
        [&[0xff, 0xff, 0xff, 0xff, 0x1f][..], &[0xff; 5], &[0x80, 0x80, 0x80, 0x80, 0x80, 0], &[0x80], &[]]
    {
        assert_eq!(ending(too_large), Err(MapError::Malformed));
    }
}

#[test]
fn disorder_is_refused() {
    let mut builder = CodeMapBuilder::default();
    builder.function(10, 20, 0).unwrap();
    assert_eq!(builder.function(19, 30, 1), Err(MapError::Unsorted));
    assert_eq!(builder.function(20, 20, 1), Err(MapError::Unsorted));
    builder.trap(5, 1).unwrap();
    assert_eq!(builder.trap(5, 2), Err(MapError::Unsorted));
    builder.site(u32::MAX, 1).unwrap();
    assert_eq!(builder.site(0, 1), Err(MapError::Unsorted));
    assert_eq!(builder.build().end(), u32::MAX);
}
