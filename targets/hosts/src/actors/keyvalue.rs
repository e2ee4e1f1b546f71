//! `wasmcloud:keyvalue`: values, lists and sets in a key-value store.

use super::messages::{self, Element, GetResponse, Increment, ListRange, Set};
use super::provider::{Provider, unknown};
use super::token::Claims;
use crate::services::clock::{Clock, SystemClock};
use crate::services::kv::KeyValue;
use crate::wapc::{HostCall, Task};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The provider. Each issuer of actors has keys of its own.
#[derive(Debug)]
pub struct KeyValueProvider {
    store: Arc<dyn KeyValue>,
    clock: Arc<dyn Clock>,
}

/// What is kept for a key.
#[derive(Serialize, Deserialize)]
enum Kept {
    Value { text: String, expires: Option<u64> },
    List(Vec<String>),
    Set(BTreeSet<String>),
}

impl KeyValueProvider {
    /// A provider that keeps everything in `store`.
    pub fn new(store: Arc<dyn KeyValue>) -> Self {
        Self { store, clock: Arc::new(SystemClock) }
    }

    /// The same, by another clock.
    #[cfg(test)]
    fn at(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn now(&self) -> u64 {
        self.clock.now().as_secs()
    }

    fn get(&self, key: &str) -> Result<Option<Kept>, String> {
        let bytes = self.store.get(key).map_err(|error| error.to_string())?;
        bytes.map(|bytes| self.read(&bytes)).transpose().map(Option::flatten)
    }

    /// What is kept, unless it has expired.
    fn read(&self, bytes: &[u8]) -> Result<Option<Kept>, String> {
        let kept = messages::decode(bytes)?;
        let expired = matches!(kept, Kept::Value { expires: Some(when), .. } if when <= self.now());
        Ok(Some(kept).filter(|_| !expired))
    }

    /// Changes what is kept for a key, with nobody in between; `None` is nothing.
    fn change<T>(
        &self,
        key: &str,
        change: impl FnOnce(Option<Kept>) -> Result<(Option<Kept>, T), String>,
    ) -> Result<T, String> {
        let mut change = Some(change);
        let mut result = Err("the key-value store didn't ask".to_owned());
        let update = self.store.update(key, &mut |old| {
            let keep = old.map(<[u8]>::to_vec);
            let Some(change) = change.take() else { return keep };
            let changed = old.map_or(Ok(None), |old| self.read(old)).and_then(change);
            match changed
                .and_then(|(new, value)| Ok((new.as_ref().map(messages::encode).transpose()?, value)))
            {
                Ok((new, value)) => {
                    result = Ok(value);
                    new
                }
                Err(error) => {
                    result = Err(error);
                    keep
                }
            }
        });
        update.map_err(|error| error.to_string())?;
        result
    }

    fn delete(&self, key: &str) -> Result<bool, String> {
        self.store.delete(key).map_err(|error| error.to_string())
    }
}

fn value(kept: Option<Kept>) -> Result<Option<String>, String> {
    match kept {
        None => Ok(None),
        Some(Kept::Value { text, .. }) => Ok(Some(text)),
        Some(_) => Err("the key is that of a list or set".into()),
    }
}

fn list(kept: Option<Kept>) -> Result<Vec<String>, String> {
    match kept {
        None => Ok(Vec::new()),
        Some(Kept::List(list)) => Ok(list),
        Some(_) => Err("the key isn't that of a list".into()),
    }
}

fn set(kept: Option<Kept>) -> Result<BTreeSet<String>, String> {
    match kept {
        None => Ok(BTreeSet::new()),
        Some(Kept::Set(set)) => Ok(set),
        Some(_) => Err("the key isn't that of a set".into()),
    }
}

/// The places of a list from `start` to `stop`, with both; negative ones count from its end, as Redis has it.
fn places(len: usize, start: i32, stop: i32) -> std::ops::Range<usize> {
    let place = |at: i64| if at < 0 { (len as i64 + at).max(0) } else { at };
    let end = if stop < 0 { len as i64 + i64::from(stop) + 1 } else { i64::from(stop) + 1 };
    let (start, end) = (place(start.into()).min(len as i64), end.clamp(0, len as i64));
    start as usize..end.max(start) as usize
}

impl Provider for KeyValueProvider {
    fn call(&self, actor: &Claims, call: HostCall<'_>, _: &mut Task) -> Result<Vec<u8>, String> {
        let own = |key: &str| format!("{}/{}/{key}", actor.issuer, call.binding);
        let text = || messages::decode::<String>(call.payload);
        let operation = call.operation.strip_prefix("KeyValue.").ok_or_else(|| unknown(call))?;
        match operation {
            "Increment" => {
                let Increment { key, value: step } = messages::decode(call.payload)?;
                let sum = self.change(&own(&key), |kept| {
                    let expires = match &kept {
                        Some(Kept::Value { expires, .. }) => *expires,
                        _ => None,
                    };
                    let old = value(kept)?.map_or(Ok(0), |text| text.parse::<i32>());
                    let old = old.map_err(|_| "the value isn't a number")?;
                    let sum = old.checked_add(step).ok_or("the number grows too large")?;
                    Ok((Some(Kept::Value { text: sum.to_string(), expires }), sum))
                })?;
                messages::encode(&sum)
            }
            "Contains" => messages::encode(&self.get(&own(&text()?))?.is_some()),
            "Del" | "ListClear" | "SetClear" => messages::encode(&self.delete(&own(&text()?))?),
            "Get" => {
                let found = value(self.get(&own(&text()?))?)?;
                messages::encode(&GetResponse { exists: found.is_some(), value: found.unwrap_or_default() })
            }
            "Set" => {
                let Set { key, value: text, expires } = messages::decode(call.payload)?;
                let expires = (expires > 0).then(|| self.now() + u64::from(expires));
                self.change(&own(&key), |_| Ok((Some(Kept::Value { text, expires }), ())))?;
                Ok(Vec::new())
            }
            "ListAdd" => {
                let Element { list_name, value } = messages::decode(call.payload)?;
                let len = self.change(&own(&list_name), |kept| {
                    let mut items = list(kept)?;
                    items.push(value);
                    let len = items.len();
                    Ok((Some(Kept::List(items)), len))
                })?;
                messages::encode(&len)
            }
            "ListDel" => {
                let Element { list_name, value } = messages::decode(call.payload)?;
                let removed = self.change(&own(&list_name), |kept| {
                    let mut items = list(kept)?;
                    let before = items.len();
                    items.retain(|item| *item != value);
                    let removed = before - items.len();
                    Ok(((!items.is_empty()).then_some(Kept::List(items)), removed))
                })?;
                messages::encode(&(removed > 0))
            }
            "ListRange" => {
                let ListRange { list_name, start, stop } = messages::decode(call.payload)?;
                let items = list(self.get(&own(&list_name))?)?;
                messages::encode(&&items[places(items.len(), start, stop)])
            }
            "SetAdd" | "SetDel" => {
                let Element { list_name, value } = messages::decode(call.payload)?;
                let changed = self.change(&own(&list_name), |kept| {
                    let mut items = set(kept)?;
                    let changed =
                        if operation == "SetAdd" { items.insert(value) } else { items.remove(&value) };
                    Ok(((!items.is_empty()).then_some(Kept::Set(items)), changed))
                })?;
                messages::encode(&u32::from(changed))
            }
            "SetQuery" => messages::encode(&set(self.get(&own(&text()?))?)?),
            "SetUnion" | "SetIntersection" => {
                let names: Vec<String> = messages::decode(call.payload)?;
                let sets =
                    names.iter().map(|name| set(self.get(&own(name))?)).collect::<Result<Vec<_>, _>>()?;
                let all = sets.into_iter().reduce(|all, next| match operation {
                    "SetUnion" => &all | &next,
                    _ => &all & &next,
                });
                messages::encode(&all.unwrap_or_default())
            }
            _ => Err(unknown(call)),
        }
    }
}

#[cfg(test)]
mod tests;
