//! The suites would pass too if failures went unnoticed: here is one of every kind.

use dunlin::Config;
use dunlin_wast::{Kind, run_script};

#[test]
fn failures_of_every_kind_are_noticed() {
    let script = r#"
        (module $m (func (export "one") (result i32) (i32.const 1)) (func (export "trap") unreachable)
            (global (export "g") i32 (i32.const 7)))
        (assert_return (invoke "one") (i32.const 2))
        (assert_return (invoke "one"))
        (assert_return (invoke "one" (i32.const 1)) (i32.const 1))
        (assert_return (invoke "none"))
        (assert_return (invoke $n "one") (i32.const 1))
        (assert_return (get "g") (i32.const 8))
        (assert_return (invoke "trap"))
        (assert_trap (invoke "trap") "integer overflow")
        (assert_trap (invoke "one") "unreachable")
        (assert_trap (invoke "none") "unreachable")
        (assert_exhaustion (invoke "trap") "call stack exhausted")
        (assert_exhaustion (invoke "one") "call stack exhausted")
        (assert_invalid (module) "type mismatch")
        (assert_malformed (module quote "(module)") "unexpected end")
        (assert_malformed (module binary "\00asm\01\00\00\00") "unexpected end")
        (assert_unlinkable (module) "unknown import")
        (assert_unlinkable (module (import "spectest" "none" (func))) "incompatible import type")
        (assert_unlinkable (module (import "spectest" "none" (func)) (func (result i32))) "unknown import")
        (assert_exception (invoke "one"))
        (invoke "trap")
        (register "x" $n)
        (module instance $i $n)
        (module (func (result i32)))
        (module (import "spectest" "none" (func)))
        (module definition (func (result i32)))
        (thread $t (shared (module $n)) (assert_return (invoke "one") (i32.const 1)))
        (wait $t)"#;
    let report = run_script("all.wast", script, &Config::new());
    let unnoticed: Vec<_> = report.counts.iter().filter(|(_, tally)| tally.passed() > 0).collect();
    assert_eq!(unnoticed.len(), 2, "{report}");
    assert_eq!(report.counts.get(Kind::Script).failed, 0);
    let modules = report.counts.get(Kind::Module);
    assert_eq!((modules.total, modules.failed), (3, 2), "{report}");
    let all = report.counts.assertions();
    assert_eq!((all.failed, all.refused), (19, 0), "{report}");
    assert_eq!(report.counts.get(Kind::Thread).failed + report.counts.get(Kind::Wait).failed, 2);
    assert_eq!(report.failures.len(), 19 + 8, "{report}");
    assert_eq!(
        report.failures[0].to_string(),
        "all.wast:4:10: assert_return: expected (i32.const 2), got (i32.const 1)"
    );

    let broken = run_script("broken.wast", "(module)\n  (assert_never)", &Config::new());
    assert_eq!(broken.counts.get(Kind::Script).failed, 1);
    assert_eq!((broken.failures[0].line, broken.failures[0].column), (2, 4));
}

#[test]
fn what_dunlin_lacks_is_refused() {
    let script = r#"
        (module $old (func (export "f") (result i32) (i32.const 1)))
        (assert_return (invoke "f") (i32.const 1))
        (module $new (type (struct)) (func (export "f") (result i32) (i32.const 1)))
        (assert_return (invoke "f") (i32.const 1))
        (assert_trap (invoke $new "f") "unreachable")
        (assert_trap (module (type (struct))) "unreachable")
        (register "new" $new)
        (module definition $later (type (struct)))
        (module instance $later $later)
        (invoke "f")
        (assert_return (invoke $old "f") (i32.const 1))
        (assert_return (invoke $old "f") (i32.const 2))
        (module (func (result i32)))
        (assert_return (invoke "f") (i32.const 1))"#;
    let report = run_script("lacks.wast", script, &Config::new());
    let all = report.counts.assertions();
    assert_eq!((all.total, all.passed(), all.failed, all.refused), (7, 2, 2, 3), "{report}");
    let refused = report.failures.iter().filter(|failure| failure.refused);
    let lines: Vec<_> = refused.map(|failure| failure.line).collect();
    assert_eq!(lines, [4, 5, 6, 7, 8, 9, 10, 11], "{report}");
    assert!(!report.passed() && report.to_string().contains("refused: expected a valid module"), "{report}");
    // What is off is lacking as well.
    let script = "(module (memory 1) (memory 1))";
    let report = run_script("off.wast", script, Config::new().wasm_multi_memory(false));
    assert_eq!(report.counts.get(Kind::Module).refused, 1, "{report}");
}

#[test]
fn threads_share_memories_and_their_failures_are_noticed() {
    let script = r#"
        (module $m (memory (export "m") 1 1 shared)
            (func (export "get") (result i32) (i32.load8_u (i32.const 0))))
        (thread $t (shared (module $m))
            (register "m" $m)
            (module (import "m" "m" (memory 1 1 shared)) (func (export "set") (i32.store8 (i32.const 0) (i32.const 5))))
            (invoke "set")
            (assert_return (invoke "set") (i32.const 1)))
        (wait $t)
        (assert_return (invoke $m "get") (i32.const 5))"#;
    let report = run_script("threads.wast", script, Config::new().shared_memory(true));
    assert_eq!(report.failures.len(), 1, "{report}");
    assert_eq!((report.failures[0].line, report.failures[0].kind), (8, Kind::AssertReturn), "{report}");
    assert_eq!(
        (report.counts.assertions().total, report.counts.get(Kind::Wait).passed()),
        (2, 1),
        "{report}"
    );
}
