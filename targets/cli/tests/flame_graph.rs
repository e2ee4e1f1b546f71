//! `dunlin run --profile app.svg`.
#![cfg(feature = "flamegraph")]

mod common;

use common::{dunlin, dunlin_with, example, folder};

#[test]
fn a_profile_as_a_picture() {
    let path = folder("a_profile_as_a_picture").join("app.svg").to_str().unwrap().to_owned();
    dunlin(&["run", "--profile", &path, &example("wasm/nqueens.wasm"), "8"]).code(0);
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.contains("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(svg.contains("units of fuel") && svg.contains("nqueens.wasm"), "{svg}");
    // Names are demangled, and can't end the picture's text.
    let spin = r#"(module $m (func $_ZN5outer5inner17h0123456789abcdefE (export "spin") (local i32)
        (loop (call $"</text><script>") (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1)))
            (i32.const 300000)))))
        (func $"</text><script>" (local i32)
            (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 20))))))"#;
    dunlin_with(&["run", "--profile", &path, "--invoke", "spin", "-"], spin.as_bytes()).code(0);
    let svg = std::fs::read_to_string(&path).unwrap();
    assert!(svg.contains("outer::inner (") && svg.contains("&lt;/text&gt;&lt;script&gt;"), "{svg}");
    assert!(!svg.contains("<script></"), "{svg}");
}
