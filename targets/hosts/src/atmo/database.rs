//! Databases that answer queries by name.

use std::fmt;
use std::time::Duration;

/// Answers queries that have names.
pub trait Database: fmt::Debug + Send + Sync {
    /// Executes a query. The result is JSON: of a `select`, a list of objects, a row each; of an `insert`, an object with
    /// `lastInsertID`, and of others one with `rowsAffected`.
    ///
    /// # Errors
    ///
    /// If there is no such query of this kind, its variables are more or fewer, it fails, or takes too much: the runnable is
    /// told why.
    fn exec(&self, call: QueryCall<'_>) -> Result<Vec<u8>, String>;
}

/// A query that a runnable asks for.
#[derive(Clone, Copy, Debug)]
pub struct QueryCall<'a> {
    /// What it should do.
    pub kind: QueryKind,
    /// Its name.
    pub name: &'a str,
    /// Its variables, in order.
    pub vars: &'a [&'a str],
    /// How long it may take, if that is bounded.
    pub time: Option<Duration>,
    /// How large its result may be, in bytes.
    pub most: u64,
}

/// What a query does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueryKind {
    /// It adds a row.
    Insert,
    /// It asks for rows.
    Select,
    /// It changes rows.
    Update,
    /// It removes rows.
    Delete,
}

impl QueryKind {
    /// All of them, in the order of the ABI's numbers.
    const ALL: [(Self, &'static str); 4] = [
        (Self::Insert, "insert"),
        (Self::Select, "select"),
        (Self::Update, "update"),
        (Self::Delete, "delete"),
    ];

    pub(super) fn numbered(number: u32) -> Option<Self> {
        Self::ALL.get(number as usize).map(|(kind, _)| *kind)
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(kind, _)| kind)
    }
}

/// A query that is known by its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// Its name.
    pub name: String,
    /// What it does.
    pub kind: QueryKind,
    /// How many variables it has: `$1`, `$2`, ...
    pub vars: usize,
    /// What it is in the database's language.
    pub text: String,
}
