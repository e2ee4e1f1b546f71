//! OPA's REST interface: what its clients ask a policy over HTTP.

mod documents;
mod evaluators;
mod reply;

use super::error::PolicyError;
use super::policy::Policy;
use crate::server::{Failure, Handler, HeaderMap, Method, Request, Responder, StatusCode, header};
use crate::services::log::{Level, Log};
use evaluators::Evaluators;
use reply::Reply;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fmt;
use std::sync::Arc;

/// Answers as OPA's server does: `/v1/data/<path>` is a decision by the policy's entrypoint of that path, or data, which
/// can be written unless it is a bundle's; `/health` says that it is there.
///
/// Instances of the policy are kept from one request to the next. Each has the memory that the server's limits allow a
/// request.
pub struct PolicyServer {
    evaluators: Evaluators,
    /// What a bundle owns of the data.
    roots: Vec<String>,
    log: Arc<dyn Log>,
}

#[derive(Deserialize)]
struct Asked<'j> {
    #[serde(borrow, default)]
    input: Option<&'j RawValue>,
}

#[derive(Deserialize)]
struct Row<'j> {
    #[serde(borrow)]
    result: &'j RawValue,
}

impl PolicyServer {
    /// Serves a policy with data, a JSON document.
    ///
    /// # Errors
    /// If the data isn't JSON.
    pub fn new(policy: &Policy, data: &str, log: Arc<dyn Log>) -> Result<Self, PolicyError> {
        Ok(Self { evaluators: Evaluators::new(policy, data)?, roots: Vec::new(), log })
    }

    /// The parts of the data that are a bundle's and can't be written: paths like `a/b`, of which an empty one is all.
    pub fn roots(mut self, roots: impl IntoIterator<Item = String>) -> Self {
        self.roots = roots.into_iter().collect();
        self
    }

    fn answer(&self, request: &Request) -> Result<Reply, Reply> {
        let path = request.head.uri.path();
        let method = &request.head.method;
        let reads = method == Method::GET || method == Method::HEAD;
        match path.trim_end_matches('/') {
            "/health" if reads => return Ok(Reply::ok("{}".into())),
            "/health" => return Err(Reply::not_allowed()),
            _ => {}
        }
        let rest = path.strip_prefix("/v1/data").filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let rest = rest.ok_or_else(|| Reply::missing("such resource"))?;
        let names =
            documents::names(rest).ok_or_else(|| Reply::invalid("an escape in the path isn't one"))?;
        if reads || method == Method::POST {
            return self.decide(request, &names);
        }
        if ![Method::PUT, Method::PATCH, Method::DELETE].contains(method) {
            return Err(Reply::not_allowed());
        }
        if documents::is_owned(&self.roots, &names) {
            return Err(Reply::invalid(format_args!("path {} is owned by a bundle", names.join("/"))));
        }
        self.write(request, &names)
    }

    fn decide(&self, request: &Request, names: &[String]) -> Result<Reply, Reply> {
        let given;
        let input = if request.head.method == Method::POST {
            let body = text(request)?;
            let asked = match body.trim().is_empty() {
                true => Asked { input: None },
                false => serde_json::from_str(body).map_err(not_json)?,
            };
            asked.input.map(RawValue::get)
        } else {
            given = parameter(request, "input").transpose()?;
            given.as_deref()
        };
        let result = self.result(request, names, input)?;
        let body = result.map_or_else(|| "{}".into(), |result| format!("{{\"result\":{result}}}"));
        Ok(Reply::ok(body))
    }

    /// What is at a path, as JSON: what an entrypoint decides, or is in that, or else data.
    fn result(
        &self,
        request: &Request,
        names: &[String],
        input: Option<&str>,
    ) -> Result<Option<String>, Reply> {
        let entrypoints = &self.evaluators.policy().entrypoints;
        let covering = (1..=names.len()).rev().map(|count| (names[..count].join("/"), &names[count..]));
        let Some((entrypoint, inner)) = covering.into_iter().find(|(path, _)| entrypoints.contains_key(path))
        else {
            let data = self.evaluators.data();
            return Ok(documents::at(&data, names).map(Value::to_string));
        };
        let results = self.evaluators.evaluate(request, &entrypoint, input)?;
        let rows: Vec<Row<'_>> = serde_json::from_str(&results)
            .map_err(|error| PolicyError::NotAPolicy(format!("its results can't be read: {error}")))?;
        let Some(row) = rows.first() else { return Ok(None) };
        if inner.is_empty() {
            return Ok(Some(row.result.get().into()));
        }
        let whole: Value = serde_json::from_str(row.result.get()).map_err(not_json)?;
        Ok(documents::at(&whole, inner).map(Value::to_string))
    }

    fn write(&self, request: &Request, names: &[String]) -> Result<Reply, Reply> {
        let is_new = request.head.headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == "*");
        if request.head.method == Method::PUT
            && is_new
            && documents::at(&self.evaluators.data(), names).is_some()
        {
            return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
        }
        let limits = &request.limits;
        match request.head.method {
            Method::PUT => {
                let document = serde_json::from_str(text(request)?).map_err(not_json)?;
                self.evaluators.change(limits, |data| documents::put(data, names, document))?;
            }
            Method::PATCH => {
                let operations: Vec<Value> = serde_json::from_str(text(request)?).map_err(not_json)?;
                self.evaluators.change(limits, |data| documents::patch(data, names, &operations))?;
            }
            _ => self.evaluators.change(limits, |data| documents::delete(data, names))?,
        }
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }
}

fn not_json(error: serde_json::Error) -> Reply {
    Reply::invalid(format_args!("the body isn't what it should be: {error}"))
}

fn text(request: &Request) -> Result<&str, Reply> {
    str::from_utf8(&request.body).map_err(|_| Reply::invalid("the body isn't UTF-8"))
}

/// A parameter of the query, decoded.
fn parameter(request: &Request, wanted: &str) -> Option<Result<String, Reply>> {
    let query = request.head.uri.query()?;
    let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(name, _)| *name == wanted)?;
    Some(super::builtins::decode_query(value).map_err(Reply::invalid))
}

impl Handler for PolicyServer {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        let mut reply = self.answer(&request).unwrap_or_else(|reply| reply);
        if let Some(failure) = &reply.failure {
            self.log.write(
                Level::Error,
                request.head.uri.path(),
                &format!("request {}: {failure}", request.id),
            );
        }
        if matches!(parameter(&request, "pretty"), Some(Ok(value)) if matches!(&*value, "" | "true" | "1"))
            && let Ok(document) = serde_json::from_str::<Value>(&reply.body)
        {
            reply.body = format!("{document:#}\n");
        }
        if reply.body.is_empty() {
            responder.start(reply.status, HeaderMap::new())?;
            return Ok(());
        }
        responder.send(reply.status, "application/json", reply.body);
        Ok(())
    }
}

impl fmt::Debug for PolicyServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyServer").field("policy", self.evaluators.policy()).finish_non_exhaustive()
    }
}
