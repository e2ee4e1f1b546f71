//! Atomic instructions, by their names.

use wasmparser::ValType;

/// An atomic instruction on `bytes` bytes: `load`, `store`, `cmpxchg`, or what a read-modify-write does.
#[derive(Clone, Debug)]
pub(crate) struct Atomic {
    pub(crate) name: String,
    pub(crate) ty: ValType,
    pub(crate) bytes: u32,
    pub(crate) does: &'static str,
}

/// Those that neither wait nor notify.
pub(crate) fn atomics() -> Vec<Atomic> {
    let mut all = Vec::new();
    for (ty, own) in [(ValType::I32, 4), (ValType::I64, 8)] {
        for bytes in [1, 2, 4, 8].into_iter().filter(|bytes| *bytes <= own) {
            let (width, sign) =
                if bytes == own { (String::new(), "") } else { ((8 * bytes).to_string(), "_u") };
            for does in ["load", "store", "add", "sub", "and", "or", "xor", "xchg", "cmpxchg"] {
                let name = match does {
                    "load" => format!("{ty}.atomic.load{width}{sign}"),
                    "store" => format!("{ty}.atomic.store{width}"),
                    _ => format!("{ty}.atomic.rmw{width}.{does}{sign}"),
                };
                all.push(Atomic { name, ty, bytes, does });
            }
        }
    }
    all
}

impl Atomic {
    /// The instruction on `memory`, of `$a`, `$x` and `$y`, the latter two i64s, as an i64.
    pub(crate) fn text(&self, memory: u32, offset: u64) -> String {
        let Atomic { name, ty, does, .. } = self;
        let operand = |name: &str| match ty {
            ValType::I32 => format!("(i32.wrap_i64 (local.get {name}))"),
            _ => format!("(local.get {name})"),
        };
        let operands = match *does {
            "load" => String::new(),
            "cmpxchg" => operand("$x") + &operand("$y"),
            _ => operand("$x"),
        };
        let access = format!("({name} {memory} offset={offset} (local.get $a) {operands})");
        match (*does, ty) {
            ("store", _) => format!("{access} (i64.const 0)"),
            (_, ValType::I32) => format!("(i64.extend_i32_u {access})"),
            _ => access,
        }
    }
}
