//! What values of `dunlin serve`'s options say.

use super::values::Given;
use crate::failure::Failure;
use crate::host::files::split_once;
use std::ffi::OsString;

/// What is told of each request.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum AccessLines {
    #[default]
    Text,
    Json,
    Off,
}

impl AccessLines {
    pub(super) fn parse(given: Given<'_>) -> Result<Self, Failure> {
        match given.text()? {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            "off" => Ok(Self::Off),
            _ => Err(given.refusal("text, json or off")),
        }
    }
}

/// A filter's file, and its configuration.
pub(super) fn filter(given: Given<'_>) -> Result<(OsString, String), Failure> {
    Ok(match split_once(given.value, "=") {
        Some((file, _)) if file.is_empty() => return Err(given.refusal("FILE or FILE=CONFIG")),
        Some((file, config)) => {
            let config = config.to_str().ok_or_else(|| given.refusal("a configuration that is text"))?;
            (file.into(), config.into())
        }
        None => (given.value.into(), String::new()),
    })
}

/// A subject, and the actor that gets its messages.
pub(super) fn subscription(given: Given<'_>) -> Result<(String, Option<OsString>), Failure> {
    let (subject, actor) = match split_once(given.value, "=") {
        Some((subject, actor)) => (subject, Some(OsString::from(actor))),
        None => (given.value, None),
    };
    let is_missing = subject.is_empty() || actor.as_ref().is_some_and(|actor| actor.is_empty());
    let subject = subject.to_str().filter(|_| !is_missing);
    Ok((subject.ok_or_else(|| given.refusal("SUBJECT or SUBJECT=ACTOR"))?.to_owned(), actor))
}

/// A cluster's name, and where it is.
pub(super) fn cluster(given: Given<'_>) -> Result<(String, String), Failure> {
    let named = given.text()?.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, url) = named.ok_or_else(|| given.refusal("NAME=URL"))?;
    Ok((name.into(), url.into()))
}
