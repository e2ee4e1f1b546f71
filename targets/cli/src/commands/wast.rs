//! `dunlin wast`

use crate::args::WastOptions;
use crate::failure::{Failure, io_reason};
use crate::guest::tier::Tier;
use crate::output::json::{Json, object};
use crate::output::{Progress, Style, count, print, styled};
use dunlin::Config;
use dunlin_wast::{Counts, Report, Tally, find, run_file};
use std::io::stdout;

/// Runs scripts, and tells whether all passed.
pub(crate) fn wast(options: &WastOptions) -> Result<bool, Failure> {
    let &WastOptions { ref paths, json, ref features, ref tiering } = options;
    let mut scripts = Vec::new();
    for path in paths {
        let found = find(path)
            .map_err(|error| Failure::unusable(format_args!("{}: {}", path.display(), io_reason(&error))))?;
        scripts.extend(found);
    }
    let mut config = Config::new();
    config.shared_memory(true);
    features.configure(&mut config);
    Tier::configure(tiering, &mut config);
    let mut total = Report::default();
    let mut files = Vec::new();
    let progress = Progress::on_stderr();
    for (done, script) in scripts.iter().enumerate() {
        progress
            .show(|| format!("{done} of {}: {}", count(scripts.len() as u64, "script"), script.display()));
        let report = run_file(script, &config);
        progress.hide();
        if json {
            files.push(object([
                ("script", script.display().to_string().into()),
                ("assertions", tally(report.counts.assertions())),
                ("kinds", kinds(&report.counts)),
                ("failures", failures(&report)),
            ]));
        } else {
            let all @ Tally { total, refused, .. } = report.counts.assertions();
            let refused = if refused > 0 { format!(", {refused} refused") } else { String::new() };
            let passed = all.passed();
            let mut text =
                format!("{}: {passed} of {} passed{refused}\n", script.display(), count(total, "assertion"));
            report.failures.iter().for_each(|failure| text.push_str(&format!("  {failure}\n")));
            print(&text)?;
        }
        total.merge(report);
    }
    if json {
        let all = object([
            ("passed", total.passed().into()),
            ("assertions", tally(total.counts.assertions())),
            ("kinds", kinds(&total.counts)),
            ("scripts", Json::Array(files)),
        ]);
        print(&format!("{all}\n"))?;
    } else {
        let passed = total.passed();
        let end = match (passed, total.failures.iter().all(|failure| failure.refused)) {
            (true, _) => styled("all passed", Style::Green, stdout()),
            (_, true) => styled(
                "REFUSED: nothing failed, but some needs what this version of Dunlin doesn't have",
                Style::Yellow,
                stdout(),
            ),
            (_, false) => styled("FAILED", Style::Red, stdout()),
        };
        total.failures.clear();
        print(&format!("\n{total}{end}\n"))?;
        return Ok(passed);
    }
    Ok(total.passed())
}

fn tally(tally: Tally) -> Json {
    object([
        ("passed", tally.passed().into()),
        ("failed", tally.failed.into()),
        ("refused", tally.refused.into()),
    ])
}

fn kinds(counts: &Counts) -> Json {
    Json::Object(counts.iter().map(|(kind, counted)| (kind.name().into(), tally(counted))).collect())
}

fn failures(report: &Report) -> Json {
    let failures = report.failures.iter().map(|failure| {
        object([
            ("line", failure.line.into()),
            ("column", failure.column.into()),
            ("kind", failure.kind.name().into()),
            ("expected", failure.expected.clone().into()),
            ("got", failure.got.clone().into()),
            ("refused", failure.refused.into()),
        ])
    });
    failures.collect()
}
