//! The results of `curve` as a table, as JSON, and as what is drawn.

use super::draw::Series;
use super::{Curve, Point};
use crate::machine;
use crate::table::table;
use serde_json::{Map, Value, json};

/// Dunlin's own ways, in their order.
const OFF: usize = 0;
const EAGER: usize = 1;
const DEFAULT: usize = 2;

impl Point {
    /// CPU time over that of the better guess: never compiled, or compiled before the first instruction.
    fn regret(&self) -> f64 {
        self.cpu_ns[DEFAULT] as f64 / self.cpu_ns[OFF].min(self.cpu_ns[EAGER]) as f64
    }
}

/// The table, as the README has it.
pub(super) fn text(curve: &Curve) -> String {
    let mut rows = vec![vec!["argument".to_owned()]];
    rows[0].extend(curve.ways.iter().map(|&name| name.to_owned()));
    rows[0].push("regret".to_owned());
    for point in &curve.points {
        let mut row = vec![point.n.to_string()];
        row.extend(point.cpu_ns.iter().map(|&ns| format!("{:.1} ms", ns as f64 / 1e6)));
        row.push(format!("{:.2}", point.regret()));
        rows.push(row);
    }
    format!(
        "{}. The workload `{}` on {}: user and system time of all threads, each a process and the median of {} \
         rounds. Regret is `default` over the lesser of `off` and `eager`.\n\n{}",
        machine::line(),
        curve.workload,
        machine::processors(curve.processors),
        curve.rounds,
        table(&rows)
    )
}

pub(super) fn json(curve: &Curve) -> String {
    let points: Vec<Value> = curve
        .points
        .iter()
        .map(|point| {
            let cpu: Map<String, Value> = curve
                .ways
                .iter()
                .zip(&point.cpu_ns)
                .map(|(name, &ns)| ((*name).to_owned(), ns.into()))
                .collect();
            json!({"n": point.n, "cpu_ns": cpu, "regret": point.regret()})
        })
        .collect();
    let all = json!({
        "machine": machine::json(),
        "workload": curve.workload,
        "processors": curve.processors,
        "rounds": curve.rounds,
        "points": points,
    });
    format!("{all:#}\n")
}

/// A line for each way: from the CPU time of interpretation to that of the way.
pub(super) fn chart(curve: &Curve) -> Vec<Series> {
    let seconds = |ns: i64| ns as f64 / 1e9;
    let points = |way: usize| {
        curve.points.iter().map(|point| (seconds(point.cpu_ns[OFF]), seconds(point.cpu_ns[way]))).collect()
    };
    let series = |(way, &name)| Series { name, dashed: way > DEFAULT, points: points(way) };
    curve.ways.iter().enumerate().map(series).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn curve() -> Curve {
        Curve {
            workload: "mix",
            ways: vec!["off", "eager", "default", "other"],
            points: vec![
                Point { n: 10, cpu_ns: vec![2 * MS, 20 * MS, 3 * MS, 9 * MS] },
                Point { n: 1000, cpu_ns: vec![200 * MS, 40 * MS, 50 * MS, 30 * MS] },
            ],
            rounds: 1,
            processors: 2,
        }
    }

    #[test]
    fn regret_is_over_the_better_guess() {
        let regrets: Vec<f64> = curve().points.iter().map(Point::regret).collect();
        assert_eq!(regrets, [1.5, 1.25]);
    }

    #[test]
    fn every_way_is_a_line_over_interpretation() {
        let chart = chart(&curve());
        assert_eq!(chart.len(), 4);
        assert!(!chart[DEFAULT].dashed && chart[3].dashed);
        assert_eq!(chart[0].points, [(0.002, 0.002), (0.2, 0.2)]);
        assert_eq!((chart[3].name, &chart[3].points[..]), ("other", &[(0.002, 0.009), (0.2, 0.03)][..]));
    }

    #[test]
    fn the_table_and_the_json_have_every_point() {
        let text = text(&curve());
        assert!(text.contains("| 10       |   2.0 ms | 20.0 ms |  3.0 ms |  9.0 ms |   1.50 |"), "{text}");
        let json: Value = serde_json::from_str(&json(&curve())).unwrap();
        assert_eq!(json["points"][1]["cpu_ns"]["other"], 30 * MS);
        assert_eq!(json["points"][1]["regret"], 1.25);
    }
}
