//! The results for compiled code, as text and tables: its speed, and whole runs.

use crate::engines::{BEFORE, COMPILED};
use crate::results::{Measured, Results};
use crate::runs::{Program, Run, Runs};
use crate::statistics::{geometric_mean, median_ratio};
use crate::table::table;
use serde_json::{Map, Value, json};

/// The engine whose whole runs are compared with the others'.
const OWN: &str = "dunlin-jit";
const OTHER: &str = "cranelift";

type Quantity = fn(&Run) -> i64;

const WALL: Quantity = |run| run.wall_ns;
const CPU: Quantity = |run| run.cpu_ns;
const PEAK: Quantity = |run| run.peak_kib;

/// A pair of engines, and for each workload the time of one, and the other's as a multiple of it: the median of the rounds'.
struct Compared {
    names: (&'static str, &'static str),
    workloads: Vec<Option<(i64, f64)>>,
}

impl Compared {
    fn mean(&self, results: &Results, simd_only: bool) -> Option<f64> {
        let all = results.workloads.iter().zip(&self.workloads);
        let some = all.filter(|((workload, _), _)| !simd_only || workload.is_simd());
        geometric_mean(&some.filter_map(|(_, entry)| Some(entry.as_ref()?.1)).collect::<Vec<_>>())
    }
}

fn compared(results: &Results) -> Vec<Compared> {
    let index = |name: &str| results.engines.iter().position(|engine| engine.name == name);
    let compare = |&(own, other): &(&'static str, &'static str)| {
        let (i, j) = (index(own)?, index(other)?);
        let entry = |measured: &Vec<Result<Measured, String>>| match (&measured[i], &measured[j]) {
            (Ok(own), Ok(other)) => {
                let pairs = own.times_ns.iter().copied().zip(other.times_ns.iter().copied());
                Some((own.median_ns, median_ratio(pairs)))
            }
            _ => None,
        };
        let workloads = results.workloads.iter().map(|(_, measured)| entry(measured)).collect();
        Some(Compared { names: (own, other), workloads })
    };
    COMPILED.iter().filter_map(compare).collect()
}

/// The tables about compiled code.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = compiled_table(results);
    if let Some(runs) = &results.runs {
        text.push_str(&long_table(&runs.long));
        text.push_str(&short_table(runs));
    }
    text
}

fn compiled_table(results: &Results) -> String {
    let compared = compared(results);
    if compared.is_empty() {
        return String::new();
    }
    let mut head = vec!["workload".to_owned()];
    for Compared { names: (own, other), .. } in &compared {
        head.extend([(*own).to_owned(), (*other).to_owned()]);
    }
    let mut rows = vec![head];
    for (i, (workload, _)) in results.workloads.iter().enumerate() {
        let mut row = vec![workload.name.to_owned()];
        row.extend(compared.iter().flat_map(|compared| match compared.workloads[i] {
            Some((own, ratio)) => [format!("{:.1} ms", own as f64 / 1e6), format!("{ratio:.2}")],
            None => ["failed", "failed"].map(str::to_owned),
        }));
        rows.push(row);
    }
    for (name, simd_only) in [("**geometric mean**", false), ("**of the SIMD workloads**", true)] {
        let mut row = vec![name.to_owned()];
        row.extend(compared.iter().flat_map(|compared| {
            let mean = compared.mean(results, simd_only);
            [String::new(), mean.map_or(String::new(), |mean| format!("**{mean:.2}**"))]
        }));
        rows.push(row);
    }
    format!(
        "\nCompiled code when everything is compiled: Dunlin's time, and the other's as a multiple of it; first with guard regions \
         behind memories, then with explicit checks:\n\n{}",
        table(&rows)
    )
}

