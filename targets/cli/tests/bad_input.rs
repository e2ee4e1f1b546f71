//! Modules that aren't, or aren't whole, or have a wrong byte: one clear sentence, the right exit code, no panic.
#![cfg(feature = "text")]

mod common;

use common::{dunlin, dunlin_with, example, folder, modules};
use dunlin::{Engine, Module};

#[test]
fn what_is_no_module() {
    let folder = folder("what_is_no_module");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let component = b"\0asm\x0d\0\x01\0";
    for (path, sentence) in [
        (folder.to_str().unwrap().to_owned(), "this is a folder, not a module"),
        (folder.join("missing.wasm").to_str().unwrap().to_owned(), "No such file or directory"),
        (file("empty", b""), "there are no bytes in it"),
        (file("text", b"Dear reader,\nthis is a letter.\n"), "this is not a WebAssembly binary"),
        (file("component.wasm", component), "this is a WebAssembly component, not a core module"),
        (file("future.wasm", b"\0asm\x02\0\0\0"), "unknown binary version"),
        (file("app.wasm.gz", b"\x1f\x8b\x08\0\0\0"), "decompress it first, with gunzip"),
        (file("app.wasm.zst", b"\x28\xb5\x2f\xfd\0\0"), "decompress it first, with unzstd"),
        (file("app.zip", b"PK\x03\x04\0\0"), "unpack it first, with unzip"),
        (file("app.wasm.xz", b"\xfd7zXZ\0\0\x04"), "decompress it first, with unxz"),
        (file("app.wasm.bz2", b"BZh91AY"), "decompress it first, with bunzip2"),
        (file("other.zip", b"PK\x05\x06"), "this is not a WebAssembly binary"),
        (file("short", b"\x1f"), "inside its header"),
        (file("elf", b"\x7fELF\x02\x01\x01\0"), "this is not a WebAssembly binary"),
    ] {
        for command in ["run", "inspect", "validate"] {
            let ended = dunlin(&[command, &path]).code(1).one_sentence().says(sentence).prints("");
            assert!(ended.err.contains(&path), "{ended:#?}");
        }
    }
    let wrong = file("wrong.wat", b"(module\n  (func (export \"f\") (i32.sum)))\n");
    // Where the mistake is takes a picture.
    dunlin(&["run", &wrong]).code(1).says("wrong.wat: ").says("i32.sum");
    let wrong = file("invalid.wat", b"(module (func (result i32)))");
    dunlin(&["run", &wrong]).code(1).one_sentence().says("type mismatch").says("offset 0x");
}

#[test]
fn every_missing_import_is_named_at_once() {
    let text = r#"(module (import "env" "a" (func)) (import "env" "b" (global i32))
        (import "wasi_snapshot_preview1" "proc_exit" (func (param i64))) (func (export "_start")))"#;
    let ended = dunlin_with(&["run", "-"], text.as_bytes()).code(1);
    ended.says("`env.a`").says("`env.b`").says("`wasi_snapshot_preview1.proc_exit`").prints("");
}

#[test]
fn the_smallest_example_cut_anywhere() {
    let smallest = std::fs::read(example("wasm/smallest.wasm")).unwrap();
    for len in 0..smallest.len() {
        let ended = dunlin_with(&["run", "-"], &smallest[..len]).prints("");
        // Where a section ends it can be a whole module, which lacks the data, or even the program.
        match Module::new(&Engine::default(), &smallest[..len]) {
            Ok(module) if module.get_export("_start").is_some() => assert_eq!(ended.code(0).err, ""),
            Ok(_) => drop(ended.code(2).one_sentence().says("no _start")),
            Err(_) => drop(ended.code(1).one_sentence()),
        }
    }
    dunlin_with(&["run", "-"], &smallest).code(0).prints("hi!\n");
}

#[test]
fn the_other_examples_cut_in_many_places() {
    let engine = Engine::default();
    for (name, bytes) in modules() {
        for i in 0..100 {
            let len = (bytes.len() - 1) * i / 100 + i % 7;
            let cut = &bytes[..len.min(bytes.len() - 1)];
            let Err(error) = Module::new(&engine, cut) else { continue };
            let sentence = error.to_string();
            assert!(!sentence.is_empty() && !sentence.contains('\n'), "{name} cut to {len}: {sentence}");
            if i % 20 == 7 {
                dunlin_with(&["run", "-"], cut).code(1).one_sentence().prints("");
            }
        }
    }
}

#[test]
fn the_smallest_example_with_one_wrong_byte() {
    let smallest = std::fs::read(example("wasm/smallest.wasm")).unwrap();
    for at in 0..smallest.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut module = smallest.clone();
            module[at] ^= flip;
            let ended = dunlin_with(&["run", "--timeout", "20s", "-"], &module);
            assert!([0, 1, 2, 134].contains(&ended.code), "byte {at} ^ {flip:#x}: {ended:#?}");
            assert!(
                ended.code == 0 || ended.err.starts_with("dunlin: "),
                "byte {at} ^ {flip:#x}: {ended:#?}"
            );
            // What can't be shown can't be run either, and for the same reason; but showing goes on behind what is lacking.
            let shown = dunlin_with(&["inspect", "-"], &module);
            match shown.code {
                0 => assert!(shown.err.is_empty() && !shown.out.is_empty(), "{shown:#?}"),
                1 if ended.err.contains("this version of Dunlin doesn't have") => assert_eq!(ended.code, 1),
                1 => assert_eq!((ended.code, &ended.err), (1, &shown.err), "byte {at} ^ {flip:#x}"),
                _ => panic!("byte {at} ^ {flip:#x}: {shown:#?}"),
            }
        }
    }
}
