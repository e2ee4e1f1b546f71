//! A Directive, as it is written: which functions an application has, and what they are called for.

use crate::yaml;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error};
use serde_json::Value;
use std::collections::BTreeMap;

/// The size of a Directive, in bytes.
const LARGEST: usize = 1 << 20;

/// A `Directive.yaml`. Members that aren't known here are left out.
#[derive(serde::Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Directive {
    #[serde(default)]
    pub(super) identifier: String,
    #[serde(default)]
    pub(super) app_version: String,
    #[serde(default)]
    pub(super) atmo_version: String,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) runnables: Vec<Named>,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) handlers: Vec<Handler>,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) schedules: Vec<Schedule>,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) queries: Vec<Query>,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) authentication: Authentication,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) capabilities: BTreeMap<String, Value>,
}

/// A function that the application has.
#[derive(serde::Deserialize, Debug)]
pub(super) struct Named {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) namespace: Option<String>,
}

#[derive(serde::Deserialize, Debug)]
pub(super) struct Handler {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) method: String,
    #[serde(default)]
    pub(super) resource: String,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) steps: Vec<Step>,
    pub(super) response: Option<String>,
}

/// One of a function, a group or a `forEach`.
#[derive(serde::Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    #[serde(flatten)]
    pub(super) callable: Callable,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) group: Vec<Callable>,
    pub(super) for_each: Option<ForEach>,
}

#[derive(serde::Deserialize, Clone, Default, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Callable {
    pub(super) r#fn: Option<String>,
    pub(super) r#as: Option<String>,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) with: BTreeMap<String, String>,
    pub(super) on_err: Option<OnErr>,
}

#[derive(serde::Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct ForEach {
    #[serde(default)]
    pub(super) r#in: String,
    #[serde(flatten)]
    pub(super) callable: Callable,
}

/// What is done with a function's error, by its code.
#[derive(serde::Deserialize, Clone, Default, Debug)]
pub(super) struct OnErr {
    #[serde(default, deserialize_with = "or_none")]
    pub(super) code: BTreeMap<String, String>,
    pub(super) any: Option<String>,
    pub(super) other: Option<String>,
}

#[derive(serde::Deserialize, Debug)]
pub(super) struct Schedule {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) every: Every,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) state: BTreeMap<String, Value>,
    #[serde(default, deserialize_with = "or_none")]
    pub(super) steps: Vec<Step>,
}

#[derive(serde::Deserialize, Default, Debug)]
#[serde(default)]
pub(super) struct Every {
    seconds: u32,
    minutes: u32,
    hours: u32,
    days: u32,
}

impl Every {
    /// The sum, in seconds.
    pub(super) fn seconds(&self) -> u64 {
        let Self { seconds, minutes, hours, days } = self;
        let [seconds, minutes, hours, days] = [seconds, minutes, hours, days].map(|count| u64::from(*count));
        seconds + 60 * (minutes + 60 * (hours + 24 * days))
    }
}

#[derive(serde::Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default, rename = "type")]
    pub(super) kind: Value,
    #[serde(default)]
    pub(super) var_count: u32,
    #[serde(default)]
    pub(super) query: String,
}

/// What requests to some hosts are authorised by.
#[derive(serde::Deserialize, Default, Debug)]
pub(super) struct Authentication {
    #[serde(default, deserialize_with = "or_none")]
    pub(super) domains: BTreeMap<String, Authorization>,
}

#[derive(serde::Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(super) struct Authorization {
    #[serde(default)]
    pub(super) header_type: String,
    #[serde(default)]
    pub(super) value: String,
}

/// A member that may be there without anything in it.
fn or_none<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(source: D) -> Result<T, D::Error> {
    match Value::deserialize(source)? {
        Value::Null => Ok(T::default()),
        value => serde_json::from_value(value).map_err(D::Error::custom),
    }
}

impl Directive {
    /// Reads one.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > LARGEST {
            return Err(format!("it is larger than {LARGEST} bytes"));
        }
        let text = str::from_utf8(text).map_err(|error| error.to_string())?;
        serde_json::from_value(yaml::read(text)?).map_err(|error| error.to_string())
    }
}
