//! Modules of many functions, executed in every way.

use crate::cells::{Input, TYPES};
use dunlin::{Config, Dispatch, DispatchCounts, Engine, Func, Global, Instance, Memory, Module, Store, Val};
use std::collections::BTreeMap;
use std::fmt::Write;
use wasmparser::ValType;

/// Addresses at the edges of memory, zeros, and what else operations are sensitive to; of two floats at most one is a
/// NaN, since which of two a result is made of is open.
pub(crate) static INPUTS: [Input; 4] = [
    [
        [61, 64],
        [0x1_0000_0005, 7],
        [0x3fc0_0000, 0xc010_0000],
        [0x3ff8_0000_0000_0000, 0xc004_0000_0000_0000],
        [0x0123_4567_89ab_cdef_8765_4321_dead_beef, 0xff01_0080_7f02_8003_0fff_f004_4040_c005],
    ],
    [
        [0x8000_0000, 0xffff_ffff],
        [1 << 63, u64::MAX as u128],
        [0x7fc0_0001, 0x4f00_0000],
        [0x7ff8_0000_0000_0001, 0x43e0_0000_0000_0000],
        [0x3fc0_0000_bf80_0000_4f80_0000_cf00_0001, 0x4000_0000_3f80_0000_0000_0000_8000_0000],
    ],
    [
        [65_518, 65_529],
        [65_521, 3],
        [0x0000_0001, 0x3f00_0000],
        [1, 0x3fe0_0000_0000_0000],
        [0x3ff8_0000_0000_0000_c1f0_0000_0010_0000, 0x4000_0000_0000_0000_bfe0_0000_0000_0000],
    ],
    [
        [0, 3],
        [0, 1],
        [0x8000_0000, 0x7f80_0000],
        [1 << 63, 0x7ff0_0000_0000_0000],
        [0, 0x0f0e_0d0c_0b0a_0908_8786_8584_8382_81f0],
    ],
];

/// Every way to dispatch. The last one counts.
const WAYS: [Option<Dispatch>; 3] = [None, Some(Dispatch::Loop), Some(Dispatch::Count)];

/// A module's beginning: what functions use that [`cells`](crate::cells) makes.
fn prelude(wide: bool) -> String {
    let index = if wide { "i64" } else { "i32" };
    // Without a maximum, each reserves 4 GiB of address space, for which an emulator may keep 24 MB that it never frees.
    let mut text = format!("(memory (export \"m0\") {index} 1 70) (memory (export \"m1\") {index} 1 70)\n");
    let mut global = |name: String, ty: ValType| {
        let zero = if ty == ValType::V128 { "v128.const i64x2 0 0".into() } else { format!("{ty}.const 0") };
        writeln!(text, "(global ${name} (export \"{name}\") (mut {ty}) ({zero}))").expect("memory");
    };
    for ty in TYPES {
        for name in ["pass", "set", "acc_a", "acc_b", "slot_a", "slot_b", "some"] {
            global(format!("{name}_{ty}"), ty);
        }
    }
    global("turns".into(), ValType::I32);
    global("copied".into(), ValType::I32);
    global("copied_wide".into(), ValType::I64);
    text += "(func $callee (global.set $turns (i32.const 9)))\n";
    text
}

/// A module's instance, and everything of it that can be seen.
struct Guest {
    store: Store<()>,
    instance: Instance,
    globals: Vec<(String, Global)>,
    memories: [Memory; 2],
}

impl Guest {
    fn new(way: Option<Dispatch>, wasm: &[u8], fuel: bool) -> Guest {
        let mut config = Config::new();
        config.check_translation(true).consume_fuel(fuel);
        if let Some(dispatch) = way {
            config.dispatch(dispatch);
        }
        let engine = Engine::new(&config).expect("an engine");
        let module = Module::new(&engine, wasm).unwrap_or_else(|e| panic!("{e}"));
        let mut store = Store::new(&engine, ());
        if fuel {
            store.set_fuel(u64::MAX).expect("fuel is counted");
        }
        let instance = Instance::new(&mut store, &module, &[]).expect("no imports");
        let globals = instance.exports(&store).filter_map(|export| {
            let name = export.name().to_owned();
            Some((name, export.into_extern().into_global()?))
        });
        let globals = globals.collect();
        let memories = ["m0", "m1"].map(|name| instance.get_memory(&store, name).expect("a memory"));
        Guest { store, instance, globals, memories }
    }

    /// The same state before each call. The first memory's contents are the second's for who accesses that.
    fn reset(&mut self, input: &Input, second: bool) {
        for (name, global) in &self.globals {
            let ty = TYPES.iter().position(|ty| name.ends_with(&ty.to_string()));
            let bits = match ty {
                Some(ty) if name.starts_with("some") => input[ty][1] ^ 0x55,
                _ => 0,
            };
            let value = val(&global.get(&self.store), bits);
            global.set(&mut self.store, value).expect("its type");
        }
        let keys = if second { [91, 37] } else { [37, 91] };
        for (memory, key) in self.memories.iter().zip(keys) {
            let data = memory.data_mut(&mut self.store);
            let end = data.len() - 64;
            for at in (0..128).chain(end..data.len()) {
                data[at] = (at as u8).wrapping_mul(key);
            }
            // So the number at byte 64 is an address.
            data[66..68].fill(0);
        }
    }

