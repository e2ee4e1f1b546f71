//! Keeps from the validator the instructions of proposals that Dunlin doesn't have.
//!
//! It would refuse them, too. But the code that would validate them if they were switched on is a quarter of it.

use alloc::vec::Vec;
#[cfg(feature = "simd")]
use wasmparser::VisitSimdOperator;
use wasmparser::{FrameKind, FrameStack, Result, VisitOperator, for_each_visit_operator};

/// Shows an instruction to `validator` if it is supported.
pub(super) struct Supported<V> {
    validator: V,
    lacks: bool,
}

impl<V> Supported<V> {
    pub(super) fn new(validator: V) -> Self {
        Supported { validator, lacks: false }
    }

    /// Whether the instruction was kept from the validator.
    pub(super) fn lacks(self) -> bool {
        self.lacks
    }
}

macro_rules! visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(
            #[allow(unused_variables, reason = "what isn't shown to the validator")]
            fn $visit(&mut self $($(,$arg: $argty)*)?) -> Result<()> {
                visit!(@$proposal self $visit $($($arg)*)?)
            }
        )*
    };
    (@gc $($kept:tt)*) => { visit!(@keep $($kept)*) };
    (@shared_everything_threads $($kept:tt)*) => { visit!(@keep $($kept)*) };
    (@acquire_release_atomics $($kept:tt)*) => { visit!(@keep $($kept)*) };
    (@stack_switching $($kept:tt)*) => { visit!(@keep $($kept)*) };
    (@memory_control $($kept:tt)*) => { visit!(@keep $($kept)*) };
    (@custom_descriptors $($kept:tt)*) => { visit!(@keep $($kept)*) };
    (@keep $self:ident $visit:ident $($arg:ident)*) => {{
        $self.lacks = true;
        Ok(())
    }};
    (@$proposal:ident $self:ident $visit:ident $($arg:ident)*) => { $self.validator.$visit($($arg),*) };
}

impl<'a, V: VisitOperator<'a, Output = Result<()>>> VisitOperator<'a> for Supported<V> {
    type Output = Result<()>;

    #[cfg(feature = "simd")]
    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Result<()>>> {
        self.validator.simd_visitor()
    }

    for_each_visit_operator!(visit);
}

impl<V: FrameStack> FrameStack for Supported<V> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.validator.current_frame()
    }
}
