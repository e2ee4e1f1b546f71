//! Waits for whole bodies, and shouts them: in upper case, with a length that fits.

use log::info;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_http_context(|_, _| Box::new(Shout));
}}

struct Shout;

impl Context for Shout {}

impl HttpContext for Shout {
    fn on_http_request_headers(&mut self, _: usize, end: bool) -> Action {
        if !end {
            self.set_http_request_header("content-length", None);
        }
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        let body = self.get_http_request_body(0, size).unwrap_or_default();
        info!("a request of {} bytes", body.len());
        self.set_http_request_body(0, size, &body.to_ascii_uppercase());
        Action::Continue
    }

    fn on_http_request_trailers(&mut self, count: usize) -> Action {
        info!("{count} trailers: {:?}", self.get_http_request_trailers());
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, end: bool) -> Action {
        if !end {
            self.set_http_response_header("content-length", None);
        }
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        if !end {
            return Action::Pause;
        }
        let body = self.get_http_response_body(0, size).unwrap_or_default();
        info!("a response of {} bytes", body.len());
        let mut shouted = body.to_ascii_uppercase();
        shouted.extend(b"!");
        self.set_http_response_body(0, size, &shouted);
        Action::Continue
    }
}
