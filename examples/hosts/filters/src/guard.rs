//! Lets pass who knows the word that is its configuration, and answers others itself.

use log::{error, info};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

#[derive(Default)]
struct Root {
    word: String,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let text = self.get_plugin_configuration().unwrap_or_default();
        self.word = String::from_utf8_lossy(&text).into_owned();
        size == text.len() && !self.word.is_empty()
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Guard { word: self.word.clone(), refused: false }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Guard {
    word: String,
    refused: bool,
}

impl Context for Guard {}

impl HttpContext for Guard {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        match self.get_http_request_header("x-word") {
            Some(word) if word == self.word => {
                info!("someone who knows the word");
                self.set_http_request_header("x-word", None);
                Action::Continue
            }
            word => {
                error!("refused: {word:?}");
                self.refused = true;
                let fields = vec![("x-refused", "yes"), ("content-type", "text/plain")];
                let code = if word.is_some() { 403 } else { 401 };
                self.send_http_response(code, fields, Some(b"say the word\n"));
                Action::Pause
            }
        }
    }

    fn on_http_response_headers(&mut self, _: usize, end: bool) -> Action {
        info!("refused {}, status {:?}, end {end}", self.refused, self.get_http_response_header(":status"));
        self.add_http_response_header("x-guard", if self.refused { "refused" } else { "passed" });
        Action::Continue
    }
}
