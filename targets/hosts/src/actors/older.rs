//! What older actors call things: those of wasmCloud's first versions, and of waSCC before it.
//!
//! They are guests of waPC's own module, not of wasmCloud's, and the names of their operations have no interface before them.
//! What they ask is translated to what actors ask today, and what they are answered is translated back.

use super::messages::{self, GetResponse, HttpRequest, PubMessage, Set};
use super::token::Claims;
use crate::wapc::HostCall;
use dunlin::Module;
use serde::{Deserialize, Serialize};
use serde_bytes::Bytes;
use std::collections::BTreeMap;

/// Whose names an actor uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    /// Today's.
    Today,
    /// Those of wasmCloud's first versions.
    First,
    /// Those of waSCC.
    Wascc,
}

/// A capability: what it is called today, in wasmCloud's first versions, and in waSCC.
const CONTRACTS: [[&str; 3]; 5] = [
    ["wasmcloud:httpserver", "wasmcloud:httpserver", "wascc:http_server"],
    ["wasmcloud:keyvalue", "wasmcloud:keyvalue", "wascc:keyvalue"],
    ["wasmcloud:messaging", "wasmcloud:messaging", "wascc:messaging"],
    ["wasmcloud:builtin:logging", "wasmcloud:logging", "wascc:logging"],
    ["wasmcloud:builtin:numbergen", "wasmcloud:extras", "wascc:extras"],
];

/// An operation of a capability: what it was called, what it is called today, and how its messages differ.
const OPERATIONS: [(&str, &str, &str, Asks, Answers); 20] = [
    (KEYS, "Get", "KeyValue.Get", Asks::Key, Answers::Same),
    (KEYS, "Add", "KeyValue.Increment", Asks::Same, Answers::Sum),
    (KEYS, "Set", "KeyValue.Set", Asks::Same, Answers::Value),
    (KEYS, "Del", "KeyValue.Del", Asks::Key, Answers::Key),
    (KEYS, "Clear", "KeyValue.ListClear", Asks::Key, Answers::Key),
    (KEYS, "Range", "KeyValue.ListRange", Asks::Same, Answers::Values),
    (KEYS, "Push", "KeyValue.ListAdd", Asks::Same, Answers::Count),
    (KEYS, "ListItemDelete", "KeyValue.ListDel", Asks::Same, Answers::Count),
    (KEYS, "SetAdd", "KeyValue.SetAdd", Asks::Same, Answers::Count),
    (KEYS, "SetRemove", "KeyValue.SetDel", Asks::Same, Answers::Count),
    (KEYS, "SetUnion", "KeyValue.SetUnion", Asks::Keys, Answers::Values),
    (KEYS, "SetIntersection", "KeyValue.SetIntersection", Asks::Keys, Answers::Values),
    (KEYS, "SetQuery", "KeyValue.SetQuery", Asks::Key, Answers::Values),
    (KEYS, "KeyExists", "KeyValue.Contains", Asks::Key, Answers::Exists),
    (MESSAGES, "Publish", "Messaging.Publish", Asks::Same, Answers::Published),
    (MESSAGES, "Request", "Messaging.Request", Asks::Same, Answers::Message),
    (LOGGING, "WriteLog", "Logging.WriteLog", Asks::Same, Answers::Nothing),
    (NUMBERS, "RequestGuid", "NumberGen.GenerateGuid", Asks::Same, Answers::Guid),
    (NUMBERS, "RequestRandom", "NumberGen.RandomInRange", Asks::Same, Answers::Number),
    // Nobody has a sequence any more; whoever asks is told so.
    (NUMBERS, "RequestSequence", "NumberGen.Sequence", Asks::Same, Answers::Same),
];

const KEYS: &str = CONTRACTS[1][0];
const MESSAGES: &str = CONTRACTS[2][0];
const LOGGING: &str = CONTRACTS[3][0];
const NUMBERS: &str = CONTRACTS[4][0];

/// How the message of a call differs.
#[derive(Clone, Copy)]
enum Asks {
    /// Not at all, or in names that are read as well.
    Same,
    /// It was a map with a key, and is the key.
    Key,
    /// The same with several.
    Keys,
}

/// How the answer to a call differs.
#[derive(Clone, Copy)]
enum Answers {
    Same,
    Sum,
    Value,
    Key,
    Values,
    Count,
    Exists,
    Published,
    Message,
    Nothing,
    Guid,
    Number,
}

impl Dialect {
    /// Whose names an actor uses.
    pub(super) fn of(module: &Module, claims: &Claims) -> Self {
        let is_wascc = |contract: &String| contract.starts_with("wascc:");
        if module.imports().any(|import| import.module() == "wasmbus") {
            Self::Today
        } else if claims.wascap.capabilities.iter().flatten().any(is_wascc) {
            Self::Wascc
        } else {
            Self::First
        }
    }

    /// Whether an actor claims what is called so today.
    pub(super) fn claims(self, claims: &Claims, contract: &str) -> bool {
        let names = CONTRACTS.iter().find(|names| names[0] == contract);
        claims.claims(names.map_or(contract, |names| names[self as usize]))
    }

