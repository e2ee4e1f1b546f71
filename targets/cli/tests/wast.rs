//! `dunlin wast`.
#![cfg(feature = "text")]

mod common;

use common::{dunlin, folder, json};

const GOOD: &str = r#"(module (func (export "f") (param i32) (result i32) (local.get 0)))
(assert_return (invoke "f" (i32.const 1)) (i32.const 1))
(assert_return (invoke "f" (i32.const 2)) (i32.const 2))
(assert_invalid (module (func (result i32))) "type mismatch")
"#;
const BAD: &str = r#"(module (func (export "f") (result i32) (i32.const 1)))
(assert_return (invoke "f") (i32.const 1))
(assert_return (invoke "f") (i32.const 2))
"#;

#[test]
fn scripts_are_counted_by_kind() {
    let folder = folder("scripts_are_counted_by_kind");
    std::fs::write(folder.join("good.wast"), GOOD).unwrap();
    std::fs::create_dir(folder.join("more")).unwrap();
    std::fs::write(folder.join("more/bad.wast"), BAD).unwrap();
    let all = folder.to_str().unwrap();
    let good = &format!("{all}/good.wast");

    let ended = dunlin(&["wast", good]).code(0);
    assert!(ended.out.contains("good.wast: 3 of 3 assertions passed\n"), "{ended:#?}");
    assert!(ended.out.contains("assert_return") && ended.out.ends_with("all passed\n"), "{ended:#?}");

    let ended = dunlin(&["wast", all]).code(1);
    assert!(ended.out.contains("bad.wast: 1 of 2 assertions passed"), "{ended:#?}");
    assert!(ended.out.contains("bad.wast:3:") && ended.out.ends_with("FAILED\n"), "{ended:#?}");

    let found = json(&dunlin(&["wast", "--json", all]).code(1).out);
    assert_eq!(found["passed"], false);
    assert_eq!(found["assertions"], serde_json::json!({"passed": 4, "failed": 1, "refused": 0}));
    assert_eq!(found["kinds"]["assert_return"], serde_json::json!({"passed": 3, "failed": 1, "refused": 0}));
    assert_eq!(found["kinds"]["assert_invalid"], serde_json::json!({"passed": 1, "failed": 0, "refused": 0}));
    let failures: Vec<_> =
        found["scripts"].as_array().unwrap().iter().flat_map(|s| s["failures"].as_array().unwrap()).collect();
    assert_eq!(failures.len(), 1);
    let expected = serde_json::json!({
        "line": 3, "column": 2, "kind": "assert_return", "expected": "(i32.const 2)", "got": "(i32.const 1)", "refused": false,
    });
    assert_eq!(*failures[0], expected);
    let script = |index: usize| found["scripts"][index]["script"].as_str().unwrap();
    assert!(script(0).ends_with("/good.wast") && script(1).ends_with("/more/bad.wast"), "{found:#}");
    assert_eq!(
        found["scripts"][1]["assertions"],
        serde_json::json!({"passed": 1, "failed": 1, "refused": 0})
    );
    let found = json(&dunlin(&["wast", "--json", good]).code(0).out);
    assert_eq!((&found["passed"], &found["scripts"][0]["failures"]), (&true.into(), &serde_json::json!([])));
}

#[test]
fn what_dunlin_lacks_is_told_apart() {
    let folder = folder("what_dunlin_lacks");
    let path = folder.join("new.wast");
    let lacking = r#"(module (type (struct)) (func (export "f")))
        (assert_return (invoke "f"))"#;
    std::fs::write(&path, lacking).unwrap();
    let path = path.to_str().unwrap();
    let ended = dunlin(&["wast", path]).code(1);
    assert!(ended.out.contains("0 of 1 assertion passed, 1 refused"), "{ended:#?}");
    assert!(ended.out.contains("REFUSED: nothing failed") && !ended.out.contains("FAILED"), "{ended:#?}");
    let found = json(&dunlin(&["wast", "--json", path]).code(1).out);
    assert_eq!(found["assertions"], serde_json::json!({"passed": 0, "failed": 0, "refused": 1}));
    assert_eq!(found["scripts"][0]["failures"][0]["refused"], true);
    std::fs::write(path, format!("{lacking} (module) (assert_return (invoke \"g\"))")).unwrap();
    let ended = dunlin(&["wast", path]).code(1);
    assert!(ended.out.contains("0 of 2 assertions passed, 1 refused") && ended.out.ends_with("FAILED\n"));
}

#[test]
fn what_is_no_script() {
    let folder = folder("what_is_no_script");
    let empty = folder.to_str().unwrap();
    dunlin(&["wast", empty]).code(1).one_sentence().says("no .wast file in this folder");
    dunlin(&["wast", "no such file"]).code(1).one_sentence().says("No such file");
    let text = folder.join("text.wast");
    std::fs::write(&text, "Dear reader").unwrap();
    let ended = dunlin(&["wast", text.to_str().unwrap()]).code(1);
    assert!(ended.out.contains("text.wast"), "{ended:#?}");
}
