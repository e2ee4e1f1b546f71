//! Steps, carried out.

use super::crew::Crew;
use super::error::{Returned, RunError};
use super::request::{Request, Response};
use super::runnable::Runnable;
use super::steps::{Call, Step};
use super::task::Task;
use crate::server::Bytes;
use dunlin::{Charge, Error, Kind};
use serde::Deserializer as _;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// How many items a `forEach` may have.
const MOST_ITEMS: usize = 1 << 16;

/// What a `forEach` calls its item in the state.
const ITEM: &str = "__elem";

/// Why steps end early.
#[derive(Debug)]
pub(super) enum Stopped {
    /// A function says so.
    Returned(String, Returned),
    /// A function failed, or there is no room for its result.
    Failed(String, Error),
    /// The list of a `forEach` is none, or what a function made of an item can't be in one.
    List(String),
}

/// What carries steps out.
pub(super) struct Sequence<'a> {
    pub(super) runnables: &'a [Runnable],
    pub(super) crew: &'a Crew,
    pub(super) task: &'a Task,
}

/// What steps came to.
pub(super) struct Done {
    pub(super) state: BTreeMap<String, Bytes>,
    /// Headers of the response that functions have set.
    pub(super) headers: BTreeMap<String, String>,
    _charge: Charge,
}

impl Sequence<'_> {
    /// Carries steps out, one after the other. The request's state is what there is before.
    pub(super) fn run(&self, steps: &[Step], mut request: Request) -> Result<Done, Stopped> {
        let charge = self.task.budget.charge(Kind::Host, 0);
        let mut charge = charge.map_err(|error| Stopped::Failed("a request".into(), error.into()))?;
        let mut headers = BTreeMap::new();
        for step in steps {
            let results = match step {
                Step::One(call) => vec![(call, self.call(call, seen(&request, call), None)?)],
                Step::Group(calls) => {
                    let fuel = self.task.fuel_left();
                    let work = |number: usize, at_once| {
                        let call: &Call = &calls[number];
                        self.call(call, seen(&request, call), share(fuel, at_once))
                    };
                    calls.iter().zip(self.crew.each(calls.len(), work)?).collect()
                }
                Step::ForEach { list, call } => {
                    let list = request.state.get(list).cloned().unwrap_or_default();
                    vec![(
                        call,
                        Response { output: self.for_each(&list, call, &request)?, ..Response::default() },
                    )]
                }
            };
            for (call, response) in results {
                let bytes = |text: &String| text.len();
                let set: usize =
                    response.headers.iter().map(|(name, value)| bytes(name) + bytes(value)).sum();
                self.pay(&mut charge, response.output.len() + set, call)?;
                request.state.insert(call.key.clone(), response.output);
                headers.extend(response.headers);
            }
        }
        Ok(Done { state: request.state, headers, _charge: charge })
    }

    fn pay(&self, charge: &mut Charge, bytes: usize, call: &Call) -> Result<(), Stopped> {
        charge.grow(bytes as u64).map_err(|error| Stopped::Failed(self.name(call), error.into()))
    }

    fn name(&self, call: &Call) -> String {
        self.runnables[call.function].name().to_owned()
    }

    /// Calls a function. An error after which steps go on is its result.
    fn call(&self, call: &Call, request: Request, share: Option<u64>) -> Result<Response, Stopped> {
        let runnable = &self.runnables[call.function];
        match runnable.call_sharing(request, self.task, share) {
            Ok(response) => Ok(response),
            Err(RunError::Failed(error)) => Err(Stopped::Failed(self.name(call), error)),
            Err(RunError::Returned(returned)) if call.on_error.continues(returned.code) => {
                Ok(Response { output: returned.json().into(), ..Response::default() })
            }
            Err(RunError::Returned(returned)) => Err(Stopped::Returned(self.name(call), returned)),
        }
    }

    /// Calls a function for each item of a list, and gives the list of what they come to, in the same order.
    fn for_each(&self, list: &Bytes, call: &Call, request: &Request) -> Result<Bytes, Stopped> {
        let name = || self.name(call);
        let no_room = |error: dunlin::OutOfBudget| Stopped::Failed(name(), error.into());
        // The list of items, and of results.
        let most = list.len().min(MOST_ITEMS) as u64 / 2 + 1;
        let each = (size_of::<&RawValue>() + size_of::<(usize, Result<Bytes, Stopped>)>()) as u64;
        let mut charge = self.task.budget.charge(Kind::Host, most * each).map_err(no_room)?;
        let items = items(list).map_err(|why| Stopped::List(format!("'{}': {why}", name())))?;
        let kept = Mutex::new(&mut charge);
        let fuel = self.task.fuel_left();
        let work = |number: usize, at_once| {
            let mut request = seen(request, call);
            request.state.insert(ITEM.into(), list.slice_ref(items[number].get().as_bytes()));
            let runnable = &self.runnables[call.function];
            let output = match runnable.call_sharing(request, self.task, share(fuel, at_once)) {
                Ok(response) => response.output,
                Err(RunError::Failed(error)) => return Err(Stopped::Failed(name(), error)),
                Err(RunError::Returned(returned)) => return Err(Stopped::Returned(name(), returned)),
            };
            if serde_json::from_slice::<&RawValue>(&output).is_err() {
                let what = format!("what {} makes of item {} isn't JSON", name(), number + 1);
                return Err(Stopped::List(what));
            }
            // Twice, for the list that is made of them.
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.grow(2 * output.len() as u64 + 1).map_err(no_room)?;
            Ok(output)
        };
        match self.crew.each(items.len(), work) {
            Ok(outputs) => Ok([b"[", &*outputs.join(&b","[..]), b"]"].concat().into()),
            Err(Stopped::Returned(_, returned)) if call.on_error.continues(returned.code) => {
                Ok(returned.json().into())
            }
            Err(stopped) => Err(stopped),
        }
    }
}

/// What each of so many calls may take that are made at once.
fn share(fuel: Option<u64>, at_once: usize) -> Option<u64> {
    fuel.map(|fuel| fuel / at_once as u64)
}

/// What a call sees of a request.
fn seen(request: &Request, call: &Call) -> Request {
    let mut seen = request.clone();
    if !call.with.is_empty() {
        let known = call
            .with
            .iter()
            .filter_map(|(alias, key)| Some((alias.clone(), request.state.get(key)?.clone())));
        seen.state = known.collect();
    }
    seen
}

/// The items of a list, as they are written.
fn items(list: &[u8]) -> Result<Vec<&RawValue>, String> {
    struct Items;

    impl<'de> Visitor<'de> for Items {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of JSON")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = list.next_element()? {
                if items.len() >= MOST_ITEMS {
                    return Err(A::Error::custom(format_args!("there are more than {MOST_ITEMS} items")));
                }
                items.push(item);
            }
            Ok(items)
        }
    }

    let mut source = serde_json::Deserializer::from_slice(list);
    let items = source.deserialize_seq(Items).map_err(|error| error.to_string())?;
    source.end().map_err(|error| error.to_string())?;
    Ok(items)
}