fn long_table(programs: &[Program]) -> String {
    let head = ["workload", "dunlin-jit", "cranelift", "time", "CPU time", "peak of memory"]
        .map(str::to_owned)
        .to_vec();
    let mut rows = vec![head];
    let mut ratios = [const { Vec::new() }; 3];
    for program in programs {
        let mut row = vec![program.name.to_owned()];
        for engine in [OWN, OTHER] {
            let time = program.median(engine, WALL);
            row.push(time.map_or("failed".to_owned(), |time| format!("{:.0} ms", time as f64 / 1e6)));
        }
        for (quantity, ratios) in [WALL, CPU, PEAK].into_iter().zip(&mut ratios) {
            let ratio = program.ratio(OWN, OTHER, quantity);
            row.push(ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")));
            ratios.extend(ratio);
        }
        rows.push(row);
    }
    if rows.len() == 1 || ratios[0].is_empty() {
        return String::new();
    }
    let mut row = vec!["**geometric mean**".to_owned(), String::new(), String::new()];
    row.extend(ratios.iter().map(|ratios| format!("**{:.2}**", geometric_mean(ratios).unwrap_or(f64::NAN))));
    rows.push(row);
    format!(
        "\nWhole runs of processes whose guests compute for about a second: from start to end, and wasmtime's figures as multiples of \
         Dunlin's:\n\n{}",
        table(&rows)
    )
}

fn short_table(runs: &Runs) -> String {
    let mut rows = vec![
        ["engine", "CPU time", "over dunlin-jit's", "time", "peak of memory", "over dunlin-jit's"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (engine, _) in &runs.short.runs {
        let mut row = vec![(*engine).to_owned()];
        let median = |quantity| runs.short.median(engine, quantity).map(|value| value as f64);
        let ratio = |quantity| match runs.short.ratio(OWN, engine, quantity) {
            Some(ratio) => format!("{ratio:.2}"),
            None => String::new(),
        };
        match (median(CPU), median(WALL), median(PEAK)) {
            (Some(cpu), Some(wall), Some(peak)) => row.extend([
                format!("{:.1} ms", cpu / 1e6),
                ratio(CPU),
                format!("{:.1} ms", wall / 1e6),
                format!("{:.1} MiB", peak / 1024.0),
                ratio(PEAK),
            ]),
            _ => row.resize(6, "failed".to_owned()),
        }
        rows.push(row);
    }
    format!(
        "\nWhole runs of processes that load a module of {:.1} MB and compute for about 10 ms, if interpreted:\n\n{}",
        runs.short_size as f64 / 1e6,
        table(&rows)
    )
}

/// Runs that failed.
pub(crate) fn failures(runs: &Runs) -> Vec<String> {
    let failures = |program: &Program, what: &str| {
        let errors = program.runs.iter().filter_map(|(engine, runs)| Some((engine, runs.as_ref().err()?)));
        errors.map(|(engine, error)| format!("- {engine} on {what} of {}: {error}\n", program.name)).collect()
    };
    let mut all: Vec<String> =
        runs.long.iter().flat_map(|program| -> Vec<_> { failures(program, "the long run") }).collect();
    all.extend::<Vec<_>>(failures(&runs.short, "the short run"));
    all
}

/// For each pair of engines, time over time.
pub(crate) fn compiled_json(results: &Results) -> Value {
    let entry = |compared: &Compared| {
        let workloads: Map<String, Value> = results
            .workloads
            .iter()
            .zip(&compared.workloads)
            .map(|((workload, _), entry)| (workload.name.to_owned(), json!(entry.map(|(_, ratio)| ratio))))
            .collect();
        json!({
            "compared_with": compared.names.1,
            "workloads": workloads,
            "geomean": compared.mean(results, false),
            "geomean_simd": compared.mean(results, true),
        })
    };
    let all = compared(results);
    // The pair with another build's tier is named after that build, since the first pair has this tier's own name.
    let name = |own: &str, other: &str| if other == BEFORE { other.to_owned() } else { own.to_owned() };
    Value::Object(all.iter().map(|one| (name(one.names.0, one.names.1), entry(one))).collect())
}

/// Medians of what was measured, and of another engine's over Dunlin's.
pub(crate) fn runs_json(runs: &Runs) -> Value {
    let long = runs.long.iter().map(|program| (program.name.to_owned(), program_json(program)));
    let mean = |quantity: Quantity| {
        let ratios: Vec<f64> =
            runs.long.iter().filter_map(|program| program.ratio(OWN, OTHER, quantity)).collect();
        geometric_mean(&ratios)
    };
    json!({
        "long": long.collect::<Map<_, _>>(),
        "long_geomean": {"time": mean(WALL), "cpu": mean(CPU), "peak": mean(PEAK)},
        "short": program_json(&runs.short),
        "short_module_bytes": runs.short_size,
    })
}

fn program_json(program: &Program) -> Value {
    let entry = |name: &&'static str, runs: &Result<Vec<Run>, String>| match runs {
        Err(error) => json!({"error": error}),
        Ok(_) => json!({
            "time_ns": program.median(name, WALL),
            "cpu_ns": program.median(name, CPU),
            "peak_kib": program.median(name, PEAK),
            "over_dunlin_jit": {
                "time": program.ratio(OWN, name, WALL),
                "cpu": program.ratio(OWN, name, CPU),
                "peak": program.ratio(OWN, name, PEAK),
            },
        }),
    };
    Value::Object(program.runs.iter().map(|(name, runs)| ((*name).to_owned(), entry(name, runs))).collect())
}
