//! The `name` section: what is kept of it, and what isn't.

use super::{answer, leb, load, load_in, section, wasm, with_sections};
use crate::memory::limits::{MAX_NAME_BYTES, MAX_NAMES_BYTES};
use crate::memory::{Budget, Kind};
use crate::module::names::Names;
use crate::stream::name_section::NameSection;
use alloc::string::String;
use alloc::vec::Vec;

/// The names of a module whose name section has these contents.
fn names(contents: &[u8]) -> Names {
    let bytes = with_sections(&[section(0, &[b"\x04name", contents].concat())]);
    let whole = load([&bytes]).unwrap();
    assert_eq!(format!("{whole:?}"), answer(load(bytes.chunks(1))));
    whole.names
}

#[test]
fn names_are_parsed_as_they_come() {
    let good = names(b"\x00\x05\x04self\x01\x09\x02\x00\x01a\x02\x03bcd\x02\x01\x00");
    assert_eq!(good.module.as_deref(), Some("self"));
    assert_eq!((good.func(0), good.func(1), good.func(2)), (Some("a"), None, Some("bcd")));
    // What is malformed ends the parsing; what came before is kept.
    let order = names(b"\x01\x09\x02\x02\x01a\x00\x03bcd");
    assert_eq!((order.func(0), order.func(2)), (None, Some("a")));
    let utf8 = names(b"\x01\x07\x02\x00\x01a\x01\x01\xff");
    assert_eq!((utf8.func(0), utf8.func(1)), (Some("a"), None));
    let short = names(b"\x01\x09\x02\x00\x01a\x02\x05bc");
    assert_eq!((short.func(0), short.func(2)), (Some("a"), None));
    let subsection = names(b"\x01\x05\x02\x00\x01a\x02");
    assert_eq!(subsection.func(0), Some("a"));
    let twice = names(b"\x01\x04\x01\x00\x01a\x01\x04\x01\x01\x01b");
    assert_eq!((twice.func(0), twice.func(1)), (Some("a"), None));
    assert_eq!(names(b"\x00\x02\x05x").module, None);
    assert_eq!(names(b"\x00\x05\x02abcd").module.as_deref(), Some("ab"));
    assert_eq!(names(b"\x01\x80\x80\x80\x80\x80").funcs.len(), 0);
    assert_eq!(names(b"").module, None);
}

#[test]
fn a_long_name_is_cut_between_characters() {
    let long = format!("x{}", "é".repeat(3000));
    let bytes = wasm(&format!("(module (func $\"{long}\") (func $next))"));
    let names = load([&bytes]).unwrap().names;
    let kept = names.func(0).unwrap();
    assert_eq!(kept.len(), crate::memory::limits::MAX_NAME_BYTES as usize - 1);
    assert!(long.starts_with(kept));
    assert_eq!(names.func(1), Some("next"));
}

#[test]
fn names_are_dropped_when_the_budget_has_no_room() {
    let funcs: Vec<String> = (0..40).map(|i| format!("(func ${}_{i})", "n".repeat(3000))).collect();
    let bytes = wasm(&format!("(module {})", funcs.concat()));
    let budget = Budget::unlimited();
    let all = load_in(&budget, [&bytes]).unwrap();
    assert!(all.names.func(39).is_some() && budget.used_for(Kind::Names) > 120_000);
    drop(all);
    // Names come last, so that they make the peak.
    let budget = Budget::new(budget.peak() - 1000);
    let few = load_in(&budget, [&bytes]).unwrap();
    assert_eq!((few.names.func(0), few.names.func(1)), (None, None));
    assert_eq!(budget.used_for(Kind::Names), 0);
}

/// The function names of a name section, in which function `n` has name `n`.
fn subsection(names: &[&[u8]]) -> Vec<u8> {
    let mut contents = leb(names.len());
    for (index, name) in names.iter().enumerate() {
        contents.extend([leb(index), leb(name.len()), name.to_vec()].concat());
    }
    section(1, &contents)
}

#[test]
fn a_name_for_the_same_function_again_ends_the_parsing() {
    let twice = names(b"\x01\x0a\x03\x03\x01a\x03\x01b\x04\x01c");
    assert_eq!((twice.func(3), twice.func(4), twice.funcs.len()), (Some("a"), None, 1));
}

