//! The results as text and tables.

use crate::engines::Role;
use crate::machine;
use crate::results::{Results, mean, memory, ratio, running};
use crate::table::table;
use crate::tiers;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The tables, as the README has them.
pub(crate) fn tables(results: &Results) -> String {
    let mut text = workloads_table(results);
    if !results.startup.is_empty() {
        text.push_str(&startup_table(results));
    }
    text.push_str(&memory_table(results));
    text.push_str(&tiers::tables(results));
    let failures = failures(results);
    if !failures.is_empty() {
        let _ = write!(text, "\nFailures, which are left out of the means:\n\n{}", failures.concat());
    }
    text
}

fn workloads_table(results: &Results) -> String {
    let others: Vec<usize> = running(results).skip(1).collect();
    let mut head = vec!["workload".to_owned(), "dunlin".to_owned()];
    head.extend(others.iter().map(|&i| results.engines[i].name.to_owned()));
    let mut rows = vec![head];
    for (workload, measured) in &results.workloads {
        let own = measured[0]
            .as_ref()
            .map_or("failed".to_owned(), |own| format!("{:.1} ms", own.median_ns as f64 / 1e6));
        let mut row = vec![workload.name.to_owned(), own];
        row.extend(others.iter().map(|&i| match (&measured[i], ratio(measured, i)) {
            (Err(_), _) => "failed".to_owned(),
            (_, ratio) => ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
        }));
        rows.push(row);
    }
    for (name, simd_only) in [("**geometric mean**", false), ("**of the SIMD workloads**", true)] {
        let mut row = vec![name.to_owned(), String::new()];
        row.extend(others.iter().map(|&i| match mean(results, i, simd_only) {
            Some((mean, _)) => format!("**{mean:.2}**"),
            None => String::new(),
        }));
        rows.push(row);
    }
    let mut row = vec!["workloads in the mean".to_owned(), String::new()];
    row.extend(others.iter().map(|&i| mean(results, i, false).map_or(0, |(_, count)| count).to_string()));
    rows.push(row);
    table(&rows)
}