    fn call(&mut self, func: Func, input: &Input, second: bool) -> Observed {
        self.reset(input, second);
        let params: Vec<Val> =
            TYPES.iter().zip(input).flat_map(|(ty, bits)| bits.map(|bits| typed(*ty, bits))).collect();
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        let error = func.call(&mut self.store, &params, &mut results).err();
        let stop = error.map(|e| format!("{:?}", e.trap()));
        let globals = self
            .globals
            .iter()
            .map(|(name, global)| (name.clone(), bits(&global.get(&self.store))))
            .collect();
        let mut edges = self.memories.map(|memory| {
            let data = memory.data(&self.store);
            [&data[..128], &data[data.len() - 64..]].concat()
        });
        if second {
            edges.reverse();
        }
        Observed { stop, results: results.iter().map(bits).collect(), globals, edges }
    }
}

/// All that a call does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Observed {
    stop: Option<String>,
    results: Vec<u128>,
    globals: BTreeMap<String, u128>,
    /// The first bytes and the last ones of the memory that is accessed, and of the other one.
    edges: [Vec<u8>; 2],
}

impl Observed {
    /// What doesn't depend on the form of a cell: no matter how it gets its operands, and whether it writes a slot.
    pub(crate) fn of_any_form(mut self) -> Observed {
        for ty in TYPES {
            self.globals.remove(&format!("pass_{ty}"));
            let acc = self.globals[&format!("acc_a_{ty}")];
            let slot = self.globals.remove(&format!("slot_a_{ty}")).expect("a global");
            assert!(slot == acc || slot == 0, "the slot has {slot:#x}, the accumulator {acc:#x}");
        }
        // A branch that is taken ends the loop in the second turn, or comes to a label that writes 3.
        if let Some(turns) = self.globals.remove("turns").filter(|turns| *turns != 0) {
            self.globals.insert("acc_a_i32".into(), (turns != 1).into());
        }
        self
    }
}

fn typed(ty: ValType, bits: u128) -> Val {
    match ty {
        ValType::I32 => Val::I32(bits as i32),
        ValType::I64 => Val::I64(bits as i64),
        ValType::F32 => Val::F32(bits as u32),
        ValType::F64 => Val::F64(bits as u64),
        _ => Val::V128(bits.into()),
    }
}

fn val(like: &Val, bits: u128) -> Val {
    match like {
        Val::I32(_) => Val::I32(bits as i32),
        Val::I64(_) => Val::I64(bits as i64),
        Val::F32(_) => Val::F32(bits as u32),
        Val::F64(_) => Val::F64(bits as u64),
        _ => Val::V128(bits.into()),
    }
}

/// The specification leaves open which sign a NaN has that was made of another. On ARM, an instruction that multiplies and
/// subtracts turns it round: a cell that does both gives another one than two cells do.
const NANS_SIGN_IS_OPEN: bool = cfg!(target_arch = "arm");

fn bits(val: &Val) -> u128 {
    match *val {
        Val::I32(x) => (x as u32).into(),
        Val::I64(x) => (x as u64).into(),
        Val::F32(bits) if NANS_SIGN_IS_OPEN && f32::from_bits(bits).is_nan() => (bits & !(1 << 31)).into(),
        Val::F64(bits) if NANS_SIGN_IS_OPEN && f64::from_bits(bits).is_nan() => (bits & !(1 << 63)).into(),
        Val::F32(bits) => bits.into(),
        Val::F64(bits) => bits.into(),
        Val::V128(v) => v.into(),
        _ => unreachable!("no references here"),
    }
}

/// A function, and what it is called with.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) input: &'static Input,
    /// Whether the second memory is accessed.
    pub(crate) second: bool,
    /// Whether fuel is counted.
    pub(crate) fuel: bool,
    /// Whether memories have 64-bit addresses.
    pub(crate) wide: bool,
}

/// What each case did, the same in every way, and what was executed.
///
/// Fuel is counted for all of them, or for none; and all addresses are of one type.
pub(crate) fn run(cases: &[Case]) -> (Vec<Observed>, DispatchCounts) {
    let text: String = cases.iter().map(|case| case.text.as_str()).collect();
    let wasm = wat::parse_str(format!("(module {} {text})", prelude(cases.iter().any(|case| case.wide))))
        .unwrap_or_else(|e| panic!("{e}"));
    let mut first: Option<Vec<Observed>> = None;
    let mut counts = DispatchCounts::default();
    for way in WAYS {
        let mut guest = Guest::new(way, &wasm, cases.iter().any(|case| case.fuel));
        let mut all = Vec::new();
        for case in cases {
            let func = guest.instance.get_func(&guest.store, &case.name).expect("an export");
            all.push(guest.call(func, case.input, case.second));
        }
        if let Some(found) = guest.store.dispatch_counts() {
            counts = found;
        }
        match &first {
            None => first = Some(all),
            Some(first) => {
                for ((case, seen), expected) in cases.iter().zip(&all).zip(first) {
                    assert_eq!(seen, expected, "by {way:?}: {}\n{}", case.name, case.text);
                }
            }
        }
    }
    (first.expect("it has run"), counts)
}
