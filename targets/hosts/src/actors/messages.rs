//! Messages: MessagePack maps, with wasmCloud's names of fields.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_bytes::ByteBuf;
use std::collections::BTreeMap;

/// Writes a message.
pub(super) fn encode(message: &impl Serialize) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(message).map_err(|error| error.to_string())
}

/// Reads a message. How deep it is, and what it claims to contain, is bounded.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|error| format!("the message can't be read: {error}"))
}

/// Headers: names with any number of values each.
pub(super) type Headers = BTreeMap<String, Vec<String>>;

#[derive(Serialize, Deserialize, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpRequest {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query_string: String,
    pub(super) header: Headers,
    pub(super) body: ByteBuf,
}

#[derive(Serialize, Deserialize, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct HttpResponse {
    #[serde(default = "ok")]
    pub(super) status_code: u16,
    #[serde(default, deserialize_with = "one_or_several")]
    pub(super) header: Headers,
    #[serde(default)]
    pub(super) body: ByteBuf,
}

/// Headers of an answer, whose names have several values today and had one.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnswerHeaders {
    Several(Headers),
    One(BTreeMap<String, String>),
}

/// Reads an answer's headers, of whichever form.
fn one_or_several<'de, D: Deserializer<'de>>(from: D) -> Result<Headers, D::Error> {
    Ok(match AnswerHeaders::deserialize(from)? {
        AnswerHeaders::Several(headers) => headers,
        AnswerHeaders::One(headers) => headers.into_iter().map(|(name, value)| (name, vec![value])).collect(),
    })
}

fn ok() -> u16 {
    200
}

#[derive(Serialize, Deserialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct PubMessage {
    pub(super) subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<String>,
    pub(super) body: ByteBuf,
}

impl PubMessage {
    /// Reads a message. That an answer goes nowhere was said by an empty name.
    pub(super) fn read(payload: &[u8]) -> Result<Self, String> {
        let mut message: Self = decode(payload)?;
        message.reply_to = message.reply_to.filter(|name| !name.is_empty());
        Ok(message)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequestMessage {
    pub(super) subject: String,
    pub(super) body: ByteBuf,
    #[serde(alias = "timeout")]
    pub(super) timeout_ms: u32,
}

#[derive(Deserialize)]
pub(super) struct LogEntry {
    pub(super) level: LogLevel,
    #[serde(alias = "body")]
    pub(super) text: String,
}

/// In words, or a number from 1 for an error to 5 for each step.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum LogLevel {
    Word(String),
    Number(u32),
}

#[derive(Deserialize)]
pub(super) struct RangeLimit {
    pub(super) min: u32,
    pub(super) max: u32,
}

#[derive(Deserialize)]
pub(super) struct Increment {
    pub(super) key: String,
    pub(super) value: i32,
}

#[derive(Serialize)]
pub(super) struct GetResponse {
    pub(super) value: String,
    pub(super) exists: bool,
}

#[derive(Deserialize)]
pub(super) struct Set {
    pub(super) key: String,
    pub(super) value: String,
    /// In seconds; 0 is never.
    #[serde(default)]
    pub(super) expires: u32,
}

/// An element of a list or set.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Element {
    #[serde(alias = "setName", alias = "key")]
    pub(super) list_name: String,
    pub(super) value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListRange {
    #[serde(alias = "key")]
    pub(super) list_name: String,
    pub(super) start: i32,
    pub(super) stop: i32,
}