    /// What an actor is called with to answer a request, and the message.
    pub(super) fn request(self, request: &HttpRequest) -> Result<(&'static str, Vec<u8>), String> {
        if self == Self::Today {
            return Ok(("HttpServer.HandleRequest", messages::encode(request)?));
        }
        let HttpRequest { method, path, query_string, header, body } = request;
        let joined = |values: &Vec<String>| values.join(", ");
        let header = header.iter().map(|(name, values)| (&**name, joined(values))).collect();
        let request = OlderRequest { method, path, query_string, header, body: Bytes::new(body) };
        Ok(("HandleRequest", messages::encode(&request)?))
    }

    /// What an actor is called with to handle a message, and the message.
    pub(super) fn message(self, message: &PubMessage) -> Result<(&'static str, Vec<u8>), String> {
        Ok(match self {
            Self::Today => ("MessageSubscriber.HandleMessage", messages::encode(message)?),
            Self::First => ("HandleMessage", messages::encode(&OlderMessage::from(message))?),
            Self::Wascc => ("DeliverMessage", messages::encode(&OlderMessage::from(message))?),
        })
    }

    /// Has an actor's call answered by `answer`, which knows today's calls.
    pub(super) fn call(
        self,
        call: HostCall<'_>,
        answer: impl FnOnce(HostCall<'_>) -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        let contract = CONTRACTS.iter().find(|names| names[self as usize] == call.namespace);
        let Some([contract, ..]) = contract.filter(|_| self != Self::Today) else { return answer(call) };
        let row = OPERATIONS.iter().find(|row| (row.0, row.1) == (*contract, call.operation));
        let Some((_, _, operation, asks, answers)) = row else {
            return answer(HostCall { namespace: contract, ..call });
        };
        let payload = asks.today(call.payload)?;
        let payload = payload.as_deref().unwrap_or(call.payload);
        let answered = answer(HostCall { namespace: contract, operation, payload, ..call })?;
        answers.then(self, call.payload, answered)
    }
}

impl Asks {
    /// What is asked today, if it is something else.
    fn today(self, asked: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(match self {
            Self::Same => None,
            Self::Key => Some(messages::encode(&messages::decode::<Key>(asked)?.key)?),
            Self::Keys => Some(messages::encode(&messages::decode::<Keys>(asked)?.keys)?),
        })
    }
}

impl Answers {
    /// What was answered then.
    fn then(self, dialect: Dialect, asked: &[u8], answer: Vec<u8>) -> Result<Vec<u8>, String> {
        let is_wascc = dialect == Dialect::Wascc;
        match self {
            Self::Same => Ok(answer),
            Self::Nothing => messages::encode(&()),
            Self::Sum => messages::encode(&Value { value: messages::decode::<i32>(&answer)? }),
            Self::Value => messages::encode(&Value { value: messages::decode::<Set>(asked)?.value }),
            Self::Key => messages::encode(&messages::decode::<Key>(asked)?),
            Self::Values => messages::encode(&Values { values: messages::decode(&answer)? }),
            Self::Count => {
                let count = messages::decode::<u32>(&answer)
                    .or_else(|_| messages::decode::<bool>(&answer).map(u32::from))?;
                messages::encode(&Count { new_count: count, new_count_of_sets: count })
            }
            Self::Exists => {
                let exists = messages::decode(&answer)?;
                messages::encode(&GetResponse { value: String::new(), exists })
            }
            Self::Published => messages::encode(&Published { published: true }),
            Self::Message => {
                let message: PubMessage = messages::decode(&answer)?;
                match is_wascc {
                    true => Ok(message.body.into_vec()),
                    false => messages::encode(&OlderMessage::from(&message)),
                }
            }
            Self::Guid if is_wascc => {
                let guid = Some(messages::decode(&answer)?);
                messages::encode(&Generated { guid, ..Generated::default() })
            }
            Self::Number if is_wascc => {
                let random_number = messages::decode(&answer)?;
                messages::encode(&Generated { random_number, ..Generated::default() })
            }
            Self::Guid | Self::Number => Ok(answer),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OlderRequest<'a> {
    method: &'a str,
    path: &'a str,
    query_string: &'a str,
    header: BTreeMap<&'a str, String>,
    body: &'a Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OlderMessage<'a> {
    subject: &'a str,
    reply_to: &'a str,
    body: &'a Bytes,
}

impl<'a> From<&'a PubMessage> for OlderMessage<'a> {
    fn from(message: &'a PubMessage) -> Self {
        let reply_to = message.reply_to.as_deref().unwrap_or_default();
        Self { subject: &message.subject, reply_to, body: Bytes::new(&message.body) }
    }
}

#[derive(Serialize, Deserialize)]
struct Key {
    key: String,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<String>,
}

#[derive(Serialize)]
struct Value<T> {
    value: T,
}

#[derive(Serialize)]
struct Values {
    values: Vec<String>,
}

/// The first wasmCloud spelt it differently for sets.
#[derive(Serialize)]
struct Count {
    #[serde(rename = "newCount")]
    new_count: u32,
    #[serde(rename = "new_count")]
    new_count_of_sets: u32,
}

#[derive(Serialize)]
struct Published {
    published: bool,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Generated {
    guid: Option<String>,
    sequence_number: u64,
    random_number: u32,
}