#[test]
fn half_a_character_is_cut_off_with_what_follows_it_but_never_accepted() {
    // It is the name's end, not a cut.
    let half = names(b"\x01\x08\x02\x00\x01a\x01\x02b\xc3");
    assert_eq!((half.func(0), half.func(1), half.funcs.len()), (Some("a"), None, 1));
    assert_eq!(names(b"\x00\x03\x02b\xc3").module, None);
    let most = MAX_NAME_BYTES as usize;
    let kept = |name: &[u8]| names(&subsection(&[b"first", name, b"next"]));
    for (end, len) in
        [(&b"xy"[..], most), (b"\xc3\xa9", most - 1), (b"x\xff", most), (b"\xe2\x82\xac", most - 1)]
    {
        let name = [&vec![b'n'; most - 1], end].concat();
        let names = kept(&name);
        assert_eq!(names.func(1).map(str::len), Some(len), "{end:x?}");
        assert_eq!(names.func(2), Some("next"));
    }
    // What isn't a character is none, wherever the name is cut.
    for (wrong, at) in [(&b"\xff"[..], 100), (b"\xc3x", most - 2), (b"\xff", most - 1)] {
        let mut name = vec![b'n'; most + 10];
        name[at..at + wrong.len()].copy_from_slice(wrong);
        let names = kept(&name);
        assert_eq!((names.func(0), names.func(1), names.func(2)), (Some("first"), None, None), "{wrong:x?}");
    }
}

#[test]
fn a_name_is_kept_whole_up_to_its_limit() {
    let most = MAX_NAME_BYTES as usize;
    for len in [most - 1, most, most + 1] {
        let name = vec![b'n'; len];
        let names = names(&subsection(&[&name, b"next"]));
        assert_eq!((names.func(0).unwrap().len(), names.func(1)), (len.min(most), Some("next")));
    }
}

#[test]
fn names_are_kept_up_to_their_limit_together() {
    let most = MAX_NAME_BYTES as usize;
    assert_eq!(MAX_NAMES_BYTES % most, 0);
    let full = vec![vec![b'n'; most]; MAX_NAMES_BYTES / most - 1];
    // The last of them leave nothing, or nothing and then too little for what follows.
    for (last, kept) in [
        (&[most][..], 1),
        (&[most - 1, 1], 2),
        (&[most - 1, 2, 1], 1),
        (&[most - 2, 1, 1, 0, 1], 3),
        (&[most, 1], 1),
    ] {
        let more: Vec<_> = last.iter().map(|len| vec![b'm'; *len]).collect();
        let all: Vec<&[u8]> = full.iter().chain(&more).map(Vec::as_slice).collect();
        let contents = subsection(&all);
        for piece in [contents.len(), 1000] {
            let mut section = NameSection::new(&Budget::unlimited());
            assert!(section.begin());
            contents.chunks(piece).for_each(|piece| section.feed(piece));
            let names = section.finish();
            assert_eq!(names.funcs.len(), full.len() + kept, "{last:?}");
            assert_eq!(
                names.text.len(),
                MAX_NAMES_BYTES.min(full.len() * most + last[..kept].iter().sum::<usize>())
            );
        }
    }
}

/// All names are given up when there is no room for one, those that there are already and those that follow.
#[test]
fn after_a_refusal_nothing_is_kept() {
    let long = vec![b'n'; 5000];
    let modules_own = [&b"\x00\x82\xf1\x04\xff\xf0\x04"[..], &vec![b'm'; 79_999]].concat();
    let many = |count, name: &[u8]| subsection(&vec![name; count]);
    // What is refused: the text, the list, or the name of the module.
    for contents in [
        [b"\x00\x05\x04self", &*many(40, &long)].concat(),
        [b"\x00\x05\x04self", &*many(20_000, b"n")].concat(),
        modules_own,
    ] {
        let fits = Budget::unlimited();
        let mut all = NameSection::new(&fits);
        all.begin();
        all.feed(&contents);
        for limit in [fits.peak() - 1, fits.peak() / 2] {
            let budget = Budget::new(limit);
            let mut section = NameSection::new(&budget);
            section.begin();
            for byte in &contents {
                section.feed(&[*byte]);
            }
            // Names that there would be room for.
            section.feed(b"\x01\x04\x01\x00\x01a");
            assert_eq!(budget.used(), 0);
            let names = section.finish();
            assert!(names.module.is_none() && names.text.is_empty() && names.funcs.is_empty());
        }
    }
}
