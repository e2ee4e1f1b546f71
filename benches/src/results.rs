//! What `compare` measured.

use crate::engines::{Engine, Role};
use crate::runs::Runs;
use crate::statistics::median;
use dunlin_benches::workloads::Workload;

/// One engine's time for a workload, and its memory.
pub(crate) struct Measured {
    /// Of each round.
    pub(crate) times_ns: Vec<i64>,
    pub(crate) median_ns: i64,
    pub(crate) peak_kib: i64,
    pub(crate) engine_kib: i64,
}

/// One engine's startup: from a large module's bytes to the end of the first call.
pub(crate) struct Startup {
    pub(crate) load_ns: i64,
    pub(crate) total_ns: i64,
    pub(crate) peak_kib: i64,
    pub(crate) engine_kib: i64,
}

/// Everything measured. The inner lists are in the order of the engines.
pub(crate) struct Results {
    pub(crate) engines: Vec<&'static Engine>,
    pub(crate) rounds: usize,
    pub(crate) workloads: Vec<(&'static Workload, Vec<Result<Measured, String>>)>,
    pub(crate) large_size: usize,
    pub(crate) startup: Vec<Result<Startup, String>>,
    pub(crate) runs: Option<Runs>,
}

/// The geometric mean of the ratios of an engine's times to Dunlin's, and the number of workloads in it.
pub(crate) fn mean(results: &Results, engine: usize, simd_only: bool) -> Option<(f64, usize)> {
    let logarithms: Vec<f64> = results
        .workloads
        .iter()
        .filter(|(workload, _)| !simd_only || workload.is_simd())
        .filter_map(|(_, measured)| Some(ratio(measured, engine)?.ln()))
        .collect();
    let count = logarithms.len();
    (count > 0).then(|| ((logarithms.iter().sum::<f64>() / count as f64).exp(), count))
}

/// An engine's time over Dunlin's.
pub(crate) fn ratio(measured: &[Result<Measured, String>], engine: usize) -> Option<f64> {
    let (Ok(own), Ok(other)) = (&measured[0], &measured[engine]) else { return None };
    Some(other.median_ns as f64 / own.median_ns as f64)
}

/// The indices of the engines that are compared with the interpreter.
pub(crate) fn running(results: &Results) -> impl Iterator<Item = usize> + '_ {
    (0..results.engines.len()).filter(|&i| results.engines[i].role == Role::Peer)
}

/// The medians of the processes' peaks and of what the engine caused, in KiB.
pub(crate) fn memory(results: &Results, engine: usize) -> Option<(i64, i64)> {
    let all: Vec<_> =
        results.workloads.iter().filter_map(|(_, measured)| measured[engine].as_ref().ok()).collect();
    let middle = |field: fn(&Measured) -> i64| median(all.iter().map(|one| field(one)).collect());
    (!all.is_empty()).then(|| (middle(|one| one.peak_kib), middle(|one| one.engine_kib)))
}
