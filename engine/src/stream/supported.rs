//! Keeps most instructions of proposals that Dunlin doesn't have from the validator.
//!
//! It refuses all instructions of such a proposal alike, but has code for each, in case it were on. So it is shown the same
//! instruction of the proposal for all of them, and its code for the others isn't in the program.

use alloc::vec::Vec;
#[cfg(feature = "simd")]
use wasmparser::VisitSimdOperator;
use wasmparser::{FrameKind, FrameStack, Result, VisitOperator, for_each_visit_operator};

/// Shows instructions to a validator for which these proposals are off.
pub(super) struct Supported<V>(pub(super) V);

macro_rules! visit {
    ($(@$proposal:ident $op:ident $({ $($arg:ident: $argty:ty),* })? => $visit:ident ($($ann:tt)*))*) => {
        $(
            #[allow(unused_variables, reason = "of what is shown as another instruction")]
            fn $visit(&mut self $($(,$arg: $argty)*)?) -> Result<()> {
                visit!(@$proposal self $visit $($($arg)*)?)
            }
        )*
    };
    (@gc $self:ident $($visited:tt)*) => { $self.0.visit_ref_i31() };
    (@custom_descriptors $self:ident $($visited:tt)*) => { $self.0.visit_ref_get_desc(0) };
    (@shared_everything_threads $self:ident $($visited:tt)*) => { $self.0.visit_ref_i31_shared() };
    (@stack_switching $self:ident $($visited:tt)*) => { $self.0.visit_cont_new(0) };
    (@$proposal:ident $self:ident $visit:ident $($arg:ident)*) => { $self.0.$visit($($arg),*) };
}

impl<'a, V: VisitOperator<'a, Output = Result<()>>> VisitOperator<'a> for Supported<V> {
    type Output = Result<()>;

    #[cfg(feature = "simd")]
    fn simd_visitor(&mut self) -> Option<&mut dyn VisitSimdOperator<'a, Output = Result<()>>> {
        self.0.simd_visitor()
    }

    for_each_visit_operator!(visit);
}

impl<V: FrameStack> FrameStack for Supported<V> {
    fn current_frame(&self) -> Option<FrameKind> {
        self.0.current_frame()
    }
}
