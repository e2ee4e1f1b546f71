//! Metrics that filters define.

use super::status::Status;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The metrics of some plugins, by name, on all threads. Clones are the same.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Mutex<Kept>>);

/// How many metrics there may be, and how long their names.
const MOST: usize = 4096;
const LONGEST_NAME: usize = 1024;

#[derive(Default)]
struct Kept {
    numbers: HashMap<(MetricKind, String), u32>,
    metrics: Vec<Metric>,
}

/// What a metric counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MetricKind {
    /// What only grows.
    Counter,
    /// What grows and shrinks.
    Gauge,
    /// Values, of which the number and the sum are kept.
    Histogram,
}

/// A metric and its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Metric {
    /// What it counts.
    pub kind: MetricKind,
    /// Its name, as the filter gave it.
    pub name: String,
    /// Its value; of a histogram the sum of its values.
    pub value: u64,
    /// Of a histogram, how many values were recorded.
    pub count: u64,
}

impl Metrics {
    /// No metrics yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All metrics, in the order in which they were defined.
    pub fn all(&self) -> Vec<Metric> {
        self.kept().metrics.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn define(&self, kind: u32, name: &[u8]) -> Result<u32, Status> {
        let kind = match kind {
            0 => MetricKind::Counter,
            1 => MetricKind::Gauge,
            2 => MetricKind::Histogram,
            _ => return Err(Status::BadArgument),
        };
        if name.len() > LONGEST_NAME {
            return Err(Status::BadArgument);
        }
        let name = String::from_utf8_lossy(name).into_owned();
        let kept = &mut *self.kept();
        if let Some(number) = kept.numbers.get(&(kind, name.clone())) {
            return Ok(*number);
        }
        if kept.metrics.len() == MOST {
            return Err(Status::InternalFailure);
        }
        kept.metrics.push(Metric { kind, name: name.clone(), value: 0, count: 0 });
        let number = kept.metrics.len() as u32;
        kept.numbers.insert((kind, name), number);
        Ok(number)
    }

    /// Adds to a counter, sets a gauge, or records a value in a histogram.
    pub(super) fn record(&self, number: u32, value: u64) -> Result<(), Status> {
        self.change(number, |metric| {
            metric.value = match metric.kind {
                MetricKind::Gauge => value,
                MetricKind::Counter | MetricKind::Histogram => metric.value.wrapping_add(value),
            };
            metric.count += u64::from(metric.kind == MetricKind::Histogram);
            Ok(())
        })
    }

    pub(super) fn increment(&self, number: u32, by: i64) -> Result<(), Status> {
        self.change(number, |metric| match metric.kind {
            MetricKind::Counter if by <= 0 => Err(Status::BadArgument),
            MetricKind::Histogram => Err(Status::BadArgument),
            MetricKind::Counter | MetricKind::Gauge => {
                metric.value = metric.value.wrapping_add_signed(by);
                Ok(())
            }
        })
    }

    pub(super) fn get(&self, number: u32) -> Result<u64, Status> {
        self.change(number, |metric| match metric.kind {
            MetricKind::Histogram => Err(Status::BadArgument),
            MetricKind::Counter | MetricKind::Gauge => Ok(metric.value),
        })
    }

    fn change<R>(&self, number: u32, f: impl FnOnce(&mut Metric) -> Result<R, Status>) -> Result<R, Status> {
        let place = (number as usize).checked_sub(1).ok_or(Status::NotFound)?;
        f(self.kept().metrics.get_mut(place).ok_or(Status::NotFound)?)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_what_it_can() {
        let metrics = Metrics::new();
        let [counter, gauge, histogram] = [0, 1, 2].map(|kind| metrics.define(kind, b"m").unwrap());
        assert_eq!(metrics.define(0, b"m"), Ok(counter));
        assert_eq!(metrics.define(3, b"m"), Err(Status::BadArgument));
        metrics.increment(counter, 2).unwrap();
        metrics.record(counter, 3).unwrap();
        assert_eq!(metrics.increment(counter, -1), Err(Status::BadArgument));
        metrics.record(gauge, 10).unwrap();
        metrics.increment(gauge, -3).unwrap();
        metrics.record(histogram, 4).unwrap();
        metrics.record(histogram, 5).unwrap();
        assert_eq!(metrics.increment(histogram, 1), Err(Status::BadArgument));
        assert_eq!((metrics.get(counter), metrics.get(gauge)), (Ok(5), Ok(7)));
        assert_eq!(metrics.get(histogram), Err(Status::BadArgument));
        for unknown in [0, 4] {
            assert_eq!(metrics.get(unknown), Err(Status::NotFound));
        }
        let values: Vec<_> = metrics.all().iter().map(|metric| (metric.value, metric.count)).collect();
        assert_eq!(values, [(5, 0), (7, 0), (9, 2)]);
    }

    #[test]
    fn they_are_bounded() {
        let metrics = Metrics::new();
        let defined =
            (0..10_000).take_while(|i| metrics.define(0, format!("{i}").as_bytes()).is_ok()).count();
        assert_eq!(defined, MOST);
        assert_eq!(metrics.define(0, &[b'x'; LONGEST_NAME + 1]), Err(Status::BadArgument));
    }
}
