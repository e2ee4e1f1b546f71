//! The client: what is published, asked and subscribed to, over a connection that is made again.

use super::address::NatsAddress;
use super::connection::{self, Incoming, Outgoing, reason};
use super::decoder::{Decoder, NatsMessage, Said};
use super::error::NatsError;
use crate::services::log::{Level, Log, NoLog};
use dunlin::Budget;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a subject may be, in bytes.
const LONGEST_SUBJECT: usize = 1 << 10;

/// How long the first attempt to connect again is waited for; each further one twice as long, up to the second of these.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How a server is spoken to.
#[derive(Debug)]
pub struct NatsOptions {
    /// What messages that wait are charged to.
    pub budget: Budget,
    /// How large a message's body may be, in bytes: 1 MiB by default. Larger ones that come are dropped.
    pub largest: usize,
    /// How many messages may wait for one subscriber: 256 by default. Others are dropped.
    pub waiting: usize,
    /// Where it is said that the connection is lost, and what was dropped.
    pub log: Arc<dyn Log>,
}

impl NatsOptions {
    /// The defaults, with messages charged to this budget.
    pub fn new(budget: &Budget) -> Self {
        Self { budget: budget.clone(), largest: 1 << 20, waiting: 256, log: Arc::new(NoLog) }
    }
}

/// A connection to a server, which is made again whenever it is lost. It ends when this is dropped, and so do its
/// subscriptions.
pub struct Nats(Arc<Shared>);

struct Shared {
    address: NatsAddress,
    options: NatsOptions,
    /// Locked before the subscribers.
    line: Mutex<Line>,
    closed: Condvar,
    subscribers: Mutex<BTreeMap<u64, Subscriber>>,
    last: AtomicU64,
}

/// What is spoken to, if there is a connection.
#[derive(Default)]
struct Line {
    outgoing: Option<Outgoing>,
    is_closed: bool,
}

/// Who gets the messages to some subject.
struct Subscriber {
    subject: String,
    group: Option<String>,
    sender: SyncSender<NatsMessage>,
    dropped: Arc<AtomicU64>,
}

/// As long as this lives, there is a subscription. Messages that have arrived before its end are still delivered.
pub struct Subscription(Arc<Shared>, u64);

impl Nats {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// If that can't be done now. Later on it is tried again and again.
    pub fn connect(address: &NatsAddress, options: NatsOptions) -> Result<Self, NatsError> {
        let shared = Arc::new(Shared {
            address: address.clone(),
            options,
            line: Mutex::default(),
            closed: Condvar::new(),
            subscribers: Mutex::default(),
            last: AtomicU64::new(0),
        });
        let incoming = shared.connect()?;
        let listening = shared.clone();
        spawn("nats", move || listening.listen(incoming))?;
        Ok(Self(shared))
    }

    /// Publishes a message. Nobody knows who gets it.
    ///
    /// # Errors
    ///
    /// If it isn't sent: the subject is none, the body is too large, or there is no connection.
    pub fn publish(&self, subject: &str, reply: Option<&str>, body: &[u8]) -> Result<(), NatsError> {
        for name in [Some(subject), reply].into_iter().flatten() {
            check(name, false)?;
        }
        let reply = reply.map_or(String::new(), |reply| format!("{reply} "));
        let head = format!("PUB {subject} {reply}{}\r\n", body.len());
        let mut line = self.0.line();
        let allowed = line.outgoing.as_ref().map_or(usize::MAX, |outgoing| outgoing.info.max_payload);
        let most = allowed.min(self.0.options.largest);
        if body.len() > most {
            return Err(NatsError::TooLarge(body.len(), most));
        }
        self.0.write(&mut line, &[head.as_bytes(), body, b"\r\n"])
    }

