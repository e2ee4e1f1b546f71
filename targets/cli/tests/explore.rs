//! `dunlin explore`.
#![cfg(feature = "explore")]

mod common;

use common::{dunlin, dunlin_with, example, folder};

/// The page's elements, which must be closed in their order, and its text.
fn well_formed(page: &str) -> (Vec<String>, String) {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let (mut open, mut seen, mut text) = (Vec::<String>::new(), Vec::new(), String::new());
    while let Some((before, tag)) = rest.split_once('<') {
        assert!(!before.contains('>'), "{before}");
        text.push_str(before);
        let (tag, after) = tag.split_once('>').unwrap();
        rest = after;
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(&*name));
        } else if !tag.ends_with('/') {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            if let "style" | "script" = &*name {
                rest = rest.split_once(&format!("</{name}>")).unwrap().1;
            } else {
                open.push(name.clone());
            }
            seen.push(name);
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
    (seen, text)
}

#[test]
fn a_page_has_each_function_in_three_forms() {
    let folder = folder("a_page_has_each_function");
    let path = folder.join("page.html").to_str().unwrap().to_owned();
    for (target, instruction) in [("x86_64-linux", "push rbp"), ("aarch64-linux", "stp ")] {
        dunlin(&["explore", "--target", target, &example("wasm/add.wasm"), "-o", &path]).code(0).prints("");
        let page = std::fs::read_to_string(&path).unwrap();
        let (elements, text) = well_formed(&page);
        let functions = elements.iter().filter(|name| **name == "section").count();
        assert!(functions >= 3, "{functions}");
        assert_eq!(text.matches("Machine code for ").count(), functions);
        assert_eq!(text.matches("(func ").count(), functions);
        for part in ["i32.add", "I32Add", instruction, "i64.div_s"] {
            assert!(text.contains(part), "{part} {text}");
        }
        // The division may trap, so its instruction is known in both.
        let at = page.lines().find(|line| line.contains("i64.div_s")).unwrap();
        let (_, offset) = at.split_once("data-o=\"").unwrap();
        let mark = format!("data-o=\"{}\"", offset.split('"').next().unwrap());
        assert!(page.matches(&mark).count() > 1, "{mark}");
    }
}

#[test]
fn names_are_only_text() {
    let module = r#"(module (func $"</pre><script>alert(1)</script>&\01" (export "f") (nop)))"#;
    let page = dunlin_with(&["explore", "-", "-o", "-"], module.as_bytes()).code(0).out;
    let (_, text) = well_formed(&page);
    assert!(text.contains("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;\u{fffd}"), "{text}");
    assert_eq!(page.matches("<script>").count(), 1);
}

#[test]
fn what_explore_refuses() {
    dunlin(&["explore", "-"]).code(2).one_sentence().says("-o is missing");
    dunlin(&["explore", "--target", "vax", "x.wasm"]).code(2).one_sentence().says("--target takes");
    dunlin(&["explore", "nowhere.wasm", "-o", "-"]).code(1).one_sentence().says("nowhere.wasm");
    dunlin_with(&["explore", "-", "-o", "-"], b"(module (func (drop)))").code(1).prints("");
}
