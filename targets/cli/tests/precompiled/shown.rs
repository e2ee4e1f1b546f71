//! What is shown of machine code.

use super::{compiled, foreign};
use crate::common::{dunlin, example, folder, json};
use serde_json::json as value;

#[test]
fn what_it_is_made_for_is_shown() {
    let folder = folder("what_it_is_made_for");
    let module = example("wasm/hello.wasm");
    for (options, words) in [
        (&["--target", "aarch64-linux"][..], "machine code for aarch64, by dunlin "),
        (&["--target=x86_64-unknown-linux-musl", "--cpu-features", "x86-64-v3"], "popcnt, avx, avx2, bmi1,"),
        (&["--fuel"], "it checks each memory access and counts fuel"),
        (&["--memory-guard=on"], "it needs memory guards"),
    ] {
        let file = &compiled(&folder, &module, options);
        let shown = dunlin(&["inspect", file]).code(0).out;
        assert!(shown.contains(words), "{words}: {shown}");
        let inspected = json(&dunlin(&["inspect", "--json", file]).code(0).out);
        let code = &inspected["precompiled"];
        assert_eq!((&code["functions"], &code["usable"]), (&56.into(), &true.into()), "{code}");
        assert_eq!(code["fuel"], options.contains(&"--fuel"), "{code}");
        dunlin(&["validate", file]).code(0);
        dunlin(&["inspect", "--budget", file]).code(0);
    }
    let plain = json(&dunlin(&["inspect", "--json", &module]).code(0).out);
    assert!(plain["precompiled"].is_null());
}

#[test]
fn all_of_it_is_shown_as_json() {
    let folder = folder("all_of_it_is_shown");
    let module = example("smallest.wat");
    for (target, arch) in [("x86_64-linux", "x86_64"), ("aarch64-linux", "aarch64")] {
        for (options, guard, protection, fuel) in [
            (&[][..], false, false, false),
            (&["--cpu-features", "baseline", "--memory-guard", "off"], false, false, false),
            (&["--memory-guard", "on"], true, false, false),
            (&["--branch-protection"], false, true, false),
            (&["--fuel"], false, false, true),
        ] {
            let file = &compiled(&folder, &module, &[&["--target", target], options].concat());
            let mut shown = json(&dunlin(&["inspect", "--json", file]).code(0).out)["precompiled"].take();
            let code = shown.as_object_mut().unwrap();
            let (bytes, features) = (code.remove("code_bytes"), code.remove("cpu_features"));
            assert!(bytes.is_some_and(|bytes| bytes.as_u64().unwrap() > 100), "{shown}");
            assert_eq!(features.unwrap().to_string().contains("sse4.2"), arch == "x86_64");
            let expected = value!({
                "usable": true, "engine": env!("CARGO_PKG_VERSION"), "arch": arch, "memory_guard": guard,
                "branch_protection": protection, "fuel": fuel, "canonical_nans": false, "functions": 1,
            });
            assert_eq!(shown, expected, "{options:?}");
        }
    }
}

#[test]
fn what_cannot_be_used_is_shown_with_the_reason() {
    let folder = folder("what_cannot_be_used");
    let file = compiled(&folder, &example("smallest.wat"), &[]);
    let mut bytes = std::fs::read(&file).unwrap();
    let module_end = 32 + u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    bytes[module_end] += 1;
    std::fs::write(&file, bytes).unwrap();
    let words = dunlin(&["inspect", &file]).code(0).out;
    let why = "it has another version's format";
    assert!(words.contains(&format!("\n  machine code that isn't used: {why}\n")), "{words}");
    let found = json(&dunlin(&["inspect", "--json", &file]).code(0).out);
    assert_eq!(found["precompiled"], value!({"usable": false, "problem": why}));
    assert_eq!(found["functions"], 1);
}

#[test]
fn what_was_made_is_told() {
    let folder = folder("what_was_made");
    let module = folder.join("app.wat");
    let imported = r#"(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))"#;
    for (functions, words) in
        [(1, "app.dun: 1 of 1 function compiled for "), (3, "app.dun: 3 of 3 functions compiled for ")]
    {
        let text = format!("(module {imported} {})", "(func)".repeat(functions));
        std::fs::write(&module, text).unwrap();
        let made = dunlin(&["compile", "--target", foreign(), module.to_str().unwrap()]).code(0);
        assert!(made.out.contains(words) && made.out.ends_with(" bytes of machine code\n"), "{made:#?}");
        assert_eq!(made.err, "");
    }
}

#[test]
fn what_stays_interpreted_is_told() {
    let module = folder("what_stays_interpreted").join("many.wat");
    let many = format!("(func (result {}) unreachable)", "i32 ".repeat(40));
    for (number, words) in [(1, "1 function stays"), (2, "2 functions stay")] {
        std::fs::write(&module, format!("(module (func) {})", many.repeat(number))).unwrap();
        let ended = dunlin(&["compile", "--target", foreign(), module.to_str().unwrap()]).code(0);
        let why = "interpreted: so many results is not supported";
        ended.one_sentence().says(&format!("dunlin: warning: {words} {why}\n"));
    }
}
