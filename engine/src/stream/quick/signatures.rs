//! What instructions that only compute or access memory take and give.

use crate::module::opcode::{I32_EQZ, I32_LOAD, I64_EXTEND32_S};
use crate::module::types::PlainType;
use PlainType::{F32, F64, I32, I64};

/// Operands of one type, and a result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) operands: u8,
    pub(super) from: PlainType,
    pub(super) to: PlainType,
}

const fn from(operands: u8, from: PlainType, to: PlainType) -> Signature {
    Signature { operands, from, to }
}

/// The signatures of `i32.eqz` to `i64.extend32_s`, in the order of their opcodes.
pub(super) const SIGNATURES: [Signature; (I64_EXTEND32_S - I32_EQZ + 1) as usize] = {
    // How many consecutive opcodes have a signature.
    const RUNS: [(usize, Signature); 32] = [
        // Comparisons.
        (1, from(1, I32, I32)),
        (10, from(2, I32, I32)),
        (1, from(1, I64, I32)),
        (10, from(2, I64, I32)),
        (6, from(2, F32, I32)),
        (6, from(2, F64, I32)),
        // Arithmetic.
        (3, from(1, I32, I32)),
        (15, from(2, I32, I32)),
        (3, from(1, I64, I64)),
        (15, from(2, I64, I64)),
        (7, from(1, F32, F32)),
        (7, from(2, F32, F32)),
        (7, from(1, F64, F64)),
        (7, from(2, F64, F64)),
        // Conversions: to i32,
        (1, from(1, I64, I32)),
        (2, from(1, F32, I32)),
        (2, from(1, F64, I32)),
        // to i64,
        (2, from(1, I32, I64)),
        (2, from(1, F32, I64)),
        (2, from(1, F64, I64)),
        // to f32,
        (2, from(1, I32, F32)),
        (2, from(1, I64, F32)),
        (1, from(1, F64, F32)),
        // to f64,
        (2, from(1, I32, F64)),
        (2, from(1, I64, F64)),
        (1, from(1, F32, F64)),
        // and of bits.
        (1, from(1, F32, I32)),
        (1, from(1, F64, I64)),
        (1, from(1, I32, F32)),
        (1, from(1, I64, F64)),
        // Sign extension.
        (2, from(1, I32, I32)),
        (3, from(1, I64, I64)),
    ];
    let mut all = [from(0, I32, I32); (I64_EXTEND32_S - I32_EQZ + 1) as usize];
    let (mut run, mut at) = (0, 0);
    while run < RUNS.len() {
        let mut left = RUNS[run].0;
        while left > 0 {
            all[at] = RUNS[run].1;
            at += 1;
            left -= 1;
        }
        run += 1;
    }
    assert!(at == all.len());
    all
};

/// The signatures of the saturating conversions, `i32.trunc_sat_f32_s` to `i64.trunc_sat_f64_u`.
pub(super) const SATURATING: [Signature; 8] = [
    from(1, F32, I32),
    from(1, F32, I32),
    from(1, F64, I32),
    from(1, F64, I32),
    from(1, F32, I64),
    from(1, F32, I64),
    from(1, F64, I64),
    from(1, F64, I64),
];

/// A load or a store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) ty: PlainType,
    pub(super) stores: bool,
    /// The largest exponent of its alignment.
    pub(super) align: u8,
}

/// The load or store with this opcode, one from `i32.load` to `i64.store32`.
pub(super) fn access(opcode: u8) -> Access {
    const fn load(ty: PlainType, align: u8) -> Access {
        Access { ty, stores: false, align }
    }
    const fn store(ty: PlainType, align: u8) -> Access {
        Access { ty, stores: true, align }
    }
    const ALL: [Access; 23] = [
        load(I32, 2),
        load(I64, 3),
        load(F32, 2),
        load(F64, 3),
        load(I32, 0),
        load(I32, 0),
        load(I32, 1),
        load(I32, 1),
        load(I64, 0),
        load(I64, 0),
        load(I64, 1),
        load(I64, 1),
        load(I64, 2),
        load(I64, 2),
        store(I32, 2),
        store(I64, 3),
        store(F32, 2),
        store(F64, 3),
        store(I32, 0),
        store(I32, 1),
        store(I64, 0),
        store(I64, 1),
        store(I64, 2),
    ];
    ALL[usize::from(opcode - I32_LOAD)]
}

/// The type that a byte stands for. Not all modules may have `vectors`.
pub(super) fn value_type(byte: u8, vectors: bool) -> Option<PlainType> {
    Some(match byte {
        0x7f => I32,
        0x7e => I64,
        0x7d => F32,
        0x7c => F64,
        0x7b if vectors => PlainType::V128,
        0x70 => PlainType::FuncRef,
        0x6f => PlainType::ExternRef,
        _ => return None,
    })
}
