//! What `regret` measured, and what follows from it.

use super::process::Usage;
use super::programs::{Set, Way};
use crate::statistics::{geometric_mean, median};

/// What a bad guess may cost in any case: less can't be told from noise, or felt.
pub(crate) const ALLOWANCE_NS: i64 = 2_000_000;

/// One program's runs on some number of processors, way by way.
pub(crate) struct Measured {
    off: Vec<Usage>,
    eager: Vec<Usage>,
    default: Vec<Usage>,
    /// If not, the eager process was stopped, and what it used is a lower bound.
    pub(crate) eager_ended: bool,
}

/// A way's medians.
#[derive(Clone, Copy)]
pub(crate) struct Medians {
    pub(crate) wall_ns: i64,
    pub(crate) cpu_ns: i64,
    pub(crate) peak_kib: i64,
}

/// What is compared over programs.
pub(crate) type Ratio = fn(&Measured) -> f64;

pub(crate) struct Row {
    pub(crate) program: &'static str,
    pub(crate) measured: Result<Measured, String>,
}

/// Everything measured: a table for each number of processors.
pub(crate) struct Results {
    pub(crate) set: Set,
    pub(crate) rounds: usize,
    pub(crate) tables: Vec<(usize, Vec<Row>)>,
}

/// A ratio over the programs of a table: its geometric mean, and the program for which it is largest.
pub(crate) struct Summary {
    pub(crate) mean: f64,
    pub(crate) worst: (&'static str, f64),
}

impl Measured {
    pub(crate) fn new() -> Measured {
        Measured { off: Vec::new(), eager: Vec::new(), default: Vec::new(), eager_ended: true }
    }

    pub(crate) fn add(&mut self, way: Way, usage: Usage) {
        match way {
            Way::Off => self.off.push(usage),
            Way::Eager => self.eager.push(usage),
            Way::Default => self.default.push(usage),
        }
    }

    pub(crate) fn medians(&self, way: Way) -> Medians {
        let runs = match way {
            Way::Off => &self.off,
            Way::Eager => &self.eager,
            Way::Default => &self.default,
        };
        let middle = |quantity: fn(&Usage) -> i64| median(runs.iter().map(quantity).collect());
        Medians {
            wall_ns: middle(|usage| usage.wall_ns),
            cpu_ns: middle(|usage| usage.cpu_ns),
            peak_kib: middle(|usage| usage.peak_kib),
        }
    }

    /// The CPU time of the better guess: never compiled, or compiled before the first instruction. If the latter was
    /// stopped, it had used more than the former.
    fn best_ns(&self) -> i64 {
        self.medians(Way::Off).cpu_ns.min(self.medians(Way::Eager).cpu_ns)
    }

    /// CPU time over that of the better guess. Less than 1 if some of the program is worth compiling, and some isn't.
    pub(crate) fn regret(&self) -> f64 {
        self.medians(Way::Default).cpu_ns as f64 / self.best_ns() as f64
    }

    /// The same, if some CPU time costs nothing.
    pub(crate) fn regret_beyond_allowance(&self) -> f64 {
        (self.medians(Way::Default).cpu_ns - ALLOWANCE_NS).max(0) as f64 / self.best_ns() as f64
    }

    /// CPU time of an interpreted run, over that of one by default.
    pub(crate) fn gain(&self) -> f64 {
        self.medians(Way::Off).cpu_ns as f64 / self.medians(Way::Default).cpu_ns as f64
    }

    /// Time from start to end, over an interpreted run's.
    pub(crate) fn wall_ratio(&self) -> f64 {
        self.medians(Way::Default).wall_ns as f64 / self.medians(Way::Off).wall_ns as f64
    }

    /// Peak of memory, over an interpreted run's.
    pub(crate) fn peak_ratio(&self) -> f64 {
        self.medians(Way::Default).peak_kib as f64 / self.medians(Way::Off).peak_kib as f64
    }
}

impl Results {
    pub(crate) fn failures(&self) -> usize {
        self.tables.iter().flat_map(|(_, rows)| rows).filter(|row| row.measured.is_err()).count()
    }
}

/// Of the programs that could be measured, if there are any.
pub(crate) fn summary(rows: &[Row], ratio: Ratio) -> Option<Summary> {
    let ratios: Vec<(&'static str, f64)> =
        rows.iter().filter_map(|row| Some((row.program, ratio(row.measured.as_ref().ok()?)))).collect();
    let mean = geometric_mean(&ratios.iter().map(|(_, ratio)| *ratio).collect::<Vec<_>>())?;
    let worst = ratios.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    Some(Summary { mean, worst })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn measured(off: &[i64], eager: &[i64], default: &[i64]) -> Measured {
        let mut measured = Measured::new();
        for (way, times) in [(Way::Off, off), (Way::Eager, eager), (Way::Default, default)] {
            for (i, ms) in times.iter().enumerate() {
                let usage = Usage { wall_ns: 2 * ms * MS, cpu_ns: ms * MS, peak_kib: 100 + i as i64 };
                measured.add(way, usage);
            }
        }
        measured
    }

    fn row(program: &'static str, off: i64, eager: i64, default: i64) -> Row {
        Row { program, measured: Ok(measured(&[off], &[eager], &[default])) }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn regret_is_over_the_better_guess() {
        assert!(near(measured(&[10], &[50], &[15]).regret(), 1.5));
        assert!(near(measured(&[100], &[50], &[75]).regret(), 1.5));
        // Better than both guesses.
        assert!(near(measured(&[100], &[50], &[40]).regret(), 0.8));
    }

    #[test]
    fn medians_count() {
        let measured = measured(&[10, 1000, 11, 9, 10], &[50], &[14, 15, 900]);
        assert!(near(measured.regret(), 1.5));
        assert!(near(measured.wall_ratio(), 1.5));
        assert_eq!(measured.medians(Way::Off).peak_kib, 102);
        assert!(near(measured.peak_ratio(), 101.0 / 102.0));
    }

    #[test]
    fn two_milliseconds_cost_nothing() {
        assert!(near(measured(&[4], &[9], &[6]).regret_beyond_allowance(), 1.0));
        assert!(near(measured(&[100], &[900], &[127]).regret_beyond_allowance(), 1.25));
        assert!(near(measured(&[1], &[9], &[1]).regret_beyond_allowance(), 0.0));
    }

    #[test]
    fn a_summary_has_the_mean_and_the_worst() {
        let failed = Row { program: "failed", measured: Err("no".to_owned()) };
        let rows = [row("a", 10, 90, 20), row("b", 90, 10, 80), failed, row("c", 10, 10, 5)];
        let summary = summary(&rows, Measured::regret).unwrap();
        assert!(near(summary.mean, 2.0));
        assert_eq!(summary.worst.0, "b");
        assert!(near(summary.worst.1, 8.0));
        let results = Results { set: Set::Own, rounds: 1, tables: vec![(1, rows.into())] };
        assert_eq!(results.failures(), 1);
    }

    #[test]
    fn of_nothing_there_is_no_summary() {
        assert!(summary(&[], Measured::regret).is_none());
    }
}
