//! An actor for wasmCloud before 1.0, written against waPC itself. Paths say what it does:
//!
//! - `/count/KEY` counts in the key-value store, and says the count.
//! - `/ask/NAME/OPERATION` calls another actor, or a capability, with the request's body, and says what comes of it.
//! - `/publish/SUBJECT` publishes the request's body, and `/request/SUBJECT` does and says the answer. Of messages that
//!   come, it counts those to each subject, and answers those that ask for an answer with what they say.
//! - `/guid` says a new identifier, and `/log/TEXT` writes a line to the log.
//! - `/trap` traps, and `/spin` never ends.
//!
//! `Echo` says back what it is sent, and `Deeper` calls the actor that the message names with the same message.

use std::fmt::Write;

#[link(wasm_import_module = "wasmbus")]
unsafe extern "C" {
    fn __guest_request(operation: *mut u8, message: *mut u8);
    fn __guest_response(at: *const u8, len: usize);
    fn __guest_error(at: *const u8, len: usize);
    fn __host_call(
        binding: *const u8,
        binding_len: usize,
        namespace: *const u8,
        namespace_len: usize,
        operation: *const u8,
        operation_len: usize,
        payload: *const u8,
        payload_len: usize,
    ) -> i32;
    fn __host_response_len() -> usize;
    fn __host_response(at: *mut u8);
    fn __host_error_len() -> usize;
    fn __host_error(at: *mut u8);
}

type Answer = Result<Vec<u8>, String>;

#[unsafe(no_mangle)]
extern "C" fn __guest_call(operation_len: usize, message_len: usize) -> i32 {
    let (mut operation, mut message) = (vec![0; operation_len], vec![0; message_len]);
    // SAFETY: the host writes as much as it said.
    unsafe { __guest_request(operation.as_mut_ptr(), message.as_mut_ptr()) };
    match answer(&String::from_utf8_lossy(&operation), &message) {
        Ok(answer) => {
            // SAFETY: these are the answer's bytes.
            unsafe { __guest_response(answer.as_ptr(), answer.len()) };
            1
        }
        Err(error) => {
            // SAFETY: these are the text's bytes.
            unsafe { __guest_error(error.as_ptr(), error.len()) };
            0
        }
    }
}

/// Has the host answer a call: of a capability by its link, or of an actor.
fn ask(binding: &str, namespace: &str, operation: &str, payload: &[u8]) -> Answer {
    let fetch = |len: usize, fetch: unsafe extern "C" fn(*mut u8)| {
        let mut bytes = vec![0; len];
        // SAFETY: the host writes as much as it said.
        unsafe { fetch(bytes.as_mut_ptr()) };
        bytes
    };
    // SAFETY: each pair is a text, or the payload.
    unsafe {
        let answered = __host_call(
            binding.as_ptr(),
            binding.len(),
            namespace.as_ptr(),
            namespace.len(),
            operation.as_ptr(),
            operation.len(),
            payload.as_ptr(),
            payload.len(),
        );
        match answered {
            1 => Ok(fetch(__host_response_len(), __host_response)),
            _ => Err(String::from_utf8_lossy(&fetch(__host_error_len(), __host_error)).into_owned()),
        }
    }
}

fn answer(operation: &str, message: &[u8]) -> Answer {
    match operation {
        "HttpServer.HandleRequest" => {
            let (status, body) = match http(message) {
                Ok(body) => (200, body),
                Err(error) => (403, error.into_bytes()),
            };
            let mut answer = vec![0x83];
            text(&mut answer, "statusCode");
            answer.extend([0xcd, (status >> 8) as u8, status as u8]);
            text(&mut answer, "header");
            answer.push(0x81);
            text(&mut answer, "x-actor");
            answer.push(0x91);
            text(&mut answer, "dunlin");
            text(&mut answer, "body");
            binary(&mut answer, &body);
            Ok(answer)
        }
        "MessageSubscriber.HandleMessage" => {
            count(&String::from_utf8_lossy(&field(message, "subject")?))?;
            match field(message, "replyTo") {
                Ok(reply) if !reply.is_empty() => {
                    let subject = String::from_utf8_lossy(&reply).into_owned();
                    ask("default", MESSAGING, "Messaging.Publish", &published(&subject, &field(message, "body")?))
                }
                _ => Ok(vec![0xc0]),
            }
        }
        "Echo" => Ok(message.to_vec()),
        "Deeper" => ask("", &String::from_utf8_lossy(message), "Deeper", message),
        other => Err(format!("this actor doesn't {other}")),
    }
}

