//! The macros that make of a family's rows its numbers, meanings, selection and names.

/// Declares a family from its rows.
///
/// `Name [OtherOperators] (x: T, ..) -> T { meaning } => C`: the row serves wasmparser's operator `Name` and the
/// others listed, which mean the same on slots; its NaNs are made canonical as `C` if that is wanted. In builds without
/// what `only`, or an attribute of a row, names, there are no such operators.
macro_rules! family {
    (
        $(#[$doc:meta])*
        $Enum:ident, $module:ident, stride $stride:literal, forms $forms:tt, shape $shape:ident $(, only $when:meta)?;
        $($(#[$gate:meta])* $Name:ident $([$($alias:ident)*])? ($($x:ident: $t:ty),*) -> $out:ty $body:block $(=> $canon:ident)?)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        #[allow(clippy::enum_variant_names)]
        pub(crate) enum $Enum { $($Name),* }

        #[doc(hidden)]
        #[allow(clippy::upper_case_acronyms)]
        pub(crate) mod $module { $(pub(crate) enum $Name {})* }

        $(impl $crate::ops::Row for $module::$Name {
            const OP: Op = Op($Enum::$Name as u16 * $stride + $Enum::BASE);
        })*
        $($crate::ops::row! { $shape $module $Name ($($x: $t),*) -> $out $body })*

        impl $Enum {
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($Name)),*];
            pub(crate) const COUNT: usize = Self::NAMES.len();
            pub(crate) const STRIDE: usize = $stride;
            /// Extension words of each row's immediate.
            pub(crate) const IMM_WORDS: &'static [usize] =
                &[$($crate::ops::imm_words!($shape $($t),*)),*];

            $(
                #[cfg(not($when))]
                pub(crate) fn of(_: &wasmparser::Operator<'_>) -> Option<$crate::ops::Selected> {
                    None
                }
            )?

            $(#[cfg($when)])?
            #[inline]
            pub(crate) fn of(operator: &wasmparser::Operator<'_>) -> Option<$crate::ops::Selected> {
                #[allow(unused_imports)]
                use $crate::ops::{Classed, Selected, Canon};
                use wasmparser::Operator;
                match operator {
                    $($(#[$gate])* $crate::ops::pattern!($shape $Name $([$($alias)*])? memarg lane) => Some(
                        $crate::ops::selected!($shape (<$module::$Name as $crate::ops::Row>::OP) ($($t),*) $out,
                            (None $(.or(Some(Canon::$canon)))?) memarg lane)
                    ),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use family;

macro_rules! imm_words {
    (commutative $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (ordered $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (shift $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (vector $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    (compare $t:ty, $u:ty) => {
        <$u as $crate::ops::Classed>::IMM.words()
    };
    ($shape:ident $($t:ty),*) => {
        0
    };
}
pub(crate) use imm_words;

macro_rules! row {
    (unary $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Unary for $m::$N {
            type In = $t;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t) -> Result<$out, $crate::module::trap::Trap> { $crate::ops::Evaluated::<$out>::evaluated($body) }
        }
    };
    (compare $m:ident $N:ident ($x:ident: $t:ty, $y:ident: $u:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Compare for $m::$N {
            type In = $t;
            #[inline(always)]
            fn test($x: $t, $y: $t) -> bool $body
        }
    };
    (extract $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Extract for $m::$N {
            type Lane = $t;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t) -> $out $body
        }
    };
    (replace $m:ident $N:ident ($x:ident: $t:ty, $lane:ident: $l:ty, $y:ident: $u:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Replace for $m::$N {
            type R = $u;
            #[inline(always)]
            fn eval($x: V128, $lane: u8, $y: $u) -> V128 $body
        }
    };
    (load $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Load for $m::$N {
            type Raw = $t;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t) -> $out $body
        }
    };
    (store $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Store for $m::$N {
            type In = $t;
            type Raw = $out;
            #[inline(always)]
            fn eval($x: $t) -> $out $body
        }
    };
    (loadlane $m:ident $N:ident ($x:ident: $v:ty, $lane:ident: $l:ty, $y:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::LaneLoad for $m::$N {
            type Raw = $t;
            #[inline(always)]
            fn eval($x: V128, $lane: u8, $y: $t) -> V128 $body
        }
    };
    (storelane $m:ident $N:ident ($x:ident: $t:ty) -> $out:ty $body:block) => {
        impl $crate::ops::LaneStore for $m::$N {
            type Raw = $out;
            #[inline(always)]
            fn eval($x: $out) -> $out $body
        }
    };
    // Commutative, ordered, vector and shift families have binary rows.
    ($binary:ident $m:ident $N:ident ($x:ident: $t:ty, $y:ident: $u:ty) -> $out:ty $body:block) => {
        impl $crate::ops::Binary for $m::$N {
            type L = $t;
            type R = $u;
            type Out = $out;
            #[inline(always)]
            fn eval($x: $t, $y: $u) -> Result<$out, $crate::module::trap::Trap> {
                $crate::ops::Evaluated::<$out>::evaluated($body)
            }
        }
    };
}
pub(crate) use row;

macro_rules! pattern {
    (load $N:ident [$($a:ident)*] $m:ident $l:ident) => { Operator::$N { memarg: $m } $(| Operator::$a { memarg: $m })* };
    (store $N:ident [$($a:ident)*] $m:ident $l:ident) => { Operator::$N { memarg: $m } $(| Operator::$a { memarg: $m })* };
    (load $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m } };
    (store $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m } };
    (extract $N:ident $m:ident $l:ident) => { Operator::$N { lane: $l } };
    (replace $N:ident $m:ident $l:ident) => { Operator::$N { lane: $l } };
    (loadlane $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m, lane: $l } };
    (storelane $N:ident $m:ident $l:ident) => { Operator::$N { memarg: $m, lane: $l } };
    ($shape:ident $N:ident $m:ident $l:ident) => { Operator::$N };
    ($shape:ident $N:ident [$($a:ident)*] $m:ident $l:ident) => { Operator::$N $(| Operator::$a)* };
}
pub(crate) use pattern;

macro_rules! selected {
    (unary $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Unary { op: $op, to: <$out>::CLASS, canon: $canon }
    };
    (commutative $($rest:tt)*) => { $crate::ops::selected!(@binary Commutative $($rest)*) };
    (ordered $($rest:tt)*) => { $crate::ops::selected!(@binary Ordered $($rest)*) };
    (vector $($rest:tt)*) => { $crate::ops::selected!(@binary Vector $($rest)*) };
    (shift $($rest:tt)*) => { $crate::ops::selected!(@binary Shift $($rest)*) };
    (@binary $forms:ident $op:tt ($t:ty, $u:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Binary {
            op: $op, to: <$out>::CLASS,
            forms: $crate::ops::Forms::$forms, imm: <$u>::IMM, canon: $canon,
        }
    };
    (compare $op:tt ($t:ty, $u:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Compare { op: $op, imm: <$t>::IMM }
    };
    (extract $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Extract { op: $op, to: <$out>::CLASS, lane: *$l }
    };
    (replace $op:tt ($t:ty, $l8:ty, $u:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Replace { op: $op, lane: *$l }
    };
    (load $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Load { op: $op, to: <$out>::CLASS, memarg: $m.into() }
    };
    (store $op:tt ($t:ty) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::Store { op: $op, from: <$t>::CLASS, memarg: $m.into() }
    };
    (loadlane $op:tt ($($t:ty),*) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::LoadLane { op: $op, memarg: $m.into(), lane: *$l }
    };
    (storelane $op:tt ($($t:ty),*) $out:ty, $canon:tt $m:ident $l:ident) => {
        Selected::StoreLane { op: $op, memarg: $m.into(), lane: *$l }
    };
}
pub(crate) use selected;

/// Gives each family its base, one after the other, and strings their handlers into one table.
macro_rules! families {
    ($first:ident $($family:ident)*) => {
        impl $first { pub(crate) const BASE: u16 = 0; }
        families! { @bases $first $($family)* }

        /// How many op numbers there are.
        pub(crate) const OPS: usize = $first::COUNT * $first::STRIDE $(+ $family::COUNT * $family::STRIDE)*;

        impl Op {
            /// The row's name and form, for people.
            pub(crate) fn name(self) -> (&'static str, u16) {
                families! { @name self $first }
                $(families! { @name self $family })*
                ("?", self.0)
            }
        }
    };
    (@bases $a:ident $b:ident $($rest:ident)*) => {
        impl $b { pub(crate) const BASE: u16 = $a::BASE + ($a::COUNT * $a::STRIDE) as u16; }
        const _: () = assert!($b::BASE % 2 == 0);
        families! { @bases $b $($rest)* }
    };
    (@bases $a:ident) => {};
    (@name $self:ident $family:ident) => {
        if let Some(n) = $self.0.checked_sub($family::BASE)
            && (n as usize) < $family::COUNT * $family::STRIDE
        {
            let row = n as usize / $family::STRIDE;
            return ($family::NAMES[row], n - (row * $family::STRIDE) as u16);
        }
    };
}
pub(super) use families;
