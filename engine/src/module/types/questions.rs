//! Short questions about types, by the names that they have in wasmtime.

use super::{
    ExternType, FuncType, GlobalType, HeapType, MemoryType, Mutability, RefType, TableType, TagType,
};
use super::{TypeNumber, ValType};

impl ValType {
    /// Whether this is `i32`.
    pub const fn is_i32(self) -> bool {
        matches!(self, ValType::I32)
    }

    /// Whether this is `i64`.
    pub const fn is_i64(self) -> bool {
        matches!(self, ValType::I64)
    }

    /// Whether this is `f32`.
    pub const fn is_f32(self) -> bool {
        matches!(self, ValType::F32)
    }

    /// Whether this is `f64`.
    pub const fn is_f64(self) -> bool {
        matches!(self, ValType::F64)
    }

    /// Whether this is an integer or a float.
    pub const fn is_num(self) -> bool {
        matches!(self, ValType::I32 | ValType::I64 | ValType::F32 | ValType::F64)
    }

    /// Whether this is `v128`.
    pub const fn is_v128(self) -> bool {
        matches!(self, ValType::V128)
    }

    /// Whether this is a reference type.
    pub const fn is_ref(self) -> bool {
        matches!(self, ValType::Ref(_))
    }

    /// Whether this is `funcref`, which may be null.
    pub fn is_funcref(self) -> bool {
        self == ValType::FUNCREF
    }

    /// Whether this is `externref`, which may be null.
    pub fn is_externref(self) -> bool {
        self == ValType::EXTERNREF
    }

    /// The reference type, if this is one.
    pub const fn as_ref(self) -> Option<RefType> {
        match self {
            ValType::Ref(ty) => Some(ty),
            _ => None,
        }
    }

    /// The reference type.
    ///
    /// # Panics
    ///
    /// If this isn't one.
    #[track_caller]
    pub fn unwrap_ref(self) -> RefType {
        self.as_ref().unwrap_or_else(|| panic!("expected a reference type, found {self}"))
    }
}

impl HeapType {
    /// Whether this is functions of any type.
    pub const fn is_func(self) -> bool {
        matches!(self, HeapType::Func)
    }

    /// Whether this is what belongs to the host.
    pub const fn is_extern(self) -> bool {
        matches!(self, HeapType::Extern)
    }

    /// Whether this is exceptions.
    pub const fn is_exn(self) -> bool {
        matches!(self, HeapType::Exn)
    }

    /// Whether this names no other type.
    pub const fn is_abstract(self) -> bool {
        !self.is_concrete()
    }

    /// Whether this names another type.
    pub const fn is_concrete(self) -> bool {
        self.is_concrete_func()
    }

    /// Whether this is functions of one type.
    pub const fn is_concrete_func(self) -> bool {
        matches!(self, HeapType::ConcreteFunc(_))
    }

    /// The type of the functions, if this is functions of one type.
    pub const fn as_concrete_func(self) -> Option<TypeNumber> {
        match self {
            HeapType::ConcreteFunc(number) => Some(number),
            _ => None,
        }
    }

    /// The type of the functions.
    ///
    /// # Panics
    ///
    /// If this isn't functions of one type.
    #[track_caller]
    pub fn unwrap_concrete_func(self) -> TypeNumber {
        self.as_concrete_func().unwrap_or_else(|| panic!("expected functions of one type, found {self}"))
    }

    /// The greatest type that this is a subtype of.
    pub const fn top(self) -> HeapType {
        match self {
            HeapType::ConcreteFunc(_) => HeapType::Func,
            top => top,
        }
    }

    /// Whether this isn't a subtype of another type.
    pub const fn is_top(self) -> bool {
        self.is_abstract()
    }
}

impl FuncType {
    /// The type of the parameter with this index.
    pub fn param(&self, index: usize) -> Option<ValType> {
        self.params().get(index)
    }

    /// The type of the result with this index.
    pub fn result(&self, index: usize) -> Option<ValType> {
        self.results().get(index)
    }
}

impl Mutability {
    /// Whether it keeps its first value.
    pub const fn is_const(self) -> bool {
        matches!(self, Mutability::Const)
    }

    /// Whether it may be assigned.
    pub const fn is_var(self) -> bool {
        matches!(self, Mutability::Var)
    }
}

macro_rules! extern_types {
    ($($get:ident $unwrap:ident $variant:ident $ty:ident $what:literal;)*) => {
        impl ExternType {
            $(
                #[doc = concat!("The ", $what, "'s type, if this is a ", $what, ".")]
                pub fn $get(&self) -> Option<&$ty> {
                    match self {
                        ExternType::$variant(ty) => Some(ty),
                        _ => None,
                    }
                }

                #[doc = concat!("The ", $what, "'s type.\n\n# Panics\n\nIf this isn't a ", $what, ".")]
                #[track_caller]
                pub fn $unwrap(&self) -> &$ty {
                    self.$get().unwrap_or_else(|| panic!(concat!("expected a ", $what, ", found a {}"), self))
                }
            )*
        }

        $(
            impl From<$ty> for ExternType {
                fn from(ty: $ty) -> ExternType {
                    ExternType::$variant(ty)
                }
            }
        )*
    };
}

extern_types! {
    func unwrap_func Func FuncType "function";
    table unwrap_table Table TableType "table";
    memory unwrap_memory Memory MemoryType "memory";
    global unwrap_global Global GlobalType "global";
    tag unwrap_tag Tag TagType "tag";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_answer_for_themselves() {
        let typed = HeapType::ConcreteFunc(TypeNumber(7));
        for ty in [HeapType::Func, HeapType::Extern, HeapType::Exn] {
            assert!(ty.is_abstract() && ty.is_top() && ty.top() == ty && ty.as_concrete_func().is_none());
            assert_eq!((ty.is_func(), ty.is_extern()), (ty == HeapType::Func, ty == HeapType::Extern));
        }
        assert!(typed.is_concrete() && !typed.is_top() && typed.top() == HeapType::Func);
        assert_eq!(typed.unwrap_concrete_func(), TypeNumber(7));
        assert!(ValType::I32.is_i32() && ValType::F64.is_num() && !ValType::V128.is_num());
        assert!(ValType::FUNCREF.is_funcref() && ValType::FUNCREF.unwrap_ref().is_nullable());
        let ty = FuncType::new([ValType::I64], [ValType::F32]);
        assert_eq!((ty.param(0), ty.param(1), ty.result(0)), (Some(ValType::I64), None, Some(ValType::F32)));
        assert_eq!(ExternType::from(ty.clone()).unwrap_func(), &ty);
        assert!(ExternType::from(ty).memory().is_none());
        assert!(Mutability::Var.is_var() && !Mutability::Var.is_const());
    }

    #[test]
    #[should_panic(expected = "expected a memory, found a function () -> ()")]
    fn another_kind_of_type_panics() {
        ExternType::from(FuncType::new([], [])).unwrap_memory();
    }
}
