//! Counts requests by what all VMs share, with a metric and a queue beside, and says the count in responses.

use log::info;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel, MetricType, Status};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(Root { metric: 0, queue: 0 }));
}}

const KEY: &str = "count";

struct Root {
    metric: u32,
    queue: u32,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        self.metric = hostcalls::define_metric(MetricType::Counter, "requests").unwrap();
        self.queue = self.register_shared_queue("paths");
        true
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Count { metric: self.metric, queue: self.queue, number: 0 }))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

struct Count {
    metric: u32,
    queue: u32,
    number: u32,
}

impl Count {
    /// Adds one, unless another VM was quicker.
    fn next(&self) -> Result<u32, Status> {
        let (bytes, version) = self.get_shared_data(KEY);
        let number = bytes.map_or(0, |bytes| u32::from_le_bytes(bytes[..4].try_into().unwrap())) + 1;
        self.set_shared_data(KEY, Some(&number.to_le_bytes()), version).map(|()| number)
    }
}

impl Context for Count {}

impl HttpContext for Count {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        self.number = self.next().unwrap();
        let stale = self.set_shared_data(KEY, Some(b"0"), Some(1000));
        hostcalls::increment_metric(self.metric, 2).unwrap();
        let path = self.get_http_request_header(":path").unwrap_or_default();
        self.enqueue_shared_queue(self.queue, Some(path.as_bytes())).unwrap();
        let first = self.dequeue_shared_queue(self.queue).unwrap();
        let rest = self.dequeue_shared_queue(self.queue).unwrap();
        let metric = hostcalls::get_metric(self.metric);
        let path = first.map(String::from_utf8);
        info!("number {}, stale {stale:?}, metric {metric:?}, queue {path:?} {rest:?}", self.number);
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        self.set_http_response_header("x-count", Some(&self.number.to_string()));
        Action::Continue
    }
}
