//! Every bound on what a module may ask for, beside its reason.
//!
//! wasmparser enforces bounds of its own while it validates, those that engines have agreed upon
//! (<https://webassembly.github.io/spec/js-api/#limits>): 1,000,000 types, functions, imports, exports and globals;
//! 100,000 tables, data segments and element segments; 100 memories; 10,000,000 elements a segment; 1,000 parameters
//! and results; 50,000 locals; names of 100,000 bytes in imports and exports. They are not checked again here;
//! where one is repeated below, it is because something must be decided before wasmparser sees the bytes.

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $ty:ty = $default:expr, $strict:expr;)*) => {
        /// How large parts of a module may be, for those who load modules that they don't trust. A module that exceeds
        /// one is refused while it is loaded, by the limit's name; whatever these are, a budget holds besides.
        ///
        /// ```
        /// use dunlin::{Config, Limits};
        /// let mut limits = Limits::strict();
        /// limits.functions = 100;
        /// let mut config = Config::new();
        /// config.limits(limits);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Limits {
            $($(#[$doc])* pub $name: $ty,)*
        }

        impl Default for Limits {
            /// What WebAssembly engines have agreed upon, so that any module that runs elsewhere is accepted.
            fn default() -> Self {
                Limits { $($name: $default,)* }
            }
        }

        impl Limits {
            /// Enough for what compilers make of ordinary programs, too little for what is made to be a burden.
            pub fn strict() -> Self {
                Limits { $($name: $strict,)* }
            }
        }
    };
}

// The name, the default, and what is strict.
limits! {
    /// Types. Each is numbered engine-wide, under a lock that all modules share.
    types: u32 = 1_000_000, 10_000;
    /// Functions, imported ones included. Each has a word in the entry table of a module, and its type's number.
    functions: u32 = 1_000_000, 100_000;
    /// Imports. Each is looked up by two names whenever an instance is made.
    imports: u32 = 1_000_000, 1_000;
    /// Exports. They are sorted by name while loading.
    exports: u32 = 1_000_000, 10_000;
    /// Globals, imported ones included. Each is an object of its own in every instance.
    globals: u32 = 1_000_000, 10_000;
    /// Tags, imported ones included. Each is an object of its own in every instance.
    tags: u32 = 1_000_000, 1_000;
    /// Tables, imported ones included. Each is an object of its own, of up to 80 MB.
    tables: u32 = 100_000, 100;
    /// Memories, imported ones included. Each reserves address space.
    memories: u32 = 100, 10;
    /// Data segments. A byte of input can make a dozen bytes of records.
    data_segments: u32 = 100_000, 10_000;
    /// Element segments. As for data segments.
    element_segments: u32 = 100_000, 10_000;
    /// Locals of a function, parameters included. Three bytes can declare all of them, and each call zeroes them.
    locals: u32 = 50_000, 10_000;
    /// Targets of a `br_table`. A byte of each becomes a word of cells, or several where values have to be moved.
    br_table_targets: u32 = 7_654_321, 20_000;
    /// Catch clauses of a `try_table`. Each takes three words beside the function's cells.
    catches: u32 = 10_000, 1_000;
    /// How deep blocks may nest. Every two bytes of a body may open one, and the validator holds a record for each.
    nesting: u32 = MAX_CONTROL_DEPTH, 1_000;
    /// How many bytes functions must have on average, looked at if their bodies have 1,000 bytes together: what is held
    /// for a function is the same however short it is. 0 asks for nothing.
    average_function_bytes: u32 = 0, 8;
    /// Bytes of types, imports, exports and other metadata, as they are held in memory.
    metadata_bytes: u64 = u64::MAX, 16 << 20;
}

/// The bytes of all bodies from which on [`Limits::average_function_bytes`] is looked at.
pub(crate) const AVERAGE_FROM_BYTES: u32 = 1000;

/// The bytes of a module: offsets into it are kept in 32 bits.
pub(crate) const MAX_MODULE_BYTES: u64 = u32::MAX as u64;

/// The bytes of a module in the text format, which is read whole and serves for trying things out. The parser takes up
/// to 64 times as much.
pub(crate) const MAX_TEXT_BYTES: usize = 64 << 20;

/// The bytes of a function body. It is wasmparser's bound, looked at as soon as the size is read: a body is
/// buffered whole, and nobody should have to send 4 GiB to be told that it is too much.
pub(crate) const MAX_BODY_BYTES: u32 = 7_654_321;

/// The locals of a function. It is wasmparser's bound, needed to know what it may hold for them.
pub(crate) const MAX_LOCALS: u32 = 50_000;

/// The bytes of an import's, export's or custom section's name. It is wasmparser's bound, needed for the names of
/// custom sections, which wasmparser doesn't get to see.
pub(crate) const MAX_STRING_BYTES: u32 = 100_000;

/// The data segments of a module. It is wasmparser's bound, needed because wasmparser is given them one at a time.
pub(crate) const MAX_DATA_SEGMENTS: u32 = 100_000;

/// The bytes between the start of a data segment and its payload, which hold a constant expression. Real ones
/// take a dozen; the bound keeps a hostile one from being parsed again and again as it arrives.
pub(crate) const MAX_DATA_SEGMENT_HEADER: usize = 4096;

/// The operands on the stack at any point of a function. Every byte of a body may push a thousand (a call's
/// results), so that a body of a few megabytes could make the validator hold gigabytes.
pub(crate) const MAX_OPERANDS: u32 = 1 << 20;

/// How deep blocks may nest at the very most, whatever [`Limits::nesting`] says: the validator's stack of them is
/// charged in steps.
pub(crate) const MAX_CONTROL_DEPTH: u32 = 1 << 16;

/// The operands a constant expression may hold at once. Compilers use two or three; the bound lets an evaluation
/// have a stack of fixed size.
pub(crate) const MAX_CONST_EXPR_DEPTH: usize = 64;

/// The bytes of a function name that are kept. Names serve messages and backtraces; mangled ones of C++ can
/// be longer, and are then cut.
pub(crate) const MAX_NAME_BYTES: u32 = 4096;

/// The bytes of all function names together that are kept: enough for a large program, little enough
/// for a name section not to matter. Names beyond it are dropped.
pub(crate) const MAX_NAMES_BYTES: usize = 16 << 20;

/// The sections that are listed for inspection. A module has at most a dozen besides custom ones, of which
/// three bytes make one; more than this are valid, but not listed.
pub(crate) const MAX_LISTED_SECTIONS: usize = 1000;

/// The bytes of a custom section's name that are listed for inspection.
pub(crate) const MAX_LISTED_NAME_BYTES: usize = 256;

/// The frames of a stack that a profile keeps, the innermost: enough to tell where work is done, and what a sample
/// may cost in a deep recursion.
pub(crate) const MAX_PROFILE_FRAMES: usize = 200;

/// The nodes of the tree that a profile keeps its stacks in: some megabytes at most, however a guest varies
/// its calls.
pub(crate) const MAX_PROFILE_NODES: usize = 100_000;

/// The elements of a table, as engines on the web have agreed. Growing beyond gives -1.
pub(crate) const MAX_TABLE_ELEMENTS: u64 = 10_000_000;
