//! The list of machine code that `perf` reads.
#![cfg(feature = "compiler")]

use dunlin::{Config, Engine, Instance, Module, Store};
use dunlin_jit::{Jit, Mode, Options};
use std::fs::{File, read_to_string};
use std::ops::Range;
use std::path::Path;

const TEXT: &str = r#"(module
    (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func $"two\nlines \c3\a4" (export "odd") (result i32) (call $add (i32.const 1) (i32.const 2)))
    (func (export "unnamed") (result i32) (call $add (i32.const 3) (i32.const 4)))
    (func $spin (export "spin") (param $n i32)
        (loop $again (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

/// What is listed after `call`: ranges of addresses, and names.
fn listed(
    options: &mut Options,
    text: &str,
    call: impl FnOnce(&mut Store<()>, Instance),
) -> Vec<(Range<usize>, String)> {
    // Of this thread alone.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{:?}.map", std::thread::current().id()));
    let jit = Jit::new(options.perf_map(File::create(&path).unwrap())).unwrap();
    let engine = Engine::new(Config::new().consume_fuel(true).tier(jit.clone())).unwrap();
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(u64::MAX).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    call(&mut store, instance);
    let text = read_to_string(&path).unwrap();
    let listed: Vec<_> = text.lines().map(line).collect();
    // All of it is executable now, and no two of them overlap.
    let maps = read_to_string("/proc/self/maps").unwrap();
    let executable: Vec<_> = maps.lines().filter(|line| line.contains(" r-xp ")).map(range).collect();
    for (code, name) in &listed {
        let is_in = |pages: &Range<usize>| pages.start <= code.start && code.end <= pages.end;
        assert!(code.start < code.end && executable.iter().any(is_in), "{name}: {code:x?}");
    }
    let mut sorted: Vec<_> = listed.iter().map(|(code, _)| code.clone()).collect();
    sorted.sort_by_key(|code| code.start);
    assert!(sorted.windows(2).all(|pair| pair[0].end <= pair[1].start), "{sorted:x?}");
    listed
}

fn line(line: &str) -> (Range<usize>, String) {
    let [start, size, name] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
    let [start, size] = [start, size].map(|number| usize::from_str_radix(number, 16).unwrap());
    (start..start + size, name.to_owned())
}

/// The addresses of a line of `/proc/self/maps`.
fn range(line: &str) -> Range<usize> {
    let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
    usize::from_str_radix(start, 16).unwrap()..usize::from_str_radix(end, 16).unwrap()
}

fn names(listed: &[(Range<usize>, String)]) -> Vec<&str> {
    listed.iter().map(|(_, name)| &**name).collect()
}

#[test]
fn everything_compiled_is_listed() {
    let listed = listed(Jit::options().mode(Mode::Eager), TEXT, |store, instance| {
        let odd = instance.get_typed_func::<(), i32>(&*store, "odd").unwrap();
        assert_eq!(odd.call(store, ()).unwrap(), 3);
    });
    let names = names(&listed);
    for name in ["add", "twolines ä", "func[2]", "spin", "[bridge]"] {
        assert_eq!(names.iter().filter(|listed| **listed == name).count(), 1, "{name} in {names:?}");
    }
    let count = |what| names.iter().filter(|name| name.starts_with(what)).count();
    assert_eq!((count("[trampoline of type "), count("[stub of type ")), (3, 3), "{names:?}");
}

#[test]
fn hot_functions_and_loops_are_listed_as_they_are_compiled() {
    let once = |threshold| {
        let mut options = Jit::options();
        options.mode(Mode::Sync).threshold(threshold).sample_every(1000);
        options
    };
    let all = listed(&mut once(0), TEXT, |store, instance| {
        let add = instance.get_typed_func::<(i32, i32), i32>(&*store, "add").unwrap();
        assert_eq!(add.call(store, (1, 2)).unwrap(), 3);
    });
    assert!(names(&all).contains(&"add") && !names(&all).contains(&"spin"), "{all:?}");
    let all = listed(&mut once(1), TEXT, |store, instance| {
        instance.get_typed_func::<i32, ()>(&*store, "spin").unwrap().call(store, 1_000_000).unwrap();
    });
    assert!(names(&all).iter().any(|name| name.starts_with("spin [")), "{all:?}");
}

#[test]
fn a_long_name_is_cut_between_characters() {
    for padding in 0..3 {
        let name = format!("{}{}", "x".repeat(padding), "€".repeat(1000));
        let text = format!(r#"(module (func $"{name}" (export "f")))"#);
        let listed = listed(Jit::options().mode(Mode::Eager), &text, |_, _| {});
        let cut = names(&listed).into_iter().find(|listed| listed.contains('€')).unwrap();
        assert!(name.starts_with(cut) && cut.len() > 400 && cut.len() < 512, "{cut}");
    }
}
