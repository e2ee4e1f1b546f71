//! How C calls in. Every exported function is declared by `exports!`: it doesn't unwind into C, and its prototype is compared
//! with the headers by a test. What its parameters may be, [`crate::pointers`] says.

use crate::pointers::{Byte, Handle};
pub(crate) use crate::prototypes::c_types;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};

macro_rules! exports {
    ($($(#[$attribute:meta])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block)*) => {
        $(
            $(#[$attribute])*
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($($arg: $ty),*) $(-> $ret)? {
                $crate::boundary::enter::<$crate::boundary::result!($($ret)?)>(move || $body)
            }
        )*

        #[cfg(test)]
        pub(crate) fn prototypes(all: &mut Vec<$crate::prototypes::Prototype>) {
            use $crate::prototypes::CType;
            $(
                all.push($crate::prototypes::Prototype {
                    name: stringify!($name),
                    args: vec![$(<$ty as CType>::c()),*],
                    result: <$crate::boundary::result!($($ret)?) as CType>::c(),
                });
            )*
        }
    };
}

macro_rules! result {
    () => {
        ()
    };
    ($ty:ty) => {
        $ty
    };
}

pub(crate) use {exports, result};

/// What a function gives C, and what it gives if it can't be carried out because of a mistake in Dunlin.
pub(crate) trait Returns: Sized {
    /// What the function's body gives.
    type Body;

    fn of(body: Self::Body) -> Self;

    fn of_panic(message: &str) -> Self;
}

/// Calls a function's body. A panic ends here.
pub(crate) fn enter<R: Returns>(body: impl FnOnce() -> R::Body) -> R {
    // What a panic leaves half done is the engine's, which bears that.
    match catch_unwind(AssertUnwindSafe(|| R::of(body()))) {
        Ok(result) => result,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            R::of_panic(text.or_else(|| payload.downcast_ref().copied()).unwrap_or("a panic"))
        }
    }
}

macro_rules! returns {
    ($($ty:ty, $otherwise:expr;)*) => {$(
        impl Returns for $ty {
            type Body = Self;

            fn of(body: Self) -> Self {
                body
            }

            fn of_panic(_: &str) -> Self {
                $otherwise
            }
        }
    )*};
}

returns! {
    (), ();
    bool, false;
    u8, 0;
    i32, 0;
    u32, 0;
    u64, 0;
    usize, 0;
    *mut c_void, std::ptr::null_mut();
    *mut Byte, std::ptr::null_mut();
    *const Byte, std::ptr::null();
}

impl<T> Returns for Option<&T> {
    type Body = Self;

    fn of(body: Self) -> Self {
        body
    }

    fn of_panic(_: &str) -> Self {
        None
    }
}

impl<T> Returns for Option<Box<T>> {
    type Body = Self;

    fn of(body: Self) -> Self {
        body
    }

    fn of_panic(_: &str) -> Self {
        None
    }
}

impl<T> Returns for Handle<'_, T> {
    type Body = Self;

    fn of(body: Self) -> Self {
        body
    }

    fn of_panic(_: &str) -> Self {
        Self::new(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Outcome;
    use crate::failure::{Code, Failure};
    use crate::object::Trapped;

    #[test]
    fn panics_become_errors() {
        let failure = enter::<Outcome>(|| panic!("one plus {}", 1)).take().unwrap();
        assert!(failure.code() == Code::Mistake && failure.to_string() == "one plus 1");
        let failure = enter::<Trapped>(|| panic!("a text")).take().unwrap();
        assert!(failure.code() == Code::Mistake && failure.to_string() == "a text");
        assert!(!enter::<bool>(|| panic!("nothing to tell")));
    }

    #[test]
    fn an_error_without_memory_is_one() {
        let failure = Outcome::failed(Failure::NO_MEMORY).take().unwrap();
        assert!(failure.code() == Code::OutOfMemory && failure.to_string() == "out of memory");
    }
}
