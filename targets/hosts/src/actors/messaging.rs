//! `wasmcloud:messaging` among the actors of a host.

use super::actor::Actor;
use super::messages::{self, PubMessage};
use super::provider::unknown;
use crate::wapc::{HostCall, Task};
use std::sync::{Arc, PoisonError, RwLock, Weak};

/// Who wants which messages.
#[derive(Debug, Default)]
pub(super) struct Messaging(RwLock<Vec<(String, Weak<Actor>)>>);

impl Messaging {
    pub(super) fn subscribe(&self, actor: &Arc<Actor>, subject: &str) {
        let mut subscribers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.push((subject.to_owned(), Arc::downgrade(actor)));
    }

    /// Answers an actor's call: the message is handed to each that wants it, one after the other. Whether they are pleased
    /// isn't the sender's business.
    pub(super) fn answer(&self, call: HostCall<'_>, task: &mut Task) -> Result<Vec<u8>, String> {
        if call.operation != "Messaging.Publish" {
            return Err(unknown(call));
        }
        let PubMessage { subject, .. } = messages::decode(call.payload)?;
        for actor in self.subscribers(&subject) {
            let _ = actor.call("MessageSubscriber.HandleMessage", call.payload, task);
        }
        messages::encode(&())
    }

    fn subscribers(&self, subject: &str) -> Vec<Arc<Actor>> {
        let subscribers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = subscribers.iter().filter(|(pattern, _)| matches(pattern, subject));
        wanted.filter_map(|(_, actor)| actor.upgrade()).collect()
    }
}

/// Whether a subject is one that a pattern means: `*` stands for one of its parts, a last `>` for one or more.
fn matches(pattern: &str, subject: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('.').peekable(), subject.split('.'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) if patterns.peek().is_none() => return true,
            (Some(wanted), Some(part)) if wanted == "*" || wanted == part => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn subjects_match_as_in_nats() {
        for (pattern, subject, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a", false),
            ("a", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a.b.c", false),
            ("*.b", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a.b", true),
            ("a.>.c", "a.b.c", false),
        ] {
            assert_eq!(matches(pattern, subject), expected, "{pattern} {subject}");
        }
    }
}
