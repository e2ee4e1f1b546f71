//! Asks an upstream about each request before it lets it pass.

use log::{info, warn};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};
use std::time::Duration;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_http_context(|_, _| Box::new(Check));
}}

struct Check;

impl Context for Check {
    fn on_http_call_response(&mut self, _: u32, fields: usize, body: usize, trailers: usize) {
        let status = self.get_http_call_response_header(":status");
        let text = self.get_http_call_response_body(0, body).unwrap_or_default();
        let verdict = self.get_http_call_response_header("x-verdict");
        info!("{status:?} says {verdict:?}, {} bytes, {trailers} trailers, any fields {}", text.len(), fields > 0);
        match verdict.as_deref() {
            Some("pass") => {
                self.set_http_request_header("x-checked", Some(&String::from_utf8_lossy(&text)));
                self.resume_http_request();
            }
            _ => self.send_http_response(403, vec![("x-verdict", "no")], Some(&text)),
        }
    }
}

impl HttpContext for Check {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let path = self.get_http_request_header(":path").unwrap_or_default();
        if path == "/free" {
            return Action::Continue;
        }
        let of = |upstream| {
            let fields = vec![(":method", "POST"), (":path", "/check"), (":authority", "checker"), ("x-of", &path)];
            self.dispatch_http_call(upstream, fields, Some(b"well?"), vec![], Duration::from_secs(2))
        };
        warn!("nobody: {:?}", of("nobody"));
        match of("up") {
            Ok(_) => Action::Pause,
            Err(status) => {
                warn!("it can't be asked: {status:?}");
                Action::Continue
            }
        }
    }
}
