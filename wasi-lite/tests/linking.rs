//! Linking: the types of all functions, and what is said of a module that lacks what they need.

use dunlin::{Engine, Error, Linker, Module, Store};
use dunlin_wasi_lite::{I32Exit, WasiCtx};

/// Runs a module in the text format, which is granted nothing.
fn start(module: &str) -> Result<(), Error> {
    let engine = Engine::default();
    let mut linker = Linker::<WasiCtx>::new(&engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
    let mut store = Store::new(&engine, WasiCtx::builder().build());
    let module = Module::new(&engine, wat::parse_str(module).unwrap())?;
    let instance = linker.instantiate(&mut store, &module)?;
    instance.get_typed_func::<(), ()>(&mut store, "_start")?.call(&mut store, ())
}

#[test]
fn a_module_without_memory_is_told_so() {
    let error = start(
        r#"(module
            (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
            (func (export "_start") (drop (call $random (i32.const 0) (i32.const 8)))))"#,
    )
    .unwrap_err();
    assert!(error.to_string().contains("exports no memory named `memory`"), "{error}");
    let error = start(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (func (export "_start") (call $exit (i32.const 3))))"#,
    )
    .unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&I32Exit(3)));
}

/// The types of all functions, as the specification lowers them.
const TYPES: &[(&str, &str)] = &[
    ("args_get", "i32 i32"),
    ("args_sizes_get", "i32 i32"),
    ("environ_get", "i32 i32"),
    ("environ_sizes_get", "i32 i32"),
    ("clock_res_get", "i32 i32"),
    ("clock_time_get", "i32 i64 i32"),
    ("fd_advise", "i32 i64 i64 i32"),
    ("fd_allocate", "i32 i64 i64"),
    ("fd_close", "i32"),
    ("fd_datasync", "i32"),
    ("fd_fdstat_get", "i32 i32"),
    ("fd_fdstat_set_flags", "i32 i32"),
    ("fd_fdstat_set_rights", "i32 i64 i64"),
    ("fd_filestat_get", "i32 i32"),
    ("fd_filestat_set_size", "i32 i64"),
    ("fd_filestat_set_times", "i32 i64 i64 i32"),
    ("fd_pread", "i32 i32 i32 i64 i32"),
    ("fd_prestat_get", "i32 i32"),
    ("fd_prestat_dir_name", "i32 i32 i32"),
    ("fd_pwrite", "i32 i32 i32 i64 i32"),
    ("fd_read", "i32 i32 i32 i32"),
    ("fd_readdir", "i32 i32 i32 i64 i32"),
    ("fd_renumber", "i32 i32"),
    ("fd_seek", "i32 i64 i32 i32"),
    ("fd_sync", "i32"),
    ("fd_tell", "i32 i32"),
    ("fd_write", "i32 i32 i32 i32"),
    ("path_create_directory", "i32 i32 i32"),
    ("path_filestat_get", "i32 i32 i32 i32 i32"),
    ("path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"),
    ("path_link", "i32 i32 i32 i32 i32 i32 i32"),
    ("path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
    ("path_readlink", "i32 i32 i32 i32 i32 i32"),
    ("path_remove_directory", "i32 i32 i32"),
    ("path_rename", "i32 i32 i32 i32 i32 i32"),
    ("path_symlink", "i32 i32 i32 i32 i32"),
    ("path_unlink_file", "i32 i32 i32"),
    ("poll_oneoff", "i32 i32 i32 i32"),
    ("proc_exit", "i32"),
    ("proc_raise", "i32"),
    ("sched_yield", ""),
    ("random_get", "i32 i32"),
    ("sock_accept", "i32 i32 i32"),
    ("sock_recv", "i32 i32 i32 i32 i32 i32"),
    ("sock_send", "i32 i32 i32 i32 i32"),
    ("sock_shutdown", "i32 i32"),
];

#[test]
fn everything_links_with_the_specified_types() {
    assert_eq!(TYPES.len(), dunlin_wasi_lite::FUNCTIONS.len());
    let mut module = String::from("(module\n");
    for (name, params) in TYPES {
        let result = if *name == "proc_exit" { "" } else { "(result i32)" };
        let import =
            format!("(import \"wasi_snapshot_preview1\" \"{name}\" (func (param {params}) {result}))\n");
        module.push_str(&import);
    }
    module.push_str("(memory (export \"memory\") 1) (func (export \"_start\")))");
    start(&module).unwrap();
}
