//! What is counted, in the text format of Prometheus.

use super::pool::Pool;
use super::served::Served;
use dunlin::Budget;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The upper bounds of the histogram's buckets, in microseconds.
const BUCKETS: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000,
];

#[derive(Default)]
pub(super) struct Metrics {
    counts: Mutex<Counts>,
    pub(super) connections: AtomicU64,
}

#[derive(Default)]
struct Counts {
    by_status: BTreeMap<u16, u64>,
    by_failure: BTreeMap<&'static str, u64>,
    buckets: [u64; BUCKETS.len()],
    micros: u64,
    requests: u64,
    bytes: u64,
    fuel: u64,
    reloads: u64,
}

impl Metrics {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self, served: &Served) {
        let mut counts = self.counts();
        *counts.by_status.entry(served.status.as_u16()).or_default() += 1;
        if let Some(failure) = served.failure {
            *counts.by_failure.entry(failure).or_default() += 1;
        }
        let micros = served.time.as_micros() as u64;
        if let Some(bucket) = BUCKETS.iter().position(|most| micros <= *most) {
            counts.buckets[bucket] += 1;
        }
        counts.micros += micros;
        counts.requests += 1;
        counts.bytes += served.bytes;
        counts.fuel = counts.fuel.saturating_add(served.fuel);
    }

    pub(super) fn reloaded(&self) {
        self.counts().reloads += 1;
    }

    /// All of it, as Prometheus reads it.
    pub(super) fn text(&self, pool: &Pool, budget: &Budget) -> String {
        let counts = self.counts();
        let mut page = Page::default();
        page.metric("dunlin_requests_total", "counter", "Requests that are over, by status.");
        for (status, count) in &counts.by_status {
            page.value(format_args!("dunlin_requests_total{{status=\"{status}\"}}"), count);
        }
        page.metric("dunlin_failures_total", "counter", "Requests that failed, by traps and other reasons.");
        for (failure, count) in &counts.by_failure {
            page.value(format_args!("dunlin_failures_total{{code=\"{failure}\"}}"), count);
        }
        page.metric(
            "dunlin_request_seconds",
            "histogram",
            "From a request's headers to the end of its answer.",
        );
        let mut below = 0;
        for (most, count) in BUCKETS.iter().zip(counts.buckets) {
            below += count;
            let most = *most as f64 / 1e6;
            page.value(format_args!("dunlin_request_seconds_bucket{{le=\"{most}\"}}"), below);
        }
        page.value("dunlin_request_seconds_bucket{le=\"+Inf\"}", counts.requests);
        page.value("dunlin_request_seconds_sum", counts.micros as f64 / 1e6);
        page.value("dunlin_request_seconds_count", counts.requests);
        let (guests, waiting) = pool.load();
        let connections = self.connections.load(Ordering::Relaxed);
        let singles = [
            ("dunlin_answer_bytes_total", "counter", "The bodies of answers.", counts.bytes),
            ("dunlin_fuel_total", "counter", "Fuel that guests used, if it is counted.", counts.fuel),
            ("dunlin_reloads_total", "counter", "How often what is served was replaced.", counts.reloads),
            ("dunlin_connections", "gauge", "Connections that are open.", connections),
            ("dunlin_guests", "gauge", "Guests that are at work.", guests as u64),
            ("dunlin_waiting", "gauge", "Requests that wait for a guest.", waiting as u64),
            ("dunlin_memory_bytes", "gauge", "Memory that is held for guests.", budget.used()),
            ("dunlin_memory_peak_bytes", "gauge", "The most memory that ever was.", budget.peak()),
        ];
        for (name, kind, help, value) in singles {
            page.metric(name, kind, help);
            page.value(name, value);
        }
        page.0
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn metric(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: impl Display, value: impl Display) {
        let _ = writeln!(self.0, "{name} {value}");
    }
}
