//! Rust closures as host functions.

use super::wasm_ty::for_each_arity;
use super::wasm_ty::sealed::{Slots, Value, Values};
use crate::memory::{Charge, Shared};
use crate::runtime::store::HostFunc;
use crate::{Caller, Engine, Error, FuncType, Kind, ValType, WasmTy};

/// What a closure given to [`Func::wrap`](crate::Func::wrap) or [`Linker::func_wrap`](crate::Linker::func_wrap) may
/// return: nothing, one value, a tuple of up to 16, or a `Result` of such with this crate's [`Error`].
pub trait WasmRet: sealed::Ret {}

impl<R: sealed::Ret> WasmRet for R {}

/// Closures that [`Func::wrap`](crate::Func::wrap) and [`Linker::func_wrap`](crate::Linker::func_wrap) accept: with 0 to
/// 16 parameters that are [`WasmTy`], before them a [`Caller`] if wanted, and a result that is [`WasmRet`].
pub trait IntoFunc<T, Params, Results>: sealed::IntoHost<T, Params, Results> {}

impl<T, P, R, F: sealed::IntoHost<T, P, R>> IntoFunc<T, P, R> for F {}

pub(crate) mod sealed {
    use super::*;

    pub trait Ret {
        #[doc(hidden)]
        type Values: Values;
        #[doc(hidden)]
        fn into_result(self) -> Result<Self::Values, Error>;
    }

    pub trait IntoHost<T, Params, Results>: Send + Sync + 'static {
        #[doc(hidden)]
        fn into_host(self, engine: &Engine) -> Result<Host, Error>;
    }

    pub struct Host(pub(crate) Shared<HostFunc>);
}

use sealed::{Host, IntoHost, Ret};

impl<V: Values> Ret for V {
    type Values = V;

    #[inline]
    fn into_result(self) -> Result<V, Error> {
        Ok(self)
    }
}

impl<V: Values> Ret for Result<V, Error> {
    type Values = V;

    #[inline]
    fn into_result(self) -> Result<V, Error> {
        self
    }
}

/// A closure's type, and what is charged for it while the function is made.
fn func_type(engine: &Engine, params: &[ValType], results: &[ValType]) -> Result<(FuncType, Charge), Error> {
    let types = params.iter().chain(results).copied();
    let count = params.len() + results.len();
    let charge = engine.budget().charge(Kind::Host, FuncType::heap_bytes_of(types.clone(), count))?;
    Ok((FuncType::try_new(types, params.len(), count)?, charge))
}

macro_rules! into_host {
    ($($a:ident)*) => {
        impl<T: 'static, F, $($a: WasmTy,)* R: WasmRet> IntoHost<T, (Caller<'_, T>, $($a,)*), R> for F
        where
            F: Fn(Caller<'_, T>, $($a),*) -> R + Send + Sync + 'static,
        {
            #[allow(non_snake_case, unused, reason = "generated, for no parameters too")]
            fn into_host(self, engine: &Engine) -> Result<Host, Error> {
                let (ty, _charge) = func_type(engine, &[$($a::TYPE),*], R::Values::TYPES)?;
                // SAFETY: `HostFunc` promises a store of `T`, and slots of this type.
                let host = unsafe {
                    HostFunc::new(engine, ty, move |store, vm, slots| {
                        let mut at = 0;
                        $(
                            let $a = <$a as Value>::load(&Slots(&*store), &slots[at..]);
                            at += $a::SLOTS;
                        )*
                        let result = Caller::with(store, vm, |caller| self(caller, $($a),*));
                        result.into_result()?.store(&Slots(&*store), slots);
                        Ok(())
                    })
                };
                Ok(Host(host?))
            }
        }

        impl<T: 'static, F, $($a: WasmTy,)* R: WasmRet> IntoHost<T, ($($a,)*), R> for F
        where
            F: Fn($($a),*) -> R + Send + Sync + 'static,
        {
            #[allow(non_snake_case, reason = "generated")]
            fn into_host(self, engine: &Engine) -> Result<Host, Error> {
                let with_caller = move |_: Caller<'_, T>, $($a: $a),*| self($($a),*);
                IntoHost::<T, (Caller<'_, T>, $($a,)*), R>::into_host(with_caller, engine)
            }
        }
    };
}

for_each_arity!(into_host);
