//! What loading asks of the budget.

use super::*;

#[test]
fn a_claimed_count_reserves_nothing() {
    // A million imports, types, … in a dozen bytes: the validator would reserve a hundred megabytes.
    for id in [1, 2, 3, 4, 6, 7, 9] {
        for count in [&b"\xc0\x84\x3d"[..], b"\x80\x09", b"\xa0\x8d\x86\x80\x00"] {
            for rest in [&b""[..], b"\x60\0\0", b"\0\0\0\0\0\0\0\0\0\0"] {
                check(&with_sections(&[section(id, &[count, rest].concat())]));
            }
        }
    }
    let bytes = with_sections(&[section(2, b"\xc0\x84\x3d\0\0")]);
    let error = load_in(&Budget::new(100_000), [bytes]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid, "{error}");
}

#[test]
fn every_budget_gives_the_module_or_says_no_and_all_is_refunded() {
    let bytes = wasm(EVERYTHING);
    let budget = Budget::unlimited();
    let module = load_in(&budget, [&bytes]).unwrap();
    assert!(budget.used() > bytes.len() as u64 / 2);
    drop(module);
    assert_eq!(budget.used(), 0);
    let mut refused = 0;
    for limit in (0..budget.peak() + 10).step_by(61) {
        let whole = Budget::new(limit);
        let result = load_in(&whole, [&bytes]);
        let bytewise = Budget::new(limit);
        assert_eq!(
            answer(load_in(&bytewise, bytes.chunks(1))),
            match &result {
                Ok(module) => format!("{module:?}"),
                Err(error) => format!("{error:?}"),
            }
        );
        if let Err(error) = &result {
            assert_eq!(error.kind, ErrorKind::OutOfBudget);
            assert!(error.message().starts_with(&format!("memory budget of {limit} bytes exceeded")));
            refused += 1;
        }
        drop(result);
        assert_eq!((whole.used(), bytewise.used()), (0, 0));
        assert!(whole.peak() <= limit);
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn large_modules_fit_the_same_budget_however_they_are_cut() {
    let bytes = large_module();
    let budget = Budget::unlimited();
    drop(load_in(&budget, [&bytes]));
    for limit in (10_000..budget.peak()).step_by(60_001) {
        let [a, b] = [Budget::new(limit), Budget::new(limit)];
        let whole = load_in(&a, [&bytes]);
        assert!(answer(whole) == answer(load_in(&b, bytes.chunks(1001))));
        assert_eq!((a.used(), b.used()), (0, 0));
    }
}

#[test]
fn deep_and_high_functions_are_refused_by_name() {
    let body = |code: &[u8]| {
        let body = [b"\0", code, b"\x0b"].concat();
        let mut code = vec![1];
        code.extend(&section(0, &body)[1..]);
        with_sections(&[section(1, b"\x01\x60\0\0"), section(3, b"\x01\0"), section(10, &code)])
    };
    let deep = body(&[0x02, 0x40].repeat(70_000));
    let error = load([&deep]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.message().contains("more than 65536 blocks"), "{error}");
    let high = body(&[0x41, 0x00].repeat(1_100_000));
    let error = load([&high]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert!(error.message().contains("more than 1048576 operands"), "{error}");
    let error = load_in(&Budget::new(8_000_000), [&high]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::OutOfBudget, "{error}");
}

#[test]
fn a_const_expr_that_needs_too_much_is_refused_by_name() {
    let expr = |depth: usize| {
        let add = " i32.add".repeat(depth - 1);
        wasm(&format!("(module (global i32 {}{add}))", "i32.const 1 ".repeat(depth)))
    };
    let module = load([expr(64)]).unwrap();
    assert_eq!(module.globals[0].init.as_ref().unwrap().eval(|_| panic!(), |_| panic!()), 64);
    assert_eq!(load([expr(65)]).unwrap_err().kind, ErrorKind::Limit);
}
