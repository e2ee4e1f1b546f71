//! `dunlin run --profile` for other tools: the Firefox Profiler, and `perf`.

mod common;

use common::{command, dunlin, dunlin_with, example, folder};
use std::collections::BTreeMap;

/// What a profile for the Firefox Profiler says of each stack, as the folded format spells it.
#[cfg(feature = "debug-info")]
fn stacks(json: &str) -> BTreeMap<String, u64> {
    let profile: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(profile["meta"]["preprocessedProfileVersion"], 55);
    let [thread] = &profile["threads"].as_array().unwrap()[..] else { panic!("{profile}") };
    let names = thread["stringArray"].as_array().unwrap();
    // Every table's columns are as long as it says.
    for table in
        ["frameTable", "funcTable", "stackTable", "samples", "markers", "nativeSymbols", "resourceTable"]
    {
        let table = thread[table].as_object().unwrap();
        for column in table.values().filter_map(serde_json::Value::as_array) {
            assert_eq!(column.len() as u64, table["length"].as_u64().unwrap(), "{table:?}");
        }
    }
    let index = |table: &str, column: &str, row: &serde_json::Value| {
        thread[table][column][row.as_u64().unwrap() as usize].clone()
    };
    let mut found = BTreeMap::new();
    let samples = &thread["samples"];
    assert_eq!(samples["weightType"], "samples");
    for (stack, weight) in
        samples["stack"].as_array().unwrap().iter().zip(samples["weight"].as_array().unwrap())
    {
        let (mut stack, mut line) = (stack.clone(), Vec::new());
        while !stack.is_null() {
            let func = index("frameTable", "func", &index("stackTable", "frame", &stack));
            let name = index("funcTable", "name", &func).as_u64().unwrap() as usize;
            line.push(names[name].as_str().unwrap());
            stack = index("stackTable", "prefix", &stack);
        }
        line.reverse();
        let before = found.insert(line.join(";"), weight.as_u64().unwrap());
        assert_eq!(before, None, "{line:?}");
    }
    found
}

#[test]
#[cfg(feature = "debug-info")]
fn the_firefox_profiler_gets_the_same_stacks() {
    let folder = folder("the_firefox_profiler_gets_the_same_stacks");
    let [json, folded] = ["p.json", "p.folded"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    for (path, options) in [(&json, &["--jit", "off"][..]), (&folded, &["--jit", "off"])] {
        let options = if cfg!(feature = "jit") { options } else { &[] };
        let nqueens = example("wasm/nqueens.wasm");
        dunlin(&[&["run"], options, &["--profile", path, &nqueens, "8"]].concat()).code(0);
    }
    let lines = std::fs::read_to_string(&folded).unwrap();
    let expected: BTreeMap<_, u64> = lines
        .lines()
        .map(|line| line.rsplit_once(' ').unwrap())
        // The folded format has no spaces in names.
        .map(|(stack, weight)| (stack.replace("\\x20", " "), weight.parse().unwrap()))
        .collect();
    assert!(expected.len() > 3);
    assert_eq!(stacks(&std::fs::read_to_string(&json).unwrap()), expected);
}

#[test]
#[cfg(all(feature = "debug-info", feature = "text"))]
fn names_are_whatever_they_are() {
    let path = folder("names_are_whatever_they_are").join("p.json").to_str().unwrap().to_owned();
    let spin = r#"(module (func $"\"quoted\"\\ \n\t\7f end" (export "spin") (local i32)
        (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 300000))))))"#;
    dunlin_with(&["run", "--profile", &path, "--invoke", "spin", "-"], spin.as_bytes()).code(0);
    let found = stacks(&std::fs::read_to_string(&path).unwrap());
    assert!(found["\"quoted\"\\ \n\t\u{7f} end"] > 100_000, "{found:?}");
}

#[test]
#[cfg(feature = "jit")]
fn perf_finds_the_names_of_machine_code() {
    let nqueens = example("wasm/nqueens.wasm");
    let args = ["run", "--jit", "sync", "--jit-threshold", "0", "--profile", "perfmap", &nqueens, "6"];
    let child = command(&args).spawn().unwrap();
    let path = format!("/tmp/perf-{}.map", child.id());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let map = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut functions = 0;
    for line in map.lines() {
        let [start, size, name] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        assert!(u64::from_str_radix(start, 16).unwrap() > 0x1000, "{line}");
        assert!(u64::from_str_radix(size, 16).unwrap() > 0, "{line}");
        // The module has no names, so its functions are called by their indices.
        functions += usize::from(name.strip_prefix("func[").is_some_and(|rest| rest.ends_with(']')));
    }
    assert!(functions > 5, "{map}");
    // Without the option there is none.
    let child = command(&["run", &nqueens, "6"]).spawn().unwrap();
    let path = format!("/tmp/perf-{}.map", child.id());
    child.wait_with_output().unwrap();
    assert!(!std::path::Path::new(&path).exists());
}
