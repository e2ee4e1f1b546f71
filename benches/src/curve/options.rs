//! The options of `curve`.

use super::{POWERS, WORKLOAD};
use crate::options::{absolute, known};
use crate::runs::in_proportion;
use dunlin_benches::workloads::{WORKLOADS, Workload};
use std::path::PathBuf;

pub(crate) const USAGE: &str = "usage: dunlin-benches curve [OPTIONS]

  --json FILE      writes the results as JSON
  --svg FILE       draws them
  --readme FILE    puts the table between the file's <!-- curve --> lines
  --rounds N       how often everything is measured; the median counts (5)
  --quick          three rounds, and runs of no more than a second
  --workload NAME  another workload that does more with a larger argument (mix)
  --processors N   on how many processors (2)
  --command FILE   the command dunlin (the one beside this program)

Engines other than Dunlin need the feature `peers`.";

/// What the command line asks for.
pub(crate) struct CurveOptions {
    pub(crate) json: Option<PathBuf>,
    pub(crate) svg: Option<PathBuf>,
    pub(crate) readme: Option<PathBuf>,
    pub(crate) workload: &'static Workload,
    pub(crate) rounds: usize,
    /// How many powers of ten lie between the shortest and the longest run.
    pub(crate) powers: i32,
    pub(crate) processors: usize,
    pub(crate) command: PathBuf,
}

impl CurveOptions {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<CurveOptions, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut options = CurveOptions {
            json: None,
            svg: None,
            readme: None,
            workload: workload(WORKLOAD)?,
            rounds: 5,
            powers: POWERS,
            processors: 2,
            command: own.with_file_name("dunlin"),
        };
        while let Some(option) = arguments.next() {
            match option.as_str() {
                "--help" => return Err(USAGE.to_owned()),
                "--quick" => {
                    (options.rounds, options.powers) = (3, POWERS - 1);
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| format!("{option} takes a value\n\n{USAGE}"))?;
            let number = || match value.parse() {
                Ok(number @ 1..) => Ok(number),
                _ => Err(format!("{option} takes a number from 1 on, not {value}")),
            };
            match option.as_str() {
                "--json" => options.json = Some(value.into()),
                "--svg" => options.svg = Some(value.into()),
                "--readme" => options.readme = Some(value.into()),
                "--workload" => options.workload = workload(&value)?,
                "--rounds" => options.rounds = number()?,
                "--processors" => options.processors = number()?,
                "--command" => options.command = value.into(),
                _ => return Err(format!("unknown option {option}\n\n{USAGE}")),
            }
        }
        options.command = absolute(&options.command, "build it with `cargo build --release`")?;
        Ok(options)
    }
}

fn workload(name: &str) -> Result<&'static Workload, String> {
    let mut all: Vec<&Workload> = WORKLOADS.iter().filter(|workload| in_proportion(workload)).collect();
    known(&[name], &all.iter().map(|workload| workload.name).collect::<Vec<_>>())?;
    all.retain(|workload| workload.name == name);
    Ok(all[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<CurveOptions, String> {
        // Any file will do for the command.
        let command = format!("--command {}/Cargo.toml ", env!("CARGO_MANIFEST_DIR"));
        CurveOptions::parse((command + arguments).split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_understood() {
        let options = parse("--quick --json a.json --svg a.svg --readme README.md --processors 1").unwrap();
        assert_eq!((options.rounds, options.powers, options.processors), (3, 3, 1));
        assert_eq!((options.json, options.svg), (Some("a.json".into()), Some("a.svg".into())));
        assert_eq!(options.readme, Some("README.md".into()));
        assert_eq!(options.workload.name, "mix");
        let options = parse("--rounds 7 --workload format").unwrap();
        assert_eq!(options.workload.name, "format");
        assert_eq!((options.rounds, options.powers, options.processors), (7, 4, 2));
    }

    #[test]
    fn anything_else_is_refused() {
        let refusal =
            |arguments: &str| parse(arguments).err().unwrap_or_else(|| panic!("{arguments} is accepted"));
        assert!(refusal("--rounds none").contains("a number from 1 on"));
        assert!(refusal("--svg").contains("takes a value"));
        // With a larger argument it does something else.
        assert!(refusal("--workload sort").contains("sort is none of mix"));
        assert!(refusal("--only script").contains("unknown option --only"));
        assert!(refusal("--help").starts_with("usage:"));
        assert!(refusal("--command /nowhere").contains("cargo build"));
    }
}
