//! Capabilities that actors may be granted.

use super::keys::random;
use super::messages::{self, LogEntry, LogLevel, RangeLimit};
use super::token::Claims;
use crate::services::log::{Level, Log};
use crate::wapc::{HostCall, Task};
use std::fmt;
use std::sync::Arc;

/// Provides a capability to actors.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Answers a call of an actor that claims the capability.
    ///
    /// # Errors
    ///
    /// If there is no answer; the actor is told why.
    fn call(&self, actor: &Claims, call: HostCall<'_>, task: &mut Task) -> Result<Vec<u8>, String>;
}

pub(super) fn unknown(call: HostCall<'_>) -> String {
    format!("{} has no operation {}", call.namespace.escape_debug(), call.operation.escape_debug())
}

/// `wasmcloud:builtin:logging`: lines of actors go to a log.
pub(super) struct Logging(pub(super) Arc<dyn Log>);

impl Provider for Logging {
    fn call(&self, actor: &Claims, call: HostCall<'_>, _: &mut Task) -> Result<Vec<u8>, String> {
        if call.operation != "Logging.WriteLog" {
            return Err(unknown(call));
        }
        let LogEntry { level, text } = messages::decode(call.payload)?;
        let level = match level {
            LogLevel::Word(word) => word.to_ascii_lowercase(),
            LogLevel::Number(number) => number.to_string(),
        };
        let level = match &*level {
            "error" | "1" => Level::Error,
            "warn" | "warning" | "2" => Level::Warn,
            "debug" | "4" => Level::Debug,
            "trace" | "5" => Level::Trace,
            _ => Level::Info,
        };
        text.lines().for_each(|line| self.0.write(level, actor.name(), line));
        Ok(Vec::new())
    }
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logging")
    }
}

/// `wasmcloud:builtin:numbergen`: random numbers of the system's.
#[derive(Debug)]
pub(super) struct Numbers;

impl Provider for Numbers {
    fn call(&self, _: &Claims, call: HostCall<'_>, _: &mut Task) -> Result<Vec<u8>, String> {
        match call.operation {
            "NumberGen.GenerateGuid" => messages::encode(&guid(random()?)),
            "NumberGen.Random32" => messages::encode(&u32::from_le_bytes(random()?)),
            "NumberGen.RandomInRange" => {
                let RangeLimit { min, max } = messages::decode(call.payload)?;
                let count = u64::from(max.checked_sub(min).ok_or("the range is empty")?) + 1;
                // Of 2^64 numbers, those that some are favoured by are too few to be noticed.
                let number = min + (u64::from_le_bytes(random()?) % count) as u32;
                messages::encode(&number)
            }
            _ => Err(unknown(call)),
        }
    }
}

/// A UUID of random bytes (RFC 9562, version 4).
fn guid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]].map(hex).join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::log::KeptLog;

    fn ask(provider: &dyn Provider, operation: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        let call = HostCall { binding: "default", namespace: "contract", operation, payload };
        provider.call(&Claims::default(), call, &mut Task::default())
    }

    #[test]
    fn numbers_are_in_range() {
        #[derive(serde::Serialize)]
        struct Range {
            min: u32,
            max: u32,
        }
        for (min, max) in [(3, 5), (7, 7), (0, u32::MAX)] {
            for _ in 0..50 {
                let range = messages::encode(&Range { min, max }).unwrap();
                let number: u32 =
                    messages::decode(&ask(&Numbers, "NumberGen.RandomInRange", &range).unwrap()).unwrap();
                assert!((min..=max).contains(&number));
            }
        }
        let empty = messages::encode(&Range { min: 2, max: 1 }).unwrap();
        assert_eq!(ask(&Numbers, "NumberGen.RandomInRange", &empty), Err("the range is empty".into()));
        assert_eq!(
            ask(&Numbers, "NumberGen.Guess", b""),
            Err("contract has no operation NumberGen.Guess".into())
        );
        assert_eq!(guid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn lines_are_logged_by_level() {
        #[derive(serde::Serialize)]
        struct Entry {
            level: &'static str,
            text: &'static str,
        }
        let log = KeptLog::default();
        let logging = Logging(Arc::new(log.clone()));
        for (level, text) in [("error", "one"), ("WARN", "two\nthree"), ("else", "four")] {
            let entry = messages::encode(&Entry { level, text }).unwrap();
            ask(&logging, "Logging.WriteLog", &entry).unwrap();
        }
        let lines: Vec<_> = log.lines().into_iter().map(|(level, _, line)| (level, line)).collect();
        let expected =
            [(Level::Error, "one"), (Level::Warn, "two"), (Level::Warn, "three"), (Level::Info, "four")];
        assert_eq!(lines, expected.map(|(level, line)| (level, line.to_owned())));
        assert!(ask(&logging, "Logging.WriteLog", &[0xdd, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
