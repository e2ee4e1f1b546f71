//! The functions of floats that the standard library has and `core` hasn't, by `libm`: correctly rounded, as they must be.

/// As the standard library's methods of the same names.
pub(super) trait Math: Sized {
    fn sqrt(self) -> Self;
    fn mul_add(self, factor: Self, summand: Self) -> Self;
}

impl Math for f32 {
    fn sqrt(self) -> f32 {
        libm::sqrtf(self)
    }

    fn mul_add(self, factor: f32, summand: f32) -> f32 {
        // libm hands it back as it is, where it may not be quiet; an addition makes it so.
        if summand.is_nan() { summand + self } else { libm::fmaf(self, factor, summand) }
    }
}

impl Math for f64 {
    fn sqrt(self) -> f64 {
        libm::sqrt(self)
    }

    fn mul_add(self, factor: f64, summand: f64) -> f64 {
        // As before.
        if summand.is_nan() { summand + self } else { libm::fma(self, factor, summand) }
    }
}

#[cfg(test)]
mod tests {
    use super::Math;

    /// Bits of floats: edges, and at random; of three, so that their exponents are near each other now and then.
    fn operands() -> impl Iterator<Item = [u64; 3]> {
        let mut seed = 1_u64;
        let mut next = move || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            seed.rotate_left(29)
        };
        let edges =
            [0, 1, 1 << 52, 0x7fef_ffff_ffff_ffff, 0x7ff0 << 48, 0x7ff8 << 48, 0x3fe0 << 48, 0x4330 << 48];
        let edges = edges.into_iter().flat_map(move |a| edges.map(|b| [a, b, a ^ b ^ 1 << 63]));
        let near = move |i: u64| {
            let [a, b, c] = [next(), next(), next()];
            match i % 3 {
                0 => [a, b, c],
                // Within a few powers of two of 1, where fractions are and sums cancel.
                1 => [a, b, c].map(|x| x & !(0x7fc0 << 48) | 0x3fc0 << 48),
                _ => [a, b, f64::mul_add(-f64::from_bits(a), f64::from_bits(b), f64::from_bits(c)).to_bits()],
            }
        };
        edges.chain((0..300_000).map(near))
    }

    macro_rules! compare {
        ($f:ident, $bits:ident, $shift:literal) => {
            for bits in operands() {
                let [a, b, c] = bits.map(|x| $f::from_bits((x >> $shift) as $bits));
                for (found, expected) in
                    [(Math::sqrt(a), a.sqrt()), (Math::mul_add(a, b, c), a.mul_add(b, c))]
                {
                    // Which NaN it is isn't said, but that ours is a quiet one: the standard library's isn't always, where it has
                    // no instruction for it.
                    let is_quiet = found.to_bits() >> ($f::MANTISSA_DIGITS - 2) & 1 == 1;
                    let same = found.to_bits() == expected.to_bits();
                    assert!(
                        same || found.is_nan() && is_quiet && expected.is_nan(),
                        "{a:?} {b:?} {c:?}: {found:?} {expected:?}"
                    );
                }
            }
        };
    }

    #[test]
    fn they_are_the_standard_librarys() {
        compare!(f32, u32, 32);
        compare!(f64, u64, 0);
    }
}
