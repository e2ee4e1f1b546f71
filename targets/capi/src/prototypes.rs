//! What is exported, as C declares it: for tests, which compare that with the headers.

/// Says how C writes types, which tests compare with the headers.
macro_rules! c_types {
    ($($ty:ty = $name:literal;)*) => {$(
        #[cfg(test)]
        impl $crate::prototypes::CType for $ty {
            fn c() -> String {
                $name.into()
            }
        }
    )*};
}

/// The same for types that point to others, whose name is put into `how`.
macro_rules! c_pointers {
    ($($how:literal: $($ty:ty),*;)*) => {$($(
        #[cfg(test)]
        impl<T: $crate::prototypes::CType> $crate::prototypes::CType for $ty {
            fn c() -> String {
                format!($how, T::c())
            }
        }
    )*)*};
}

pub(crate) use {c_pointers, c_types};

/// A function as C declares it.
#[cfg(test)]
pub(crate) struct Prototype {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<String>,
    pub(crate) result: String,
}

/// A type as C writes it.
#[cfg(test)]
pub(crate) trait CType {
    fn c() -> String;
}

c_types! {
    () = "void";
    std::ffi::c_void = "void";
    bool = "bool";
    u8 = "uint8_t";
    u32 = "uint32_t";
    i32 = "int32_t";
    u64 = "uint64_t";
    usize = "size_t";
    Option<unsafe extern "C" fn(*mut std::ffi::c_void)> = "void (*)(void *)";
}

c_pointers! {
    "{} *": *mut T, Option<&mut T>, Option<Box<T>>;
    "{} const *": *const T, Option<&T>;
}
