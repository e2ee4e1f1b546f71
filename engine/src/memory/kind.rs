//! The kinds of things that memory is charged for.

use core::fmt;

/// What memory is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Types, imports, exports and whatever else describes a module, and the window it is loaded through.
    Metadata,
    /// Function bodies, as they came.
    Bodies,
    /// The bytes of data segments.
    Data,
    /// Function names.
    Names,
    /// Translated code.
    Cells,
    /// Compiled code.
    MachineCode,
    /// What a compiler needs while it compiles.
    CompilerScratch,
    /// Value stacks.
    Stack,
    /// Linear memories.
    Memory,
    /// Tables.
    Table,
    /// Globals.
    Global,
    /// Instances.
    Instance,
    /// What the host holds on a guest's behalf.
    Host,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Kind; 13] = [
        Kind::Metadata,
        Kind::Bodies,
        Kind::Data,
        Kind::Names,
        Kind::Cells,
        Kind::MachineCode,
        Kind::CompilerScratch,
        Kind::Stack,
        Kind::Memory,
        Kind::Table,
        Kind::Global,
        Kind::Instance,
        Kind::Host,
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Metadata => "module metadata",
            Kind::Bodies => "function bodies",
            Kind::Data => "data segments",
            Kind::Names => "function names",
            Kind::Cells => "translated code",
            Kind::MachineCode => "machine code",
            Kind::CompilerScratch => "compiler scratch",
            Kind::Stack => "value stack",
            Kind::Memory => "linear memory",
            Kind::Table => "tables",
            Kind::Global => "globals",
            Kind::Instance => "instances",
            Kind::Host => "host state",
        })
    }
}
