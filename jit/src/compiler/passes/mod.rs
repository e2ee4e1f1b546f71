//! Runs Cranelift's passes from CLIF to machine code, in Cranelift's own order. The memory for the optimizer and for
//! code generation is admitted before each begins.

mod constant_phis;
mod folded_loads;
mod loop_exits;

use super::census::Census;
use super::decline::Decline;
use crate::compiler::scratch::Scratch;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{CodegenError, CompiledCode, Context};
use dunlin::tier::View;

/// Optimizes a function and generates its machine code, as far as `scratch` admits it, and as long as its module wasn't
/// dropped. Adapters need neither.
///
/// # Errors
/// Why no code was generated.
pub(super) fn generate(
    context: &mut Context,
    isa: &dyn TargetIsa,
    registers: &mut regalloc2::Ctx,
    admission: Option<(View<'_>, &Scratch)>,
) -> Result<CompiledCode, Decline> {
    // Done for all at once: resolving them one by one would follow long chains of aliases again and again.
    context.func.dfg.resolve_all_aliases();
    if isa.flags().enable_nan_canonicalization() {
        context.canonicalize_nans(isa)?;
    }
    let goes_on = || match admission {
        Some((view, _)) if view.is_dropped() => Err(Decline::Dropped),
        _ => Ok(()),
    };
    if let Some((_, scratch)) = admission {
        scratch.need_for_optimizer(&context.func, &Census::of(&context.func))?;
    }
    loop_exits::put_first(context);
    context.verify_if(isa)?;
    context.compute_cfg();
    context.compute_domtree();
    context.eliminate_unreachable_code(isa)?;
    if constant_phis::settle_soon(&context.func, &context.domtree) {
        context.remove_constant_phis(isa)?;
    }
    context.func.dfg.resolve_all_aliases();
    goes_on()?;
    context.egraph_pass(isa, &mut ControlPlane::default())?;
    if let Some((_, scratch)) = admission {
        scratch.need_for_code(&context.func, &Census::of(&context.func))?;
    }
    goes_on()?;
    folded_loads::set_srclocs(&mut context.func);
    let (func, domtree) = (&context.func, &context.domtree);
    let code = isa.compile_function(func, domtree, registers, false, &mut ControlPlane::default())?;
    Ok(code.apply_params(&context.func.params))
}

impl From<CodegenError> for Decline {
    fn from(error: CodegenError) -> Self {
        match error {
            CodegenError::Unsupported(why) if why.starts_with("Too many return values") => {
                Decline::Unsupported("so many results")
            }
            other => Decline::Compiler(format!("{other:?}")),
        }
    }
}