    /// Publishes a message, and waits for the first answer to it.
    ///
    /// # Errors
    ///
    /// If it isn't sent, as [`publish`](Self::publish) says, or nobody answers in time.
    pub fn request(&self, subject: &str, body: &[u8], time: Duration) -> Result<NatsMessage, NatsError> {
        let system = |error: getrandom::Error| NatsError::System(error.to_string());
        // Nobody else can guess it.
        let mut number = [0; 16];
        getrandom::fill(&mut number).map_err(system)?;
        let inbox = format!("_INBOX.{:032x}", u128::from_le_bytes(number));
        let (sender, answers) = sync_channel(1);
        let _subscription = self.add(&inbox, None, sender, Arc::default());
        self.publish(subject, Some(&inbox), body)?;
        answers.recv_timeout(time).map_err(|_| NatsError::Unanswered(time))
    }

    /// Has messages to a subject delivered, one after the other, by a thread of their own. In the subject, `*` stands for any
    /// one part and a last `>` for any number of them. Of the members of a group, one gets each message.
    ///
    /// # Errors
    ///
    /// If this is no subject or group, or there is no thread to be had. That the server doesn't allow it is said to the log.
    pub fn subscribe(
        &self,
        subject: &str,
        group: Option<&str>,
        mut deliver: impl FnMut(NatsMessage) + Send + 'static,
    ) -> Result<Subscription, NatsError> {
        check(subject, true)?;
        group.map_or(Ok(()), |group| check(group, false))?;
        let (sender, messages) = sync_channel::<NatsMessage>(self.0.options.waiting);
        let dropped = Arc::new(AtomicU64::new(0));
        let (missed, log, name) = (dropped.clone(), self.0.options.log.clone(), subject.to_owned());
        spawn("nats messages", move || {
            for message in messages {
                deliver(message);
                let missed = missed.swap(0, Ordering::Relaxed);
                if missed > 0 {
                    let what =
                        format!("{missed} messages to {name} were dropped: there was no room for them");
                    log.write(Level::Warn, "nats", &what);
                }
            }
        })?;
        Ok(self.add(subject, group, sender, dropped))
    }

    fn add(
        &self,
        subject: &str,
        group: Option<&str>,
        sender: SyncSender<NatsMessage>,
        dropped: Arc<AtomicU64>,
    ) -> Subscription {
        let number = self.0.last.fetch_add(1, Ordering::Relaxed) + 1;
        let group = group.map(str::to_owned);
        let subscriber = Subscriber { subject: subject.to_owned(), group, sender, dropped };
        let mut line = self.0.line();
        let said = subscriber.said(number);
        self.0.subscribers().insert(number, subscriber);
        // Where there is no connection, the next one is told.
        let _ = self.0.write(&mut line, &[said.as_bytes()]);
        Subscription(self.0.clone(), number)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.is_closed = true;
        if let Some(outgoing) = line.outgoing.take() {
            outgoing.end();
        }
        self.0.closed.notify_all();
        drop(line);
        self.0.subscribers().clear();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut line = self.0.line();
        if self.0.subscribers().remove(&self.1).is_some() {
            let _ = self.0.write(&mut line, &[format!("UNSUB {}\r\n", self.1).as_bytes()]);
        }
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Nats").field(&self.0.address).finish()
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.1).finish()
    }
}

impl Subscriber {
    fn said(&self, number: u64) -> String {
        let group = self.group.as_ref().map_or(String::new(), |group| format!("{group} "));
        format!("SUB {} {group}{number}\r\n", self.subject)
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscribers(&self) -> MutexGuard<'_, BTreeMap<u64, Subscriber>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, level: Level, what: fmt::Arguments<'_>) {
        self.options.log.write(level, "nats", &what.to_string());
    }

    /// Says something to the server. What can't be said whole ends the connection.
    fn write(&self, line: &mut Line, parts: &[&[u8]]) -> Result<(), NatsError> {
        let disconnected = || NatsError::Disconnected(self.address.to_string());
        let outgoing = line.outgoing.as_mut().ok_or_else(disconnected)?;
        if outgoing.write(parts).is_ok() {
            return Ok(());
        }
        outgoing.end();
        line.outgoing = None;
        Err(disconnected())
    }

    /// Connects, and tells the server of all subscriptions.
    fn connect(&self) -> Result<Incoming, NatsError> {
        let decoder = Decoder::new(self.options.largest, &self.options.budget);
        let (incoming, outgoing) = connection::open(&self.address, decoder)?;
        let mut line = self.line();
        if !line.is_closed {
            line.outgoing = Some(outgoing);
        }
        let said: String = self.subscribers().iter().map(|(number, who)| who.said(*number)).collect();
        self.write(&mut line, &[said.as_bytes()])?;
        Ok(incoming)
    }

