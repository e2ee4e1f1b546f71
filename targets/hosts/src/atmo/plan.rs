//! What an application does, of a Directive that has no mistakes.

use super::database::Query;
use super::directive::Directive;
use super::names::Functions;
use super::problems::Problems;
use super::route::Route;
use super::settings::{Settings, queries};
use super::steps::{Call, Step, Steps};
use std::collections::BTreeMap;

/// What an application does.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) functions: Functions,
    /// What answers every request, if it is no Directive's.
    pub(super) everything: Option<Step>,
    /// The most exact first.
    pub(super) handlers: Vec<Handler>,
    pub(super) schedules: Vec<Schedule>,
    pub(super) queries: Vec<Query>,
    pub(super) settings: Settings,
}

/// What is done for a request.
#[derive(Debug)]
pub(super) struct Handler {
    pub(super) method: String,
    pub(super) route: Route,
    pub(super) resource: String,
    pub(super) steps: Vec<Step>,
    /// The part of the state that is the answer.
    pub(super) response: String,
}

/// What is done again and again.
#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) name: String,
    /// After how many seconds.
    pub(super) every: u64,
    pub(super) state: BTreeMap<String, String>,
    pub(super) steps: Vec<Step>,
}

/// How many handlers there may be: each request is compared with them.
const MOST_HANDLERS: usize = 1000;

/// How many schedules there may be: each has a thread.
const MOST_SCHEDULES: usize = 64;

const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

impl Plan {
    /// A plan that has one function answer everything.
    pub(super) fn of_one(name: &str) -> Self {
        Self {
            functions: Functions::of_one(name),
            everything: Some(Step::single()),
            handlers: Vec::new(),
            schedules: Vec::new(),
            queries: Vec::new(),
            settings: Settings::default(),
        }
    }

    /// Checks a Directive.
    pub(super) fn new(directive: &Directive) -> Result<Self, String> {
        let mut problems = Problems::default();
        let problem = &mut problems;
        if directive.identifier.is_empty() {
            problem.add("it has no identifier");
        }
        for (name, version) in
            [("appVersion", &directive.app_version), ("atmoVersion", &directive.atmo_version)]
        {
            if !is_version(version) {
                problem.add(format_args!("its {name} isn't a semantic version such as v0.1.0"));
            }
        }
        let functions = Functions::new(directive, problem);
        let plan = Self {
            everything: None,
            handlers: handlers(directive, &functions, problem),
            schedules: schedules(directive, &functions, problem),
            queries: queries(directive, problem),
            settings: Settings::new(directive, problem),
            functions,
        };
        problems.told().map_or(Ok(plan), Err)
    }
}

fn handlers(directive: &Directive, functions: &Functions, problems: &mut Problems) -> Vec<Handler> {
    if directive.handlers.len() > MOST_HANDLERS {
        problems.add(format_args!("it has more than {MOST_HANDLERS} handlers"));
        return Vec::new();
    }
    let mut handlers: Vec<Handler> = Vec::new();
    for handler in &directive.handlers {
        let method = handler.method.clone();
        let name = format!("the handler {method} {}", handler.resource);
        if handler.kind != "request" {
            problems.add(format_args!("{name} is of type '{}', and not request", handler.kind));
        }
        if !METHODS.contains(&&*method) {
            problems.add(format_args!("{name} has no method that is one of {}", METHODS.join(", ")));
        }
        let mut steps = Steps::new(&name, functions, problems);
        let planned = steps.all(&handler.steps);
        let response = match (&handler.response, planned.last()) {
            (Some(key), _) => {
                if !steps.has(key) {
                    steps.problem(format_args!("answers with '{key}', which no step makes"));
                }
                key.clone()
            }
            (None, Some(Step::Group(_))) => {
                steps.problem("ends with a group, and doesn't say what of it is the response");
                String::new()
            }
            (None, Some(Step::One(Call { key, .. }) | Step::ForEach { call: Call { key, .. }, .. })) => {
                key.clone()
            }
            (None, None) => String::new(),
        };
        let route = match Route::parse(&handler.resource) {
            Ok(route) => route,
            Err(why) => {
                problems.add(format_args!("{name} has a wrong resource: {why}"));
                continue;
            }
        };
        let is_same = |other: &&Handler| other.method == method && other.route.shape() == route.shape();
        if let Some(other) = handlers.iter().find(is_same) {
            problems.add(format_args!("{name} answers the same paths as {}", other.resource));
        }
        let resource = handler.resource.clone();
        handlers.push(Handler { method, route, resource, steps: planned, response });
    }
    handlers.sort_by(|one, other| one.route.shape().cmp(&other.route.shape()));
    handlers
}

fn schedules(directive: &Directive, functions: &Functions, problems: &mut Problems) -> Vec<Schedule> {
    if directive.schedules.len() > MOST_SCHEDULES {
        problems.add(format_args!("it has more than {MOST_SCHEDULES} schedules"));
        return Vec::new();
    }
    let mut schedules: Vec<Schedule> = Vec::new();
    for schedule in &directive.schedules {
        let name = format!("the schedule {}", schedule.name);
        if schedule.name.is_empty() {
            problems.add("a schedule has no name");
        }
        if schedules.iter().any(|other| other.name == schedule.name) {
            problems.add(format_args!("{name} is there twice"));
        }
        let every = schedule.every.seconds();
        if every == 0 {
            problems.add(format_args!("{name} doesn't say how often it is (every)"));
        }
        let mut state = BTreeMap::new();
        for (key, value) in &schedule.state {
            match value {
                serde_json::Value::String(text) => _ = state.insert(key.clone(), text.clone()),
                serde_json::Value::Number(_) | serde_json::Value::Bool(_) => {
                    state.insert(key.clone(), value.to_string());
                }
                _ => problems.add(format_args!("{name} begins with '{key}', which is no text")),
            }
        }
        let mut steps = Steps::new(&name, functions, problems);
        for key in state.keys() {
            steps.makes(key);
        }
        let steps = steps.all(&schedule.steps);
        schedules.push(Schedule { name: schedule.name.clone(), every, state, steps });
    }
    schedules
}

/// Whether this is a semantic version with a `v`, of which parts may be missing, as in Go.
fn is_version(text: &str) -> bool {
    let Some(version) = text.strip_prefix('v') else { return false };
    let main = version.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-+.".contains(c);
    main.split('.').count() <= 3 && main.split('.').all(is_number) && version.chars().all(is_allowed)
}
