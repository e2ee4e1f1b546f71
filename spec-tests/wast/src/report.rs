//! What came of a script.

use std::fmt;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// A kind of directive.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)*];

            /// Its name, which is its keyword in scripts where it has one.
            pub fn name(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A whole script. It fails as such if it can't be read, or isn't one.
    Script = "script",
    /// A module that is defined and instantiated.
    Module = "module",
    /// A module that is only defined.
    ModuleDefinition = "module definition",
    /// An instance of a module that was defined before.
    ModuleInstance = "module instance",
    /// An instance's exports become available for import.
    Register = "register",
    /// A function call outside of any assertion.
    Invoke = "invoke",
    /// A call, or a global, that gives certain values.
    AssertReturn = "assert_return",
    /// A call or an instantiation that traps.
    AssertTrap = "assert_trap",
    /// A call that exhausts the stack.
    AssertExhaustion = "assert_exhaustion",
    /// A module that isn't valid.
    AssertInvalid = "assert_invalid",
    /// A module that can't even be parsed or decoded.
    AssertMalformed = "assert_malformed",
    /// A valid module whose imports can't be had.
    AssertUnlinkable = "assert_unlinkable",
    /// A module with an invalid custom section.
    AssertInvalidCustom = "assert_invalid_custom",
    /// A module with a custom section that can't even be parsed or decoded.
    AssertMalformedCustom = "assert_malformed_custom",
    /// A call that throws an exception.
    AssertException = "assert_exception",
    /// A call that suspends.
    AssertSuspension = "assert_suspension",
    /// Directives for another thread.
    Thread = "thread",
    /// The end of another thread.
    Wait = "wait",
}

impl Kind {
    /// Whether this is one of the `assert_*` directives.
    pub fn is_assertion(self) -> bool {
        self.name().starts_with("assert_")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How many directives there were.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Tally {
    /// All of them.
    pub total: u64,
    /// Those that came to something else than they should.
    pub failed: u64,
    /// Those that couldn't be executed, because they need what Dunlin doesn't have.
    pub refused: u64,
}

impl Tally {
    /// Those that came to what they should.
    pub fn passed(&self) -> u64 {
        self.total - self.failed - self.refused
    }

    fn add(&mut self, other: Tally) {
        self.total += other.total;
        self.failed += other.failed;
        self.refused += other.refused;
    }
}

/// How many directives there were of each kind.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Counts([Tally; Kind::ALL.len()]);

impl Counts {
    /// Those of a kind.
    pub fn get(&self, kind: Kind) -> Tally {
        self.0[kind as usize]
    }

    /// Those of each kind that occurred.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, Tally)> {
        Kind::ALL.iter().map(|kind| (*kind, self.get(*kind))).filter(|(_, tally)| tally.total > 0)
    }

    /// All assertions. Each `assert_*` directive is one.
    pub fn assertions(&self) -> Tally {
        let mut sum = Tally::default();
        for (_, tally) in self.iter().filter(|(kind, _)| kind.is_assertion()) {
            sum.add(tally);
        }
        sum
    }

    pub(crate) fn of(&mut self, kind: Kind) -> &mut Tally {
        &mut self.0[kind as usize]
    }
}

/// A directive that failed, or was refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// The script's name.
    pub script: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// The directive's kind.
    pub kind: Kind,
    /// What should have come of it.
    pub expected: String,
    /// What did.
    pub got: String,
    /// Whether it was refused: a module that it needs uses a feature that Dunlin doesn't have or that is off, or the
    /// directive itself is of a proposal that Dunlin doesn't have.
    pub refused: bool,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { script, line, column, kind, expected, got, refused } = self;
        let refused = if *refused { "refused: " } else { "" };
        write!(f, "{script}:{line}:{column}: {kind}: {refused}expected {expected}, got {got}")
    }
}

/// What came of one or several scripts.
///
/// `Display` writes the counts and all failures.
#[derive(Clone, Default, Debug)]
#[non_exhaustive]
pub struct Report {
    /// The directives, by kind.
    pub counts: Counts,
    /// Each directive that failed or was refused, in order.
    pub failures: Vec<Failure>,
    /// Modules that were rightly rejected, in other words than the script's.
    pub reworded: u64,
}

impl Report {
    /// Whether nothing failed, and nothing was refused.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }

    /// Adds what came of other scripts.
    pub fn merge(&mut self, other: Report) {
        for (kind, tally) in other.counts.iter() {
            self.counts.of(kind).add(tally);
        }
        self.failures.extend(other.failures);
        self.reworded += other.reworded;
    }

    pub(crate) fn fail(&mut self, failure: Failure) {
        let tally = self.counts.of(failure.kind);
        *if failure.refused { &mut tally.refused } else { &mut tally.failed } += 1;
        self.failures.push(failure);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        let row = |f: &mut fmt::Formatter<'_>, name: &str, tally: Tally| {
            let Tally { failed, refused, .. } = tally;
            writeln!(f, "{name:<23} {:>7} passed {failed:>7} failed {refused:>7} refused", tally.passed())
        };
        for (kind, tally) in self.counts.iter() {
            row(f, kind.name(), tally)?;
        }
        row(f, "assertions in all", self.counts.assertions())
    }
}
