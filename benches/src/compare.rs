//! The comparison: every workload in every engine, all engines interleaved, over several rounds.

use crate::options::CompareOptions;
use crate::results::Results;
use crate::scratch::Scratch;
use crate::{chart, large, measure, readme, report, runs};
use std::fs;
use std::path::PathBuf;

pub(crate) fn compare(options: &CompareOptions) -> Result<(), String> {
    let folder = Scratch::new()?;
    let mut results = Results {
        engines: options.engines.clone(),
        rounds: options.rounds,
        workloads: Vec::new(),
        large_size: 0,
        startup: Vec::new(),
        runs: None,
    };
    for (i, workload) in options.workloads.iter().enumerate() {
        eprintln!("{} ({} of {})", workload.name, i + 1, options.workloads.len());
        let path = folder.0.join(format!("{}.wasm", workload.name));
        fs::write(&path, workload.wasm).map_err(|error| error.to_string())?;
        let measured = measure::workload(options, workload, &path);
        for (engine, outcome) in options.engines.iter().zip(&measured) {
            if let Err(error) = outcome
                && !engine.loads_alone()
            {
                eprintln!("  {}: {error}", engine.name);
            }
        }
        results.workloads.push((workload, measured));
    }
    if options.startup {
        let wasm = match &options.large {
            Some(path) => {
                let wasm = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
                large::rewrite(&wasm, 1)?
            }
            None => large::synthetic(large::SIZE)?,
        };
        eprintln!("loading {} bytes", wasm.len());
        let path = folder.0.join("large.wasm");
        fs::write(&path, &wasm).map_err(|error| error.to_string())?;
        results.large_size = wasm.len();
        results.startup = measure::startup(options, &path);
    }
    if options.runs {
        results.runs = Some(runs::measure(options.rounds, &options.workloads, &options.engines, &folder.0)?);
    }
    print!("{}", report::text(&results));
    let write = |path: &Option<PathBuf>, contents: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, contents()).map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(()),
    };
    write(&options.json, &|| report::json(&results))?;
    write(&options.svg, &|| chart::draw(&results))?;
    match &options.readme {
        Some(path) => readme::replace(path, "<!-- results -->\n", &report::readme(&results)),
        None => Ok(()),
    }
}
