//! The results of `regret` as tables and JSON.

use super::programs::{Set, Way};
use super::results::{ALLOWANCE_NS, Measured, Medians, Ratio, Results, Row, summary};
use crate::machine;
use crate::table::table;
use serde_json::{Map, Value, json};

/// The tables, as the README has them.
pub(crate) fn text(results: &Results) -> String {
    let mut text = format!(
        "{}. {}: user and system time of all threads, time from start to end, and peak of resident memory, each a \
         process of the command's and the median of {} rounds. `off` compiles nothing, `eager` everything before the \
         first instruction, and regret is the CPU time by default over the lesser of theirs.\n",
        machine::line(),
        match results.set {
            Set::Real => "Programs from package registries",
            Set::Own | Set::Tiny => "Our own workloads and examples",
        },
        results.rounds,
    );
    for (count, rows) in &results.tables {
        text.push_str(&format!(
            "\nOn {}, by affinity:\n\n{}\n{}",
            machine::processors(*count),
            rows_table(rows),
            outcome(rows)
        ));
    }
    text
}

fn rows_table(rows: &[Row]) -> String {
    let mut lines = vec![
        [
            "program",
            "CPU: off",
            "eager",
            "default",
            "regret",
            "time: off",
            "default",
            "over off",
            "peak: off",
            "default",
            "over off",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for Row { program, measured } in rows {
        let mut line = vec![(*program).to_owned()];
        match measured {
            Ok(measured) => line.extend(cells(measured)),
            Err(_) => line.resize(lines[0].len(), "failed".to_owned()),
        }
        lines.push(line);
    }
    let mut mean = vec!["**geometric mean**".to_owned()];
    let ratios: [Option<Ratio>; 10] = {
        let (none, wall, peak) =
            (None, Measured::wall_ratio as fn(&_) -> _, Measured::peak_ratio as fn(&_) -> _);
        [none, none, none, Some(Measured::regret), none, none, Some(wall), none, none, Some(peak)]
    };
    mean.extend(ratios.map(|ratio| match ratio.and_then(|ratio| summary(rows, ratio)) {
        Some(summary) => format!("**{:.2}**", summary.mean),
        None => String::new(),
    }));
    lines.push(mean);
    table(&lines)
}

fn cells(measured: &Measured) -> [String; 10] {
    let [off, eager, default] = [Way::Off, Way::Eager, Way::Default].map(|way| measured.medians(way));
    let more = if measured.eager_ended { "" } else { "> " };
    [
        milliseconds(off.cpu_ns),
        format!("{more}{}", milliseconds(eager.cpu_ns)),
        milliseconds(default.cpu_ns),
        format!("{:.2}", measured.regret()),
        milliseconds(off.wall_ns),
        milliseconds(default.wall_ns),
        format!("{:.2}", measured.wall_ratio()),
        mebibytes(off.peak_kib),
        mebibytes(default.peak_kib),
        format!("{:.2}", measured.peak_ratio()),
    ]
}

fn milliseconds(ns: i64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}

fn mebibytes(kib: i64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}

/// What is lost, and what is won.
fn outcome(rows: &[Row]) -> String {
    let ratios: [Ratio; 5] = [
        Measured::regret,
        Measured::regret_beyond_allowance,
        Measured::wall_ratio,
        Measured::peak_ratio,
        Measured::gain,
    ];
    let worst: Vec<_> = ratios.iter().filter_map(|&ratio| Some(summary(rows, ratio)?.worst)).collect();
    // Without a program that could be measured there are none.
    let [regret, beyond, wall, peak, gain] = worst[..] else { return failures(rows) };
    let lost = format!(
        "Lost: at most regret {:.2} in `{}`, or {:.2} in `{}` if {} ms cost nothing; {:.2} times the time in `{}`, {:.2} times the \
         memory in `{}`.",
        regret.1,
        regret.0,
        beyond.1,
        beyond.0,
        ALLOWANCE_NS / 1_000_000,
        wall.1,
        wall.0,
        peak.1,
        peak.0,
    );
    let won = if gain.1 > 1.0 {
        format!("at most in `{}`, which takes {:.2} times the CPU time if it is interpreted", gain.0, gain.1)
    } else {
        "nothing, since no program takes less CPU time than if it is interpreted".to_owned()
    };
    format!("{lost} Won: {won}.\n{}", failures(rows))
}

fn failures(rows: &[Row]) -> String {
    let failed: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("- {}: {}\n", row.program, row.measured.as_ref().err()?)))
        .collect();
    if failed.is_empty() {
        String::new()
    } else {
        format!("\nFailures, which are left out of the means:\n\n{}", failed.concat())
    }
}

pub(crate) fn json(results: &Results) -> String {
    let tables: Vec<Value> = results
        .tables
        .iter()
        .map(|(count, rows)| {
            let ratios: [(&str, Ratio); 4] = [
                ("regret", Measured::regret),
                ("regret_beyond_allowance", Measured::regret_beyond_allowance),
                ("time_over_off", Measured::wall_ratio),
                ("peak_over_off", Measured::peak_ratio),
            ];
            let programs: Map<String, Value> = rows
                .iter()
                .map(|row| {
                    let entry = match &row.measured {
                        Err(error) => json!({"error": error}),
                        Ok(measured) => program_json(measured, &ratios),
                    };
                    (row.program.to_owned(), entry)
                })
                .collect();
            let summaries: Map<String, Value> = ratios
                .iter()
                .filter_map(|(name, ratio)| {
                    let summary = summary(rows, *ratio)?;
                    let (program, worst) = summary.worst;
                    let entry = json!({"geomean": summary.mean, "worst": worst, "worst_program": program});
                    Some(((*name).to_owned(), entry))
                })
                .collect();
            json!({"processors": count, "programs": programs, "summary": summaries})
        })
        .collect();
    let all = json!({
        "machine": machine::json(),
        "set": results.set.name(),
        "rounds": results.rounds,
        "allowance_ns": ALLOWANCE_NS,
        "tables": tables,
    });
    format!("{all:#}\n")
}

fn program_json(measured: &Measured, ratios: &[(&str, Ratio)]) -> Value {
    let way = |way| {
        let Medians { wall_ns, cpu_ns, peak_kib } = measured.medians(way);
        json!({"cpu_ns": cpu_ns, "wall_ns": wall_ns, "peak_kib": peak_kib})
    };
    let mut entry = Map::new();
    entry.insert("off".to_owned(), way(Way::Off));
    entry.insert("eager".to_owned(), way(Way::Eager));
    entry.insert("eager_ended".to_owned(), measured.eager_ended.into());
    entry.insert("default".to_owned(), way(Way::Default));
    entry.extend(ratios.iter().map(|(name, ratio)| ((*name).to_owned(), ratio(measured).into())));
    Value::Object(entry)
}