    /// Listens to the server until the client ends.
    fn listen(&self, mut incoming: Incoming) {
        loop {
            let why = self.hear(&mut incoming);
            if let Some(outgoing) = self.line().outgoing.take() {
                outgoing.end();
            }
            if self.line().is_closed {
                return;
            }
            let server = &self.address;
            self.log(Level::Warn, format_args!("the connection to {server} is lost, and tried again: {why}"));
            let Some(next) = self.connect_again() else { return };
            incoming = next;
            self.log(Level::Info, format_args!("there is a connection to {server} again"));
        }
    }

    /// Connects as soon as that can be done. `None` if the client ends before.
    fn connect_again(&self) -> Option<Incoming> {
        let mut pause = PAUSES.0;
        let mut said = None;
        loop {
            // Not all clients of a server that has been away come back at once.
            let mut byte = [0];
            let _ = getrandom::fill(&mut byte);
            let time = pause.mul_f32(0.75 + f32::from(byte[0]) / 512.0);
            let line = self.line();
            let waited = self.closed.wait_timeout_while(line, time, |line| !line.is_closed);
            if waited.unwrap_or_else(PoisonError::into_inner).0.is_closed {
                return None;
            }
            match self.connect() {
                Ok(incoming) => return Some(incoming),
                Err(error) if said.as_ref() == Some(&error) => {}
                Err(error) => {
                    self.log(Level::Warn, format_args!("{error}"));
                    said = Some(error);
                }
            }
            pause = PAUSES.1.min(pause * 2);
        }
    }

    /// Does what the server says until the connection ends, and gives the reason.
    fn hear(&self, incoming: &mut Incoming) -> String {
        let mut is_asked = false;
        loop {
            let said = match incoming.next() {
                Ok(said) => said,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    if is_asked || self.say(b"PING\r\n").is_err() {
                        return "it says nothing any more".into();
                    }
                    is_asked = true;
                    continue;
                }
                Err(error) => return reason(&error),
            };
            is_asked = false;
            match said {
                Said::Message(number, message) => self.deliver(number, message),
                Said::Skipped(number) => {
                    if let Some(subscriber) = self.subscribers().get(&number) {
                        subscriber.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
                // If it can't be answered, the connection has ended.
                Said::Ping => drop(self.say(b"PONG\r\n")),
                Said::Info(info) => {
                    if let Some(outgoing) = &mut self.line().outgoing {
                        outgoing.info = info;
                    }
                }
                Said::Error(why) => self.log(Level::Warn, format_args!("{} says: {why}", self.address)),
                Said::Pong | Said::Fine => {}
            }
        }
    }

    fn say(&self, what: &[u8]) -> Result<(), NatsError> {
        self.write(&mut self.line(), &[what])
    }

    /// Hands a message to its subscriber, if he has room. Nobody waits for him: the server would give up a client that does.
    fn deliver(&self, number: u64, message: NatsMessage) {
        if let Some(subscriber) = self.subscribers().get(&number)
            && let Err(TrySendError::Full(_)) = subscriber.sender.try_send(message)
        {
            subscriber.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), NatsError> {
    let spawned = std::thread::Builder::new().name(name.into()).spawn(work);
    spawned.map(drop).map_err(|error| NatsError::System(error.to_string()))
}

/// Whether this is a subject, of which the parts may stand for others if `patterns` is set. A group's name is such a subject.
fn check(subject: &str, patterns: bool) -> Result<(), NatsError> {
    let mut parts = subject.split('.').peekable();
    let mut is_fine = subject.len() <= LONGEST_SUBJECT;
    while let Some(part) = parts.next() {
        let is_plain = !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
        is_fine &= match part {
            "*" => patterns,
            ">" => patterns && parts.peek().is_none(),
            _ => is_plain,
        };
    }
    is_fine.then_some(()).ok_or_else(|| NatsError::Subject(subject.to_owned()))
}
