//! `regret` and `curve`, from the command line to the tables: everything runs, and what was printed is checked by them.

use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

const BENCHES: &str = env!("CARGO_BIN_EXE_dunlin-benches");

/// A file of this test's, removed when the value is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(env::temp_dir().join(format!("dunlin-regret-{}-{name}", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn our_own_programs_run_in_every_way_on_one_processor() {
    let (json, readme) = (Scratch::new("json"), Scratch::new("readme"));
    fs::write(&readme.0, "before\n<!-- regret own -->\nold\n<!-- regret own -->\nafter\n").unwrap();
    let output = Command::new(BENCHES)
        .args(["regret", "--set", "tiny", "--rounds", "1", "--processors", "1", "--command", BENCHES])
        .arg("--json")
        .arg(&json.0)
        .arg("--readme")
        .arg(&readme.0)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let json: Value = serde_json::from_slice(&fs::read(&json.0).unwrap()).unwrap();
    let table = &json["tables"][0];
    assert_eq!((&table["processors"], json["tables"].as_array().unwrap().len()), (&1.into(), 1));
    let programs = table["programs"].as_object().unwrap();
    assert_eq!(programs.len(), dunlin_benches::workloads::WORKLOADS.len() + 2);
    for (name, program) in programs {
        for way in ["off", "eager", "default"] {
            for quantity in ["cpu_ns", "wall_ns", "peak_kib"] {
                assert!(
                    program[way][quantity].as_i64().unwrap() > 0,
                    "{quantity} of {name}, {way}: {program}"
                );
            }
        }
        assert_eq!(program["eager_ended"], true, "{name}");
        assert!(program["regret"].as_f64().unwrap() > 0.0, "{name}");
    }
    assert!(programs.contains_key(table["summary"]["regret"]["worst_program"].as_str().unwrap()));

    let readme = fs::read_to_string(&readme.0).unwrap();
    assert!(readme.starts_with("before\n<!-- regret own -->\n"), "{readme}");
    assert!(readme.ends_with("<!-- regret own -->\nafter\n") && !readme.contains("old\n"), "{readme}");
    for name in programs.keys() {
        assert!(readme.contains(&format!("| {name} ")), "{name} isn't in {readme}");
    }
}

#[test]
fn a_program_that_isnt_there_is_a_failure() {
    let empty = env!("CARGO_TARGET_TMPDIR");
    let output = Command::new(BENCHES)
        .args(["regret", "--set", "real", "--only", "resvg", "--programs", empty, "--command", BENCHES])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(messages.contains("run benches/fetch-programs.sh before"), "{messages}");
}
