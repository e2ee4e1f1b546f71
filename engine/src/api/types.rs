//! Which types are subtypes of others. Types name function types by their numbers in an engine, so that has to be asked.

use crate::{Engine, FuncType, HeapType, RefType, ValType};

impl HeapType {
    /// Whether whatever is of this type is of the `other` type: the specification's *matching*. Both are of the `engine`.
    pub fn matches(self, engine: &Engine, other: HeapType) -> bool {
        self.matches_by(other, |this, other| engine.is_subtype(this.0, other.0))
    }
}

impl RefType {
    /// Whether every reference of this type is one of the `other` type: the specification's *matching*. Both are of the
    /// `engine`.
    pub fn matches(self, engine: &Engine, other: RefType) -> bool {
        ValType::Ref(self).matches(engine, ValType::Ref(other))
    }
}

impl ValType {
    /// Whether every value of this type is one of the `other` type: the specification's *matching*. Both are of the `engine`.
    pub fn matches(self, engine: &Engine, other: ValType) -> bool {
        engine.value_matches(self, other)
    }
}

impl FuncType {
    /// A function type with these parameters and results, with the arguments that wasmtime's `FuncType::new` has. Types
    /// belong to no engine here, so it may be left out: see [`FuncType::new`].
    pub fn with_engine(
        _: &Engine,
        params: impl IntoIterator<Item = ValType>,
        results: impl IntoIterator<Item = ValType>,
    ) -> FuncType {
        FuncType::new(params, results)
    }

    /// Whether a function of this type can be called as one of the `other` type: it takes all the values that the other one takes, and
    /// gives only such that the other one gives. Both are of the `engine`.
    ///
    /// It is what a module may declare to be a subtype. What it has not declared, imports and indirect calls don't accept.
    ///
    /// ```
    /// use dunlin::{Engine, FuncType, HeapType, RefType, ValType};
    /// let engine = Engine::default();
    /// let never_null = ValType::Ref(RefType::new(false, HeapType::Func));
    /// let this = FuncType::new([ValType::FUNCREF], [never_null]);
    /// let other = FuncType::new([never_null], [ValType::FUNCREF]);
    /// assert!(this.matches(&engine, &other) && !other.matches(&engine, &this));
    /// ```
    pub fn matches(&self, engine: &Engine, other: &FuncType) -> bool {
        self.params().len() == other.params().len()
            && self.results().len() == other.results().len()
            && other.params().zip(self.params()).all(|(given, taken)| given.matches(engine, taken))
            && self.results().zip(other.results()).all(|(given, taken)| given.matches(engine, taken))
    }
}
