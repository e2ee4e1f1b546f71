//! A server for tests, and a client.
#![allow(dead_code, reason = "each test uses its part")]

pub(crate) mod client;
pub(crate) mod origin;
pub(crate) mod zip;

use client::{Client, Reply};
use dunlin::Budget;
use dunlin_hosts::server::{Handler, Remote, Server, ServerOptions};
use dunlin_hosts::services::log::KeptLog;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

/// A server that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) remote: Remote,
    pub(crate) log: KeptLog,
    /// Everything that is charged to a budget.
    pub(crate) budget: Budget,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    pub(crate) fn start(handler: impl Handler, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let log = KeptLog::default();
        let mut options = ServerOptions { log: Arc::new(log.clone()), ..ServerOptions::default() };
        change(&mut options);
        let budget = options.budget.clone();
        let server = Server::bind("127.0.0.1:0", options).unwrap();
        let (address, remote) = (server.local_addr(), server.remote());
        let thread = std::thread::spawn(move || server.run(Arc::new(handler)).unwrap());
        Self { address, remote, log, budget, thread: Some(thread) }
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.client().get(path)
    }

    /// Has it end, and waits for that.
    pub(crate) fn stop(&mut self) {
        self.remote.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}
