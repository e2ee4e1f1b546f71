//! TCP connections that `record.py` recorded with Envoy, replayed as its proxy for TCP would have them.

use dunlin_hosts::proxy_wasm::{Attributes, Chain, Output, Peer, Stream};
use serde_json::{Value, json};

/// What one side of a connection got in a step.
#[derive(Default)]
struct Got {
    text: Vec<u8>,
    ended: bool,
}

impl Got {
    /// Takes what came in this step; that it has ended stays.
    fn step(&mut self) -> Value {
        let text: String = std::mem::take(&mut self.text).into_iter().map(char::from).collect();
        json!({ "text": text, "ended": self.ended })
    }
}

/// Plays the steps, and gives what both sides got in each.
pub(crate) fn connect(chain: &mut Chain, steps: &[Value]) -> Value {
    let mut attributes = Attributes::default();
    // `TCP_UPSTREAM` of record.py.
    attributes.others.insert(b"upstream\0address".to_vec(), b"127.0.0.1:19073".to_vec());
    let mut stream = Stream::tcp(chain, attributes);
    let (mut client, mut upstream) = (Got::default(), Got::default());
    let (mut seen, mut last) = (Vec::new(), Peer::Local);
    for step in steps {
        let is_client = step[0] == "client";
        let (bytes, end) = (step[1].as_str().unwrap_or_default(), step[1].is_null());
        if is_client {
            stream.request_body(chain, bytes, end);
        } else {
            stream.response_body(chain, bytes, end);
            if end {
                // Envoy says so as soon as nothing more comes.
                stream.connection_closed(chain, false, Peer::Unknown);
            }
        }
        last = if is_client { Peer::Remote } else { Peer::Local };
        while let Some(output) = stream.next(chain) {
            let (got, bytes, end) = match output {
                Output::RequestBody { bytes, end } => (&mut upstream, bytes, end),
                Output::ResponseBody { bytes, end } => (&mut client, bytes, end),
                other => panic!("{other:?}"),
            };
            got.text.extend(bytes);
            got.ended |= end;
        }
        if steps.len() == seen.len() + 1 {
            // Both have ended: what is left is closed.
            (client.ended, upstream.ended) = (true, true);
        }
        seen.push(json!({ "client": client.step(), "upstream": upstream.step() }));
    }
    stream.connection_closed(chain, true, last);
    stream.close(chain);
    seen.into()
}
