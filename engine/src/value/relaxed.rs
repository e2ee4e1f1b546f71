//! What relaxed vector instructions do where they may do what the machine does.
//!
//! <https://webassembly.github.io/spec/core/exec/relaxed.html> lists the results that each may have. This is about those
//! that differ from the deterministic profile's.

/// Which of the results that the specification allows relaxed vector instructions have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RelaxedSimd {
    /// Products are not rounded before they are added.
    pub fused: bool,
    /// Results are those of x86_64's instructions, up to SSE4.1; but for a choice between lanes by a mask of neither
    /// zeros nor ones, which stays one between bits.
    pub x86: bool,
}

impl RelaxedSimd {
    /// The specification's deterministic profile: the same on every machine.
    pub const DETERMINISTIC: Self = Self { fused: false, x86: false };

    /// What this machine does in one instruction.
    pub fn of_this_machine() -> Self {
        #[cfg(target_arch = "x86_64")]
        return Self { fused: crate::sys::has!("fma"), x86: crate::sys::has!("sse4.1") };
        // Of these, aarch64 only has a fused product, and it all has.
        #[cfg(not(target_arch = "x86_64"))]
        Self { fused: cfg!(target_arch = "aarch64"), x86: false }
    }
}

#[cfg(test)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    allow(unused_unsafe, reason = "others have functions without a contract")
)]
mod tests {
    use super::RelaxedSimd;
    use crate::value::{V128, simd, v128};
    use alloc::vec::Vec;

    fn bits(mut seed: u64) -> impl Iterator<Item = V128> {
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            u128::from(seed >> 32)
        };
        std::iter::from_fn(move || Some(V128::from(next() | next() << 32 | next() << 64 | next() << 96)))
    }

    /// Vectors with edges in their lanes, and of any bits.
    fn vectors() -> Vec<V128> {
        let mut all: Vec<V128> = bits(1).take(300).collect();
        for x in [
            0.0,
            -0.0,
            1.5,
            -2147483648.0,
            2147483648.0,
            2147483647.0,
            -2147483649.0,
            f64::NAN,
            f64::INFINITY,
        ] {
            all.push([x, -x].into());
            all.push([x as f32, -x as f32, 0.5, f32::MAX].into());
        }
        all.push([i16::MIN; 8].into());
        all.push([0x7f_u8; 16].into());
        all.push([0x80_u8, 0xff, 0x10, 0x0f, 0x8f, 0x7f, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].into());
        all
    }

    #[test]
    fn the_machines_instructions_are_those_that_are_written_down() {
        let here = RelaxedSimd::of_this_machine();
        let all = vectors();
        for (&x, &y) in all.iter().zip(all.iter().rev()).chain(all.iter().zip(all.iter().skip(7))) {
            let z = V128::from(u128::from(x).rotate_left(40));
            if here.fused {
                // SAFETY: as it was asked.
                let [single, double] = unsafe { [simd::f32x4_fma(x, y, z), simd::f64x2_fma(x, y, z)] };
                // Which NaN it is isn't said.
                assert_eq!(
                    v128::f32x4_canon(single),
                    v128::f32x4_canon(v128::f32x4_fma(x, y, z)),
                    "{x:?} {y:?} {z:?}"
                );
                assert_eq!(
                    v128::f64x2_canon(double),
                    v128::f64x2_canon(v128::f64x2_fma(x, y, z)),
                    "{x:?} {y:?} {z:?}"
                );
            }
            if here.x86 {
                // SAFETY: as it was asked.
                let found = unsafe {
                    [
                        simd::x86_pshufb(x, y),
                        simd::x86_pmulhrsw(x, y),
                        simd::x86_pmaddubsw(x, y),
                        simd::x86_cvttps2dq(x),
                        simd::x86_cvttpd2dq(x),
                    ]
                };
                let expected = [
                    v128::x86_pshufb(x, y),
                    v128::x86_pmulhrsw(x, y),
                    v128::x86_pmaddubsw(x, y),
                    v128::x86_cvttps2dq(x),
                    v128::x86_cvttpd2dq(x),
                ];
                assert_eq!(found, expected, "{x:?} {y:?}");
            }
        }
    }
}
