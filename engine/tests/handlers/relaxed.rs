//! Relaxed vector instructions as this machine does them: see `Config::relaxed_simd_deterministic`.

use crate::Seen;
use dunlin::tier::RelaxedSimd;
use dunlin::{Config, Dispatch, Engine, Instance, Module, Store, V128};

/// The instructions that become an op of their own, with that op and the number of operands: first where products are
/// fused, then those of x86_64.
const FUSED: [(&str, &str, usize); 2] =
    [("f32x4.relaxed_madd", "F32x4Fma", 3), ("f64x2.relaxed_madd", "F64x2Fma", 3)];
const OF_X86: [(&str, &str, usize); 5] = [
    ("i8x16.relaxed_swizzle", "Pshufb", 2),
    ("i16x8.relaxed_q15mulr_s", "Pmulhrsw", 2),
    ("i16x8.relaxed_dot_i8x16_i7x16_s", "Pmaddubsw", 2),
    ("i32x4.relaxed_trunc_f32x4_s", "Cvttps2dq", 1),
    ("i32x4.relaxed_trunc_f64x2_s_zero", "Cvttpd2dq", 1),
];

/// An op's name, with its result in the accumulator and in a slot.
fn forms(op: &str) -> [String; 2] {
    [format!("{op}.0"), format!("{op}Slot.0")]
}

/// Whether [`run_all`] executes an op, if this machine can.
pub(crate) fn executes(name: &str) -> bool {
    FUSED.iter().chain(&OF_X86).any(|(_, op, _)| forms(op).iter().any(|form| form == name))
}

/// Handlers that this machine can't execute.
pub(crate) fn of_other_machines() -> Vec<String> {
    let here = RelaxedSimd::of_this_machine();
    let missing = [(here.fused, &FUSED[..]), (here.x86, &OF_X86[..])];
    let missing = missing.into_iter().filter(|(has, _)| !has).flat_map(|(_, ops)| ops);
    missing.flat_map(|(_, op, _)| forms(op)).collect()
}

/// Executes each, with its result in the accumulator and in a slot, by every way of dispatch.
pub(crate) fn run_all(seen: &mut Seen) {
    let mut text = String::from("(global $n (mut i32) (i32.const 0))");
    for (instruction, op, operands) in FUSED.iter().chain(&OF_X86) {
        let gets: String = (0..*operands).map(|at| format!("(local.get {at})")).collect();
        let func = |name: &str, body: &str| {
            format!(
                "(func (export \"{op}{name}\") (param v128 v128 v128) (result v128) (local $w v128) {body})"
            )
        };
        text += &func("", &format!("({instruction} {gets})"));
        let set = format!("(local.set $w ({instruction} {gets})) (drop (global.get $n)) (local.get $w)");
        text += &func("Slot", &set);
    }
    let wasm = wat::parse_str(format!("(module {text})")).unwrap();
    let args =
        [[1.5, -2.25, 3e9, 0.5], [0.1, 7.0, -1.0, 1e-3], [4.0, 0.25, 1e10, -2.0]].map(|lanes: [f32; 4]| {
            V128::from(
                lanes.map(f32::to_bits).into_iter().rev().fold(0, |all, lane| all << 32 | u128::from(lane)),
            )
        });
    let mut expected = Vec::new();
    for dispatch in [None, Some(Dispatch::Loop), Some(Dispatch::Count)] {
        let mut config = Config::new();
        config.check_translation(true).relaxed_simd_deterministic(false);
        if let Some(dispatch) = dispatch {
            config.dispatch(dispatch);
        }
        let engine = Engine::new(&config).unwrap();
        let module = Module::new(&engine, &wasm).unwrap();
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module, &[]).unwrap();
        let mut results = Vec::new();
        for (_, op, _) in FUSED.iter().chain(&OF_X86) {
            let [acc, slot] = ["", "Slot"].map(|form| {
                let func =
                    instance.get_typed_func::<(V128, V128, V128), V128>(&store, &format!("{op}{form}"));
                func.unwrap().call(&mut store, args.into()).unwrap()
            });
            assert_eq!(acc, slot, "{op}");
            results.push(acc);
        }
        if expected.is_empty() {
            expected.clone_from(&results);
        }
        assert_eq!(results, expected, "{dispatch:?}");
        seen.add(store.dispatch_counts().unwrap_or_default());
    }
}
