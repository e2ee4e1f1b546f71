//! Marks requests and responses: sets, adds, replaces and removes fields, and says which there are.

use log::{info, warn};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_http_context(|context, _| Box::new(Mark { context }));
}}

struct Mark {
    context: u32,
}

impl Context for Mark {}

impl HttpContext for Mark {
    fn on_http_request_headers(&mut self, count: usize, end: bool) -> Action {
        info!("#{} request: {count} fields, end {end}", self.context);
        for (name, value) in self.get_http_request_headers() {
            info!("#{} -> {name}: {value}", self.context);
        }
        let method = self.get_property(vec!["request", "method"]).map(String::from_utf8);
        info!("method {method:?}, path {:?}", self.get_http_request_header(":path"));
        self.add_http_request_header("x-seen", "once");
        self.add_http_request_header("x-seen", "twice");
        self.set_http_request_header("x-many", Some("one"));
        self.set_http_request_header("x-gone", None);
        self.set_http_request_header("x-new", Some("new"));
        if let Some(path) = self.get_http_request_header(":path") {
            self.set_http_request_header(":path", Some(&format!("{path}?marked")));
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, count: usize, end: bool) -> Action {
        warn!("#{} response: {count} fields, end {end}", self.context);
        for (name, value) in self.get_http_response_headers() {
            info!("#{} <- {name}: {value}", self.context);
        }
        self.set_http_response_header("server", Some("marked"));
        self.set_http_response_header("x-why", None);
        self.add_http_response_header("x-mark", "yes");
        Action::Continue
    }

    fn on_log(&mut self) {
        info!("#{} is over", self.context);
    }
}
