//! `try`, `catch`, `delegate` and `rethrow`.

use crate::each;

const TAGS: &str = r#"(tag $a (param i32)) (tag $b (param i32 i32)) (tag $c)
    (func $throw (param i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 10))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i32.const 20) (i32.const 5))))
        (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $c)))
        (i32.const 1))"#;

fn check(text: &str, cases: &[(i32, i32)]) {
    each(&format!("(module {TAGS} {text})"), cases);
}

#[test]
fn the_clause_of_the_tag_catches() {
    check(
        r#"(func (export "f") (param i32) (result i32)
            (i32.const 1000)
            try (result i32) (call $throw (local.get 0))
                 catch $a (i32.add (i32.const 1))
                 catch $b (i32.sub)
                 catch_all (i32.const 99) end
            (i32.add))"#,
        &[(0, 1001), (1, 1011), (2, 1015), (3, 1099)],
    );
}

#[test]
fn a_clause_does_not_catch_what_clauses_throw() {
    check(
        r#"(func (export "f") (param i32) (result i32)
            try (result i32) try (result i32) (call $throw (local.get 0))
                     catch $a (drop) (drop (call $throw (i32.const 3))) (i32.const -1)
                     catch $c (i32.const -2) end
                 catch_all (i32.const 7) end)"#,
        &[(0, 1), (1, 7), (2, 7), (3, -2)],
    );
}

#[test]
fn rethrow_throws_the_exception_of_its_block() {
    check(
        r#"(func $inner (param i32) (result i32)
            try (result i32) (call $throw (local.get 0))
                 catch_all try (result i32) (call $throw (i32.const 3))
                         catch $c (rethrow 1)
                         catch_all (unreachable) end end)
        (func (export "f") (param i32) (result i32)
            try (result i32) (call $inner (local.get 0))
                 catch $a (i32.add (i32.const 100))
                 catch $b (i32.add)
                 catch_all (i32.const -1) end)"#,
        &[(0, 1), (1, 110), (2, 25), (3, -1)],
    );
}

#[test]
fn delegate_skips_what_is_between() {
    check(
        r#"(func (export "f") (param i32) (result i32)
            try $outer (result i32) try (result i32) try (result i32) (call $throw (local.get 0))
                         delegate $outer
                     catch_all (i32.const -1) end
                 catch $a (i32.add (i32.const 1))
                 catch_all (i32.const 50) end)"#,
        &[(0, 1), (1, 11), (2, 50), (3, 50)],
    );
    // To a block that isn't a `try`, and to the caller.
    check(
        r#"(func $out (param i32) (result i32)
            try (result i32) try (result i32) (call $throw (local.get 0)) delegate 1
                 catch_all (i32.const -1) end)
        (func (export "f") (param i32) (result i32)
            try (result i32) (block $b (result i32)
                    try (result i32) try (result i32) (call $out (local.get 0)) delegate $b
                         catch_all (i32.const -2) end)
                 catch_all (i32.const 60) end)"#,
        &[(0, 1), (1, 60), (3, 60)],
    );
    // In a clause, to the block of that clause: it doesn't catch that.
    check(
        r#"(func (export "f") (param i32) (result i32)
            try (result i32) try $t (result i32) (call $throw (local.get 0))
                     catch $a (drop)
                        try (result i32) (call $throw (i32.const 3)) delegate $t
                     catch $c (i32.const -1) end
                 catch_all (i32.const 70) end)"#,
        &[(0, 1), (1, 70), (2, 70), (3, -1)],
    );
}

#[test]
fn branches_out_of_clauses_take_their_values() {
    check(
        r#"(func (export "f") (param i32) (result i32) (local $n i32)
            (local.set $n (local.get 0))
            (loop $again (result i32)
                (block $out (result i32)
                    (i32.const 5)
                    try $t (param i32) (result i32) (drop) (call $throw (local.get $n))
                         catch $b (i32.add) (br $out)
                         catch $a (br_if $t (i32.const 1)) (drop) (i32.const -1)
                         catch_all (local.set $n (i32.const 2)) (br $again) end
                    (i32.add (i32.const 1000)))))"#,
        &[(0, 1001), (1, 1010), (2, 25), (3, 25)],
    );
}

#[test]
fn what_cannot_be_reached_is_left_out() {
    check(
        r#"(func (export "f") (param i32) (result i32)
            try (result i32) (return (call $throw (local.get 0)))
                    try (result i32) (i32.const 1) catch_all (i32.const 2) end
                    try (result i32) (i32.const 1) delegate 0
                    (drop)
                    (try_table (catch_all 0))
                 catch $a (return (i32.add (i32.const 2))) (rethrow 0)
                 catch_all (i32.const 3) end)"#
            .replace("(try_table (catch_all 0))", "(block $b (try_table (catch_all $b)))")
            .as_str(),
        &[(0, 1), (1, 12), (3, 3)],
    );
}
