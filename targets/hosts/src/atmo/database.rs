//! Databases that answer queries by name.

use std::fmt;

/// Answers queries that have names.
pub trait Database: fmt::Debug + Send + Sync {
    /// Executes a query. The result is JSON: of a `select`, a list of objects, a row each; else an object with
    /// `lastInsertID` and `rowsAffected`.
    ///
    /// # Errors
    ///
    /// If there is no such query of this kind, its variables are more or fewer, or it fails: the runnable is told why.
    fn exec(&self, kind: QueryKind, name: &str, vars: &[&str]) -> Result<Vec<u8>, String>;
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