fn http(request: &[u8]) -> Answer {
    let path = String::from_utf8_lossy(&field(request, "path")?).into_owned();
    let body = field(request, "body")?;
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["count", key] => Ok(format!("{{\"counter\":{}}}", count(key)?).into_bytes()),
        ["ask", name, operation] => ask("default", name, operation, &body),
        ["publish", subject] => ask("default", MESSAGING, "Messaging.Publish", &published(subject, &body)),
        ["request", subject] => {
            let mut message = published(subject, &body);
            message[0] += 1;
            text(&mut message, "timeoutMs");
            message.extend([0xcd, 0x0b, 0xb8]);
            field(&ask("default", MESSAGING, "Messaging.Request", &message)?, "body")
        }
        ["guid"] => {
            let guid = ask("default", "wasmcloud:builtin:numbergen", "NumberGen.GenerateGuid", &[])?;
            Ok(Reader(&guid).bytes()?.to_vec())
        }
        ["log", line] => {
            let mut message = vec![0x82];
            text(&mut message, "level");
            text(&mut message, "info");
            text(&mut message, "text");
            text(&mut message, line);
            ask("default", "wasmcloud:builtin:logging", "Logging.WriteLog", &message)
        }
        ["trap"] => panic!("it was asked to"),
        ["spin"] => loop {
            std::hint::black_box(());
        },
        _ => {
            let mut said = String::new();
            let _ = write!(said, "nothing is at {path}");
            Err(said)
        }
    }
}

const MESSAGING: &str = "wasmcloud:messaging";

/// A message to a subject.
fn published(subject: &str, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0x82];
    text(&mut message, "subject");
    text(&mut message, subject);
    text(&mut message, "body");
    binary(&mut message, body);
    message
}

fn count(key: &str) -> Result<u64, String> {
    let mut message = vec![0x82];
    text(&mut message, "key");
    text(&mut message, key);
    text(&mut message, "value");
    message.push(1);
    Reader(&ask("default", "wasmcloud:keyvalue", "KeyValue.Increment", &message)?).number()
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend([0xda, (text.len() >> 8) as u8, text.len() as u8]);
    out.extend(text.as_bytes());
}

fn binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(0xc6);
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

/// A field of a map, as bytes.
fn field(map: &[u8], name: &str) -> Answer {
    let mut reader = Reader(map);
    for _ in 0..reader.len(0x80, 0xde)? {
        if reader.bytes()? == name.as_bytes() {
            return Ok(reader.bytes()?.to_vec());
        }
        reader.skip()?;
    }
    Err(format!("the message has no {name}"))
}

/// Reads as much of MessagePack as its messages have.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or("the message ends too soon")?;
        self.0 = rest;
        Ok(taken)
    }

    fn big_endian(&mut self, bytes: usize) -> Result<u64, String> {
        Ok(self.take(bytes)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The length of a list or map, whose first byte is `small` and more, or `long`.
    fn len(&mut self, small: u8, long: u8) -> Result<usize, String> {
        match self.take(1)?[0] {
            first if first & 0xf0 == small => Ok(usize::from(first & 0xf)),
            first if first == long => Ok(self.big_endian(2)? as usize),
            first => Err(format!("a message begins with {first:#x}")),
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        match self.take(1)?[0] {
            small @ ..0x80 => Ok(small.into()),
            first @ (0xcc..=0xcf | 0xd0..=0xd3) => self.big_endian(1 << (first & 3)),
            first => Err(format!("a number begins with {first:#x}")),
        }
    }

    fn bytes(&mut self) -> Result<&'a [u8], String> {
        let len = match self.take(1)?[0] {
            short @ 0xa0..0xc0 => usize::from(short & 0x1f),
            0xc0 => 0,
            0xc4 | 0xd9 => self.big_endian(1)? as usize,
            0xc5 | 0xda => self.big_endian(2)? as usize,
            0xc6 | 0xdb => self.big_endian(4)? as usize,
            first => return Err(format!("a text begins with {first:#x}")),
        };
        self.take(len)
    }

    fn skip(&mut self) -> Result<(), String> {
        match *self.0.first().ok_or("the message ends too soon")? {
            0x80..0x90 | 0xde => {
                for _ in 0..2 * self.len(0x80, 0xde)? {
                    self.skip()?;
                }
            }
            0x90..0xa0 | 0xdc => {
                for _ in 0..self.len(0x90, 0xdc)? {
                    self.skip()?;
                }
            }
            ..0x80 | 0xcc..=0xcf | 0xd0..=0xd3 => {
                self.number()?;
            }
            _ => {
                self.bytes()?;
            }
        }
        Ok(())
    }
}
