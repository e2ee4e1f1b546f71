//! What the tier makes of small modules: `tests/golden/*.wat` have the CLIF that is expected behind the text, before
//! Cranelift's passes. A change of the translator shows as a difference here. `BLESS=1` writes what there is now:
//!
//!     BLESS=1 cargo test --release -p dunlin-jit --lib golden
//!
//! A line is the instruction's position (its offset in the module, `entry` for the prologue, or the number of an inlined
//! place) and the instruction. `v0` is the context, whose fields are named as in `dunlin::tier::layout`; `v1` is the frame.
//! Accesses name their alias region behind their flags. A first line `;; with` names options; without `prologue`, that
//! is left out. `optimised` is CLIF behind Cranelift's passes.

use super::golden_files as files;
use super::listing::listing;
use crate::compiler::scratch::Scratch;
use crate::compiler::translate::translate;
use crate::compiler::{CodeOptions, Compiler, Part, flags};
use cranelift_codegen::ir::Function;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::Configurable;
use cranelift_frontend::FunctionBuilderContext;
use dunlin::tier::{RelaxedSimd, View};
use dunlin::{Config, Engine, Module};
use std::fmt::Write;
use std::path::Path;

/// The line above what is expected.
const MARK: &str = ";; CLIF\n";

const OPTIONS: [&str; 7] = [
    "prologue",
    "fuel",
    "bounds checks",
    "Spectre mitigations",
    "deoptimisation exits",
    "OSR entries",
    "optimised",
];

/// The options that a text asks for.
fn options(wat: &str) -> impl Fn(&str) -> bool {
    let first = wat.lines().next().unwrap();
    let named: Vec<String> = first
        .strip_prefix(";; with ")
        .map_or(Vec::new(), |list| list.split(", ").map(str::to_owned).collect());
    let unknown = named.iter().find(|name| !OPTIONS.contains(&name.as_str()));
    assert_eq!(unknown, None, "no such option");
    move |option| named.iter().any(|name| name == option)
}

/// The same on every machine.
fn target(spectre: bool) -> OwnedTargetIsa {
    let mut builder = isa::lookup_by_name("x86_64-unknown-linux-gnu").unwrap();
    builder.enable("sse42").unwrap();
    builder.finish(flags(false, spectre, true).unwrap()).unwrap()
}

fn clif(wat: &str) -> String {
    let with = options(wat);
    let mut config = Config::new();
    config.consume_fuel(with("fuel"));
    let module = Module::new(&Engine::new(&config).unwrap(), wat).unwrap();
    let view = View::new(&module);
    let target = target(with("Spectre mitigations"));
    let options = CodeOptions {
        guarded: !with("bounds checks"),
        spectre: with("Spectre mitigations"),
        fuel: with("fuel"),
        relaxed_simd: RelaxedSimd::DETERMINISTIC,
        by_profile: true,
        suspends: with("deoptimisation exits"),
        portable: false,
        c_convention: target.default_call_conv(),
        frontend: target.frontend_config(),
    };
    let mut made = String::new();
    for index in 0..view.defined_funcs() {
        let shape = view.shape(index).unwrap();
        let entries = shape.loops.iter().filter(|_| with("OSR entries")).map(|found| Part::From(*found));
        for part in [Part::Whole].into_iter().chain(entries) {
            let scratch = Scratch::new(view, view.body_size(index), 64 << 20).unwrap();
            let what = (index, &shape, part);
            let func = if with("optimised") {
                let mut compiler = Compiler::new(target.clone());
                compiler.func(view, options, what, &|_| true, &scratch).unwrap();
                compiler.last().clone()
            } else {
                let (mut func, mut context) = (Function::new(), FunctionBuilderContext::new());
                translate(view, options, what, (&|_| true, &scratch), &mut func, &mut context).unwrap();
                func.dfg.resolve_all_aliases();
                func
            };
            for line in listing(&func, view, with("prologue")).lines() {
                writeln!(made, ";; {line}").unwrap();
            }
            writeln!(made, ";; at most {} bytes to make it", scratch.asked.get()).unwrap();
        }
    }
    made
}

#[test]
fn translation_makes_the_clif_that_is_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    files::check(&folder, MARK, clif);
}
