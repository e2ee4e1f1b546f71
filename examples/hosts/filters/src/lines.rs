//! For connections: holds what the client sends until there is a whole line, answers for the upstream in capitals, and says
//! how they end.

use log::info;
use proxy_wasm::traits::{Context, StreamContext};
use proxy_wasm::types::{Action, LogLevel, PeerType};

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_stream_context(|_, _| Box::new(Lines));
}}

struct Lines;

impl Context for Lines {}

fn by(peer: PeerType) -> &'static str {
    match peer {
        PeerType::Local => "us",
        PeerType::Remote => "them",
        _ => "somebody",
    }
}

impl StreamContext for Lines {
    fn on_new_connection(&mut self) -> Action {
        info!("a connection");
        Action::Continue
    }

    fn on_downstream_data(&mut self, size: usize, end: bool) -> Action {
        let data = self.get_downstream_data(0, size).unwrap_or_default();
        info!("from the client: {size} bytes, end {end}");
        if !data.contains(&b'\n') {
            return Action::Pause;
        }
        self.set_downstream_data(0, size, &[b"> ", &data[..]].concat());
        Action::Continue
    }

    fn on_downstream_close(&mut self, peer: PeerType) {
        info!("the client's was closed by {}", by(peer));
    }

    fn on_upstream_data(&mut self, size: usize, end: bool) -> Action {
        info!("from the upstream: {size} bytes, end {end}");
        let data = self.get_upstream_data(0, size).unwrap_or_default();
        self.set_upstream_data(0, size, &data.to_ascii_uppercase());
        Action::Continue
    }

    fn on_upstream_close(&mut self, peer: PeerType) {
        info!("the upstream's was closed by {}", by(peer));
    }

    fn on_log(&mut self) {
        info!("it is over");
    }
}
