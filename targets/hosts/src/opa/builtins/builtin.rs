//! What a builtin is, and what it is asked with.

use super::super::options::{OwnBuiltin, Services};
use dunlin::{Budget, Charge, Kind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hash::RandomState;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) use super::super::error::BuiltinError;

/// Computes a result from the arguments.
pub(super) type Builtin = fn(&mut Asked, &[Value]) -> Answer;

/// What a builtin answers.
pub(in super::super) type Answer = Result<Reply, BuiltinError>;

/// A result.
#[derive(Debug, PartialEq)]
pub(in super::super) enum Reply {
    Value(Value),
    Set(Vec<Value>),
}

/// A builtin that a policy may ask for.
#[derive(Clone)]
pub(in super::super) enum Implementation {
    Known(Builtin),
    /// The embedder's.
    Own(OwnBuiltin),
}

impl Implementation {
    pub(in super::super) fn answer(&self, asked: &mut Asked, arguments: &[Value]) -> Answer {
        match self {
            Self::Known(builtin) => builtin(asked, arguments),
            Self::Own(builtin) => builtin(arguments).map(Reply::Value),
        }
    }
}

/// What builtins know of the evaluation that asks them. They answer the same all through it.
pub(in super::super) struct Asked {
    pub(super) services: Arc<Services>,
    pub(super) now: Option<u64>,
    /// What is random is a hash with these keys.
    pub(super) chance: RandomState,
    /// What was answered to requests.
    pub(super) responses: BTreeMap<String, Value>,
    /// What the answer takes that is being made.
    taken: Option<Charge>,
}

impl Asked {
    /// Of a new evaluation.
    pub(in super::super) fn new(services: &Arc<Services>) -> Self {
        let services = services.clone();
        Self { services, now: None, chance: RandomState::new(), responses: BTreeMap::new(), taken: None }
    }

    /// What a builtin answers, charging what it [takes](Self::take) until that [is answered](Self::is_answered).
    pub(in super::super) fn answered_by(
        &mut self,
        builtin: &Implementation,
        budget: &Budget,
        arguments: &[Value],
    ) -> Answer {
        self.taken = budget.charge(Kind::Host, 0).ok();
        builtin.answer(self, arguments)
    }

    /// The guest has the answer.
    pub(in super::super) fn is_answered(&mut self) {
        self.taken = None;
    }

    /// Takes memory for the answer. Builtins whose answer may be much larger than their arguments do so before they make
    /// it, piece by piece.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), BuiltinError> {
        match &mut self.taken {
            Some(taken) => taken.grow(bytes as u64).map_err(BuiltinError::halt),
            None => Ok(()),
        }
    }

    /// Gives back of what was taken.
    pub(super) fn give(&mut self, bytes: usize) {
        if let Some(taken) = &mut self.taken {
            taken.shrink(bytes as u64);
        }
    }

    /// The time when the evaluation first asked for it, in nanoseconds since 1970.
    pub(super) fn now_ns(&mut self) -> u64 {
        *self.now.get_or_insert_with(|| {
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
        })
    }
}

/// The builtins of a group, by name.
pub(super) type Table = &'static [(&'static str, Builtin)];

/// The string at `index`.
pub(super) fn text(arguments: &[Value], index: usize) -> Result<&str, BuiltinError> {
    arguments.get(index).and_then(Value::as_str).ok_or_else(|| expected(index, "a string"))
}

/// The array at `index`; sets are arrays here.
pub(super) fn array(arguments: &[Value], index: usize) -> Result<&[Value], BuiltinError> {
    let array = arguments.get(index).and_then(Value::as_array);
    array.map(Vec::as_slice).ok_or_else(|| expected(index, "an array or a set"))
}

/// The object at `index`.
pub(super) fn object(
    arguments: &[Value],
    index: usize,
) -> Result<&serde_json::Map<String, Value>, BuiltinError> {
    arguments.get(index).and_then(Value::as_object).ok_or_else(|| expected(index, "an object"))
}

pub(super) fn expected(index: usize, what: &str) -> BuiltinError {
    failed(format!("argument {} must be {what}", index + 1))
}

pub(super) fn failed(error: impl std::fmt::Display) -> BuiltinError {
    BuiltinError::undefined(error)
}

pub(super) fn value(value: impl Into<Value>) -> Answer {
    Ok(Reply::Value(value.into()))
}
