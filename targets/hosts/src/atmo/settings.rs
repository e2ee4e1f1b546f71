//! What a Directive says of capabilities, queries and authorisation.

use super::capabilities::Capabilities;
use super::database::{Query, QueryKind};
use super::directive::Directive;
use super::problems::Problems;
use crate::services::log::NoLog;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is switched off, and what requests are authorised by.
#[derive(Default, Debug)]
pub(super) struct Settings {
    off: Vec<Part>,
    /// By host: the kind, and the value, or the name of the variable that has it.
    authorization: BTreeMap<String, (String, Secret)>,
}

/// A value that may stand in the environment.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Secret {
    Literal(String),
    Variable(String),
}

/// What can be switched off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Cache,
    Database,
    Files,
    GraphQl,
    Http,
    Logger,
    Fields,
    GetFields,
    SetFields,
}

/// The part that a member of a capability switches.
fn part(capability: &str, member: &str) -> Option<Part> {
    Some(match (capability, member) {
        ("cache", "enabled") => Part::Cache,
        ("db", "enabled") => Part::Database,
        ("file", "enabled") => Part::Files,
        ("graphql", "enabled") => Part::GraphQl,
        ("http", "enabled") => Part::Http,
        ("logger", "enabled") => Part::Logger,
        ("requestHandler", "enabled") => Part::Fields,
        ("requestHandler", "allowGetField") => Part::GetFields,
        ("requestHandler", "allowSetField") => Part::SetFields,
        _ => return None,
    })
}

impl Settings {
    pub(super) fn new(directive: &Directive, problems: &mut Problems) -> Self {
        let mut settings = Self::default();
        for (name, members) in &directive.capabilities {
            settings.switch(name, members, problems);
        }
        for (host, authorization) in &directive.authentication.domains {
            let text = &authorization.value;
            let variable = text.strip_prefix("env(").and_then(|rest| rest.strip_suffix(')'));
            let value = match variable {
                Some(name) => Secret::Variable(name.to_owned()),
                None => Secret::Literal(text.clone()),
            };
            let entry = (authorization.header_type.clone(), value);
            settings.authorization.insert(host.clone(), entry);
        }
        settings
    }

    fn switch(&mut self, capability: &str, members: &Value, problems: &mut Problems) {
        let Value::Object(members) = members else {
            return problems.add(format_args!("the capability '{capability}' isn't understood here"));
        };
        for (member, value) in members {
            match (part(capability, member), value) {
                (Some(_), Value::Bool(true)) => {}
                (Some(part), Value::Bool(false)) => self.off.push(part),
                // What might restrict something isn't passed over.
                _ => problems
                    .add(format_args!("'{member}' of the capability '{capability}' isn't understood here")),
            }
        }
    }

    /// Takes from what runnables may use what the Directive switches off, and adds authorisation. Variables are those of
    /// `environment`.
    pub(super) fn apply(
        &self,
        to: &mut Capabilities,
        environment: &[(String, String)],
    ) -> Result<(), String> {
        for part in &self.off {
            match part {
                Part::Cache => to.cache = None,
                Part::Database => to.database = None,
                Part::Files => to.files = None,
                Part::GraphQl => to.graphql = None,
                Part::Http => to.http = None,
                Part::Logger => to.log = Arc::new(NoLog),
                Part::Fields => (to.get_fields, to.set_fields) = (false, false),
                Part::GetFields => to.get_fields = false,
                Part::SetFields => to.set_fields = false,
            }
        }
        for (host, (kind, value)) in &self.authorization {
            let value = match value {
                Secret::Literal(text) => text,
                Secret::Variable(name) => {
                    environment.iter().find(|(known, _)| known == name).map(|(_, value)| value).ok_or_else(
                        || format!("the variable {name}, which authorises requests to {host}, isn't given"),
                    )?
                }
            };
            to.authorization.insert(host.clone(), format!("{kind} {value}").trim_start().to_owned());
        }
        Ok(())
    }
}

/// The queries of a Directive.
pub(super) fn queries(directive: &Directive, problems: &mut Problems) -> Vec<Query> {
    let mut queries: Vec<Query> = Vec::new();
    for query in &directive.queries {
        let name = &query.name;
        let kind = match &query.kind {
            Value::String(kind) => QueryKind::named(kind),
            Value::Number(number) => {
                number.as_u64().and_then(|number| u32::try_from(number).ok()).and_then(QueryKind::numbered)
            }
            _ => None,
        };
        if name.is_empty() || query.query.is_empty() {
            problems.add(format_args!("the query '{name}' has no name or no text"));
        }
        if queries.iter().any(|other| other.name == *name) {
            problems.add(format_args!("the query '{name}' is there twice"));
        }
        let Some(kind) = kind else {
            problems.add(format_args!("the query '{name}' is none of insert, select, update, delete"));
            continue;
        };
        let (vars, text) = (query.var_count as usize, query.query.clone());
        queries.push(Query { name: name.clone(), kind, vars, text });
    }
    queries
}
