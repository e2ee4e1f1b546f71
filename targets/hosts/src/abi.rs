//! Which platform a module was made for.

use dunlin::{ExternType, Module};
use std::fmt;

/// A platform's ABI, told by what a module imports and exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Abi {
    /// A filter for Envoy and other proxies: proxy-wasm.
    ProxyWasm,
    /// A policy of Open Policy Agent.
    Opa,
    /// A waPC guest.
    Wapc,
    /// An actor of wasmCloud before 1.0: a waPC guest with a signed token.
    WasmCloudActor,
    /// A runnable of Suborbital's Atmo and Reactr.
    Atmo,
    /// An application of Fastly Compute.
    Fastly,
    /// A WASI command: the platforms that run it as a function, a CGI program or a container need nothing more.
    WasiCommand,
}

impl Abi {
    /// The first ABI that the module fits; `None` if it fits none that is known here.
    pub fn detect(module: &Module) -> Option<Self> {
        let exports_func = |name: &str| matches!(module.get_export(name), Some(ExternType::Func(_)));
        let imports_from =
            |wanted: &dyn Fn(&str) -> bool| module.imports().any(|import| wanted(import.module()));
        let versions = ["proxy_abi_version_0_1_0", "proxy_abi_version_0_2_0", "proxy_abi_version_0_2_1"];
        if versions.into_iter().any(exports_func) {
            return Some(Abi::ProxyWasm);
        }
        let declares_version =
            matches!(module.get_export("opa_wasm_abi_version"), Some(ExternType::Global(_)));
        let can_abort =
            module.imports().any(|import| (import.module(), import.name()) == ("env", "opa_abort"));
        if declares_version || can_abort {
            return Some(Abi::Opa);
        }
        if exports_func("__guest_call") && imports_from(&|from| from == "wapc" || from == "wasmbus") {
            let signed =
                module.sections().any(|section| matches!(section.name, Some("jwt" | "wasmcloud_jwt")));
            return Some(if signed { Abi::WasmCloudActor } else { Abi::Wapc });
        }
        if exports_func("run_e") && exports_func("allocate") {
            return Some(Abi::Atmo);
        }
        if imports_from(&|from| from.starts_with("fastly_")) {
            return Some(Abi::Fastly);
        }
        let uses_wasi = imports_from(&|from| from == "wasi_snapshot_preview1" || from == "wasi_unstable");
        (uses_wasi && exports_func("_start")).then_some(Abi::WasiCommand)
    }
}

impl fmt::Display for Abi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Abi::ProxyWasm => "proxy-wasm filter",
            Abi::Opa => "OPA policy",
            Abi::Wapc => "waPC guest",
            Abi::WasmCloudActor => "wasmCloud actor",
            Abi::Atmo => "Atmo runnable",
            Abi::Fastly => "Fastly Compute application",
            Abi::WasiCommand => "WASI command",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::Engine;

    #[track_caller]
    fn detects(text: &str, abi: Option<Abi>) {
        let module = Module::new(&Engine::default(), text).unwrap();
        assert_eq!(Abi::detect(&module), abi, "{text}");
    }

    #[test]
    fn each_is_told_by_its_marks() {
        for version in ["0_1_0", "0_2_0", "0_2_1"] {
            detects(
                &format!(r#"(module (func (export "proxy_abi_version_{version}")))"#),
                Some(Abi::ProxyWasm),
            );
        }
        detects(r#"(module (func (export "proxy_abi_version_0_3_0")))"#, None);
        detects(r#"(module (global (export "opa_wasm_abi_version") i32 (i32.const 1)))"#, Some(Abi::Opa));
        detects(r#"(module (func (export "opa_wasm_abi_version")))"#, None);
        detects(r#"(module (import "env" "opa_abort" (func (param i32))))"#, Some(Abi::Opa));
        let call = r#"(func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1))"#;
        let log = r#""__console_log" (func (param i32 i32))"#;
        detects(&format!(r#"(module (import "wapc" {log}) {call})"#), Some(Abi::Wapc));
        detects(&format!(r#"(module (import "wasmbus" {log}) {call})"#), Some(Abi::Wapc));
        detects(&format!(r#"(module {call})"#), None);
        for section in ["jwt", "wasmcloud_jwt"] {
            let text = format!(r#"(module (import "wapc" {log}) {call} (@custom "{section}" "token"))"#);
            detects(&text, Some(Abi::WasmCloudActor));
        }
        detects(
            r#"(module (func (export "run_e") (param i32 i32 i32)) (func (export "allocate") (param i32) (result i32) (local.get 0)))"#,
            Some(Abi::Atmo),
        );
        detects(r#"(module (func (export "run_e") (param i32 i32 i32)))"#, None);
        detects(
            r#"(module (import "fastly_abi" "init" (func (param i64) (result i32))) (func (export "_start")))"#,
            Some(Abi::Fastly),
        );
        let exit = r#""proc_exit" (func (param i32))"#;
        for wasi in ["wasi_snapshot_preview1", "wasi_unstable"] {
            let text = format!(r#"(module (import "{wasi}" {exit}) (func (export "_start")))"#);
            detects(&text, Some(Abi::WasiCommand));
            detects(&format!(r#"(module (import "{wasi}" {exit}))"#), None);
        }
        detects(r#"(module (func (export "_start")))"#, None);
    }

    #[test]
    fn the_first_that_fits_wins() {
        detects(
            r#"(module (import "env" "opa_abort" (func (param i32))) (func (export "proxy_abi_version_0_2_1")))"#,
            Some(Abi::ProxyWasm),
        );
    }
}
