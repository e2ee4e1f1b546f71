//! Steps, whose functions are found and whose state is there.

use super::directive::{self, Callable, ForEach, OnErr};
use super::names::Functions;
use super::problems::Problems;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

/// What is done at once.
#[derive(Debug)]
pub(super) enum Step {
    /// One call.
    One(Call),
    /// Calls that don't wait for each other.
    Group(Vec<Call>),
    /// A call for each item of a list in the state.
    ForEach { list: String, call: Call },
}

impl Step {
    /// The only step of an application that has one function: its result has an empty name.
    pub(super) fn single() -> Self {
        let (key, with, on_error) = (String::new(), BTreeMap::new(), OnError::default());
        Self::One(Call { function: 0, key, with, on_error })
    }
}

/// A call of a function.
#[derive(Debug)]
pub(super) struct Call {
    /// Its number.
    pub(super) function: usize,
    /// Where its result goes in the state.
    pub(super) key: String,
    /// What it sees of the state, by other names; everything if there is none.
    pub(super) with: BTreeMap<String, String>,
    pub(super) on_error: OnError,
}

/// Which errors of a function don't end everything.
#[derive(Default, Debug)]
pub(super) struct OnError {
    codes: BTreeMap<i32, bool>,
    others: bool,
}

impl OnError {
    /// Whether the next step follows.
    pub(super) fn continues(&self, code: i32) -> bool {
        self.codes.get(&code).copied().unwrap_or(self.others)
    }
}

/// The steps of a handler or a schedule, in the making.
pub(super) struct Steps<'p> {
    of: &'p str,
    functions: &'p Functions,
    problems: &'p mut Problems,
    state: BTreeSet<String>,
}

impl<'p> Steps<'p> {
    pub(super) fn new(of: &'p str, functions: &'p Functions, problems: &'p mut Problems) -> Self {
        Self { of, functions, problems, state: BTreeSet::new() }
    }

    pub(super) fn problem(&mut self, what: impl Display) {
        self.problems.add(format_args!("{} {what}", self.of));
    }

    /// From now on this is in the state.
    pub(super) fn makes(&mut self, key: &str) {
        self.state.insert(key.to_owned());
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.state.contains(key)
    }

    pub(super) fn all(&mut self, steps: &[directive::Step]) -> Vec<Step> {
        if steps.is_empty() {
            self.problem("has no steps");
        }
        let mut planned = Vec::new();
        for (number, step) in (1..).zip(steps) {
            planned.extend(self.step(number, step));
        }
        planned
    }

    /// One step; `None` if it has mistakes.
    fn step(&mut self, number: usize, step: &directive::Step) -> Option<Step> {
        match (&step.callable.r#fn, &step.group[..], &step.for_each) {
            (Some(_), [], None) => {
                let call = self.call(number, &step.callable, None);
                self.makes(step.callable.key());
                call.map(Step::One)
            }
            (None, group @ [_, ..], None) => {
                let on_err = step.callable.on_err.as_ref();
                let calls: Vec<_> =
                    group.iter().map(|callable| self.call(number, callable, on_err)).collect();
                let mut keys = BTreeSet::new();
                for callable in group {
                    if !keys.insert(callable.key()) {
                        self.problem(format_args!("has two results '{}' at step {number}", callable.key()));
                    }
                    self.makes(callable.key());
                }
                calls.into_iter().collect::<Option<_>>().map(Step::Group)
            }
            (None, [], Some(for_each)) => self.for_each(number, for_each, step.callable.on_err.as_ref()),
            _ => {
                self.problem(format_args!("isn't one of fn, group or forEach at step {number}"));
                None
            }
        }
    }

    fn for_each(&mut self, number: usize, for_each: &ForEach, on_err: Option<&OnErr>) -> Option<Step> {
        let ForEach { r#in: list, callable } = for_each;
        let mut is_whole = true;
        for (name, value) in [("in", Some(list)), ("as", callable.r#as.as_ref())] {
            if value.is_none_or(|value| value.is_empty()) {
                self.problem(format_args!("doesn't say '{name}' of the forEach at step {number}"));
                is_whole = false;
            }
        }
        if !list.is_empty() && !self.has(list) {
            self.problem(format_args!("needs '{list}' at step {number}, which no step before makes"));
        }
        let call = self.call(number, callable, on_err);
        self.makes(callable.key());
        Some(Step::ForEach { list: list.clone(), call: call.filter(|_| is_whole)? })
    }

    fn call(&mut self, number: usize, callable: &Callable, of_step: Option<&OnErr>) -> Option<Call> {
        let name = callable.r#fn.as_deref().unwrap_or_default();
        let function = self.functions.find(name);
        if function.is_none() {
            let hint = "is its namespace missing?";
            self.problem(format_args!(
                "calls a function '{name}' at step {number} that isn't there ({hint})"
            ));
        }
        for key in callable.with.values() {
            if !self.has(key) {
                self.problem(format_args!("needs '{key}' at step {number}, which no step before makes"));
            }
        }
        let on_err = callable.on_err.as_ref().or(of_step);
        let on_error = on_err.map_or_else(OnError::default, |on_err| self.on_error(number, on_err));
        let (key, with) = (callable.key().to_owned(), callable.with.clone());
        function.map(|function| Call { function, key, with, on_error })
    }

    fn on_error(&mut self, number: usize, on_err: &OnErr) -> OnError {
        let mut on_error = OnError::default();
        for (code, what) in &on_err.code {
            match code.parse() {
                Ok(code) => _ = on_error.codes.insert(code, self.continues(number, what)),
                Err(_) => {
                    self.problem(format_args!("has a code '{code}' at step {number} that is no number"))
                }
            }
        }
        if on_err.code.is_empty() && on_err.other.is_some() {
            self.problem(format_args!("has onErr.other at step {number} without codes: that is any"));
        } else if !on_err.code.is_empty() && on_err.any.is_some() {
            self.problem(format_args!("has onErr.any at step {number} beside codes: that is other"));
        }
        if let Some(what) = on_err.any.as_ref().or(on_err.other.as_ref()) {
            on_error.others = self.continues(number, what);
        }
        on_error
    }

    fn continues(&mut self, number: usize, what: &str) -> bool {
        if what != "continue" && what != "return" {
            self.problem(format_args!(
                "has '{what}' in onErr at step {number}: it should be continue or return"
            ));
        }
        what == "continue"
    }
}

impl Callable {
    /// Where the result goes in the state.
    fn key(&self) -> &str {
        self.r#as.as_deref().or(self.r#fn.as_deref()).unwrap_or_default()
    }
}
