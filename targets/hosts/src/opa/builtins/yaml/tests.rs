use super::super::tests::{answers, fails};
use serde_json::json;

#[test]
fn documents_become_json() {
    for (yaml, value) in [
        ("", json!(null)),
        ("some_key: [1, 2, three]", json!({"some_key": [1, 2, "three"]})),
        ("a: 1\nb:\n  - x\n  - c: 2\n", json!({"a": 1, "b": ["x", {"c": 2}]})),
        ("- yes\n- 'yes'\n- off\n- ~\n- !!str 1\n", json!([true, "yes", false, null, "1"])),
        (
            "[0x1F, 0b11, 017, 1_000, .5, -2, 1e3, 1.2.3, 12:30]",
            json!([
                31,
                3,
                15,
                1000,
                0.5,
                -2,
                serde_json::from_str::<serde_json::Value>("1e3").unwrap(),
                "1.2.3",
                "12:30"
            ]),
        ),
        ("1: x\non: z\n", json!({"1": "x", "true": "z"})),
        (
            "base: &b {x: 1, z: 2}\nderived: {<<: *b, z: 3}",
            json!({"base": {"x": 1, "z": 2}, "derived": {"x": 1, "z": 3}}),
        ),
        ("t: |\n  one\n  two\nf: >\n  one\n  two\n", json!({"t": "one\ntwo\n", "f": "one two\n"})),
        ("{\"a\": \"\\u00e9\"}", json!({"a": "é"})),
        ("a: 1\n---\nb: 2\n", json!({"a": 1})),
    ] {
        answers("yaml.unmarshal", json!([yaml]), value);
        answers("yaml.is_valid", json!([yaml]), json!(true));
    }
    for wrong in ["a: b: c", "[1", "a: 1\na: 2", "? [1]\n: 2", "*nowhere", "a: .inf"] {
        fails("yaml.unmarshal", json!([wrong]));
        answers("yaml.is_valid", json!([wrong]), json!(false));
    }
    answers("yaml.is_valid", json!([1]), json!(false));
}

#[test]
fn numbers_keep_their_text() {
    let number: serde_json::Value = serde_json::from_str("123456789012345678901234567890.10").unwrap();
    answers("yaml.unmarshal", json!(["123456789012345678901234567890.10"]), number);
}

#[test]
fn what_is_deep_or_multiplies_is_refused() {
    fails("yaml.unmarshal", json!(["[".repeat(100_000)]));
    let mut bomb = String::from("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..20 {
        let of = n - 1;
        bomb += &format!("l{n}: &l{n} [*l{of}, *l{of}, *l{of}, *l{of}, *l{of}, *l{of}, *l{of}, *l{of}]\n");
    }
    fails("yaml.unmarshal", json!([bomb]));
    fails("yaml.unmarshal", json!(["a: &a [*a]"]));
}