fn startup_table(results: &Results) -> String {
    let mut rows = vec![
        ["engine", "load to first call", "per byte", "over dunlin's", "engine's memory", "process's peak"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let own = results.startup[0].as_ref().ok().map(|startup| startup.total_ns as f64);
    let all = results.engines.iter().zip(&results.startup);
    for (engine, startup) in all.filter(|(engine, _)| engine.role != Role::CompiledOnly) {
        let mut row = vec![engine.name.to_owned()];
        match startup {
            Ok(startup) => row.extend([
                format!("{:.1} ms", startup.total_ns as f64 / 1e6),
                format!("{:.1} ns", startup.total_ns as f64 / results.large_size as f64),
                own.map_or(String::new(), |own| format!("{:.2}", startup.total_ns as f64 / own)),
                format!("{:.1} MiB", startup.engine_kib as f64 / 1024.0),
                format!("{:.1} MiB", startup.peak_kib as f64 / 1024.0),
            ]),
            Err(_) => row.resize(6, "failed".to_owned()),
        }
        rows.push(row);
    }
    let size = results.large_size as f64 / 1e6;
    format!("\nLoading a module of {size:.1} MB, CPU time and memory:\n\n{}", table(&rows))
}

fn memory_table(results: &Results) -> String {
    let mut rows = vec![["engine", "engine's memory", "process's peak"].map(str::to_owned).to_vec()];
    for i in (0..results.engines.len()).filter(|&i| !results.engines[i].loads_alone()) {
        if let Some((peak, engine)) = memory(results, i) {
            let name = results.engines[i].name.to_owned();
            rows.push(vec![name, format!("{engine} KiB"), format!("{peak} KiB")]);
        }
    }
    format!("\nPeak memory while a workload runs, median over the workloads:\n\n{}", table(&rows))
}

fn failures(results: &Results) -> Vec<String> {
    let running = results.workloads.iter().flat_map(|(workload, measured)| {
        (0..measured.len()).filter(|&i| !results.engines[i].loads_alone()).filter_map(move |i| {
            let error = measured[i].as_ref().err()?;
            Some(format!("- {} on {}: {error}\n", results.engines[i].name, workload.name))
        })
    });
    let loading = results.engines.iter().zip(&results.startup).filter_map(|(engine, startup)| {
        if engine.role == Role::CompiledOnly {
            return None;
        }
        Some(format!("- {} on the large module: {}\n", engine.name, startup.as_ref().err()?))
    });
    running.chain(loading).chain(results.runs.iter().flat_map(tiers::failures)).collect()
}

/// What goes to the terminal.
pub(crate) fn text(results: &Results) -> String {
    format!("{}\n\n{}\n{}", machine_line(results), RATIOS, tables(results))
}

const RATIOS: &str = "Dunlin's time in milliseconds; the others' as multiples of it, so that more than 1 means slower \
than Dunlin:\n";

fn machine_line(results: &Results) -> String {
    format!("{}. CPU time of the process, median of {} rounds.", machine::line(), results.rounds)
}

pub(crate) fn json(results: &Results) -> String {
    let mut versions = Map::new();
    for engine in &results.engines {
        versions.insert(engine.name.to_owned(), engine.version.into());
    }
    let engines = |entry: &dyn Fn(usize) -> Option<Value>| {
        let entries =
            (0..results.engines.len()).filter_map(|i| Some((results.engines[i].name.to_owned(), entry(i)?)));
        Value::Object(entries.collect())
    };
    let mut workloads = Map::new();
    for (workload, measured) in &results.workloads {
        let entry = |i: usize| match &measured[i] {
            _ if results.engines[i].loads_alone() => None,
            Ok(one) => Some(json!({"median_ns": one.median_ns, "checked": true})),
            Err(error) => Some(json!({"median_ns": null, "checked": false, "error": error})),
        };
        workloads.insert(workload.name.to_owned(), engines(&entry));
    }
    let startup = |i: usize| match results.startup.get(i)? {
        _ if results.engines[i].role == Role::CompiledOnly => None,
        Ok(one) => Some(json!({
            "load_ns": one.load_ns,
            "load_to_first_call_ns": one.total_ns,
            "ns_per_byte": one.total_ns as f64 / results.large_size as f64,
        })),
        Err(error) => Some(json!({"error": error})),
    };
    let memory = |i: usize| {
        let mut entry = Map::new();
        if let Some((peak, engine)) = memory(results, i) {
            entry.insert("workloads_peak_kib".to_owned(), peak.into());
            entry.insert("workloads_engine_kib".to_owned(), engine.into());
        }
        if let Some(Ok(one)) = results.startup.get(i) {
            entry.insert("large_module_peak_kib".to_owned(), one.peak_kib.into());
            entry.insert("large_module_engine_kib".to_owned(), one.engine_kib.into());
        }
        (!entry.is_empty()).then_some(Value::Object(entry))
    };
    let mut machine = machine::json();
    machine["rounds"] = results.rounds.into();
    machine["engines"] = versions.into();
    let all = json!({
        "machine": machine,
        "workloads": workloads,
        "geomean_vs_dunlin": engines(&|i| {
            running(results).skip(1).any(|other| other == i).then(|| mean(results, i, false)).flatten().map(|(mean, _)| mean.into())
        }),
        "startup": { "module_bytes": results.large_size, "engines": engines(&startup) },
        "memory": engines(&memory),
        "compiled": tiers::compiled_json(results),
        "runs": results.runs.as_ref().map(tiers::runs_json),
    });
    format!("{all:#}\n")
}

/// What the README has between its markers.
pub(crate) fn readme(results: &Results) -> String {
    let versions = results.engines.iter().filter(|engine| !engine.loads_alone());
    let versions: Vec<_> = versions.map(|engine| format!("{} {}", engine.name, engine.version)).collect();
    format!(
        "{}\n\nThe engines: {}.\n\n{RATIOS}\n{}",
        machine_line(results),
        versions.join(", "),
        tables(results)
    )
}
