//! `wasmcloud:messaging`: among the actors of a host, or through a NATS server.

use super::actor::Actor;
use super::messages::{self, PubMessage, RequestMessage};
use super::provider::unknown;
use crate::services::nats::{Nats, NatsError, NatsMessage, Subscription};
use crate::wapc::{HostCall, Task};
use dunlin::{Budget, Charge, Kind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

/// How long an answer is waited for at most, where nothing else bounds that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Carries messages.
#[derive(Debug)]
pub(super) enum Messaging {
    Here(Here),
    Nats { nats: Arc<Nats>, group: Option<String>, subscriptions: Mutex<Vec<Subscription>> },
}

/// Who in this process wants which messages.
#[derive(Debug)]
pub(super) struct Here {
    subscribers: RwLock<Vec<(String, Weak<Actor>)>>,
    /// Where answers are waited for, with the first of each.
    inboxes: Mutex<BTreeMap<String, Option<Answer>>>,
    budget: Budget,
}

#[derive(Debug)]
struct Answer {
    message: PubMessage,
    _charge: Charge,
}

impl Messaging {
    pub(super) fn here(budget: &Budget) -> Self {
        Self::Here(Here { subscribers: RwLock::default(), inboxes: Mutex::default(), budget: budget.clone() })
    }

    pub(super) fn nats(nats: Arc<Nats>, group: Option<String>) -> Self {
        Self::Nats { nats, group, subscriptions: Mutex::default() }
    }

    /// Has an actor called with messages to a subject: at once, in the task of whoever published one, if that is an actor here,
    /// and else by `deliver`.
    pub(super) fn subscribe(
        &self,
        actor: &Arc<Actor>,
        subject: &str,
        deliver: impl FnMut(NatsMessage) + Send + 'static,
    ) -> Result<(), NatsError> {
        match self {
            Self::Here(here) => {
                let mut subscribers = here.subscribers.write().unwrap_or_else(PoisonError::into_inner);
                subscribers.push((subject.to_owned(), Arc::downgrade(actor)));
            }
            Self::Nats { nats, group, subscriptions } => {
                let subscription = nats.subscribe(subject, group.as_deref(), deliver)?;
                subscriptions.lock().unwrap_or_else(PoisonError::into_inner).push(subscription);
            }
        }
        Ok(())
    }

    /// Ends all subscriptions.
    pub(super) fn unsubscribe(&self) {
        match self {
            Self::Here(here) => {
                here.subscribers.write().unwrap_or_else(PoisonError::into_inner).clear();
            }
            Self::Nats { subscriptions, .. } => {
                subscriptions.lock().unwrap_or_else(PoisonError::into_inner).clear();
            }
        }
    }

    /// Answers an actor's call.
    pub(super) fn answer(&self, call: HostCall<'_>, task: &mut Task) -> Result<Vec<u8>, String> {
        match call.operation {
            "Messaging.Publish" => {
                let message = PubMessage::read(call.payload)?;
                match self {
                    Self::Here(here) => here.publish(message, task)?,
                    Self::Nats { nats, .. } => nats
                        .publish(&message.subject, message.reply_to.as_deref(), &message.body)
                        .map_err(|error| error.to_string())?,
                }
                messages::encode(&())
            }
            "Messaging.Request" => {
                let message: RequestMessage = messages::decode(call.payload)?;
                messages::encode(&match self {
                    Self::Here(here) => here.request(message, task)?,
                    Self::Nats { nats, .. } => {
                        let left = task.until.map(|until| until.saturating_duration_since(Instant::now()));
                        let time = Duration::from_millis(message.timeout_ms.into());
                        let time = time.min(left.unwrap_or(PATIENCE));
                        let answer = nats.request(&message.subject, &message.body, time);
                        answer.map_err(|error| error.to_string())?.into()
                    }
                })
            }
            _ => Err(unknown(call)),
        }
    }
}

impl From<NatsMessage> for PubMessage {
    fn from(NatsMessage { subject, reply, body, .. }: NatsMessage) -> Self {
        Self { subject, reply_to: reply, body: body.into() }
    }
}

impl Here {
    /// Hands a message to each that wants it, one after the other. Whether they are pleased isn't the sender's business.
    fn publish(&self, message: PubMessage, task: &mut Task) -> Result<(), String> {
        if let Some(answer @ None) = self.inboxes().get_mut(&message.subject) {
            let charge = self.budget.charge(Kind::Host, message.body.len() as u64);
            *answer = Some(Answer { _charge: charge.map_err(|error| error.to_string())?, message });
            return Ok(());
        }
        for actor in self.wanting(&message.subject) {
            let _ = actor.handle(&message, task);
        }
        Ok(())
    }

    /// Hands a message to those that want it, and gives the first answer.
    fn request(&self, message: RequestMessage, task: &mut Task) -> Result<PubMessage, String> {
        let inbox = format!("_INBOX.{:032x}", u128::from_le_bytes(super::keys::random()?));
        self.inboxes().insert(inbox.clone(), None);
        let RequestMessage { subject, body, .. } = message;
        let published = self.publish(PubMessage { subject, reply_to: Some(inbox.clone()), body }, task);
        let answer = self.inboxes().remove(&inbox).flatten();
        published?;
        answer.map(|answer| answer.message).ok_or_else(|| "nobody answered".into())
    }

    fn inboxes(&self) -> MutexGuard<'_, BTreeMap<String, Option<Answer>>> {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wanting(&self, subject: &str) -> Vec<Arc<Actor>> {
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
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
