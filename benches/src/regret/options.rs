//! The options of `regret`.

use super::programs::{FETCHED, Program, Set, programs};
use crate::options::{absolute, known};
use std::path::PathBuf;
use std::time::Duration;

pub(crate) const USAGE: &str = "usage: dunlin-benches regret [OPTIONS]

  --set real|own   programs that benches/fetch-programs.sh has fetched, or our own (own)
  --json FILE      writes the results as JSON
  --readme FILE    puts the tables between the file's <!-- regret real --> or <!-- regret own --> lines
  --rounds N       how often everything is measured; the median counts (9)
  --quick          three rounds, and less patience with compiling everything
  --only NAMES     these programs alone, separated by commas
  --processors N   one number of processors alone; usually that is 1, and then 2
  --command FILE   the command dunlin (the one beside this program)
  --programs DIR   where fetched programs are (target/programs)";

/// What the command line asks for.
pub(crate) struct RegretOptions {
    pub(crate) set: Set,
    pub(crate) json: Option<PathBuf>,
    pub(crate) readme: Option<PathBuf>,
    pub(crate) rounds: usize,
    /// How much CPU time a process may use that compiles everything.
    pub(crate) eager_limit: Duration,
    pub(crate) programs: Vec<Program>,
    pub(crate) processors: Vec<usize>,
    pub(crate) command: PathBuf,
    pub(crate) fetched: PathBuf,
}

impl RegretOptions {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<RegretOptions, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut options = RegretOptions {
            set: Set::Own,
            json: None,
            readme: None,
            rounds: 9,
            eager_limit: Duration::from_secs(10),
            programs: Vec::new(),
            processors: vec![1, 2],
            command: own.with_file_name("dunlin"),
            fetched: FETCHED.into(),
        };
        let mut only = None;
        while let Some(option) = arguments.next() {
            match option.as_str() {
                "--help" => return Err(USAGE.to_owned()),
                "--quick" => {
                    (options.rounds, options.eager_limit) = (3, Duration::from_secs(2));
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
                "--set" => options.set = Set::parse(&value)?,
                "--json" => options.json = Some(value.into()),
                "--readme" => options.readme = Some(value.into()),
                "--rounds" => options.rounds = number()?,
                "--only" => only = Some(value),
                "--processors" => options.processors = vec![number()?],
                "--command" => options.command = value.into(),
                "--programs" => options.fetched = value.into(),
                _ => return Err(format!("unknown option {option}\n\n{USAGE}")),
            }
        }
        // Programs run in other folders than this.
        options.command = absolute(&options.command, "build it with `cargo build --release`")?;
        if options.set == Set::Real {
            options.fetched = absolute(&options.fetched, "benches/fetch-programs.sh makes it")?;
        }
        options.programs = programs(options.set);
        if let Some(only) = only {
            let names: Vec<&str> = only.split(',').collect();
            known(&names, &options.programs.iter().map(|program| program.name).collect::<Vec<_>>())?;
            options.programs.retain(|program| names.contains(&program.name));
        }
        Ok(options)
    }
}

impl Set {
    fn parse(name: &str) -> Result<Set, String> {
        match name {
            "real" => Ok(Set::Real),
            "own" => Ok(Set::Own),
            "tiny" => Ok(Set::Tiny),
            _ => Err(format!("--set takes real or own, not {name}")),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Set::Real => "real",
            Set::Own => "own",
            Set::Tiny => "tiny",
        }
    }

    /// What stands around the tables in a README.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Set::Real => "<!-- regret real -->\n",
            Set::Own | Set::Tiny => "<!-- regret own -->\n",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<RegretOptions, String> {
        // Any file will do for the command.
        let command = format!("--command {}/Cargo.toml ", env!("CARGO_MANIFEST_DIR"));
        RegretOptions::parse((command + arguments).split_whitespace().map(str::to_owned))
    }

    fn refusal(arguments: &str) -> String {
        parse(arguments).err().unwrap_or_else(|| panic!("{arguments} is accepted"))
    }

    #[test]
    fn by_default_our_own_programs_run_on_one_processor_and_on_two() {
        let options = parse("").unwrap();
        assert_eq!((options.set, options.rounds, options.processors), (Set::Own, 9, vec![1, 2]));
        assert!(options.programs.iter().any(|program| program.name == "hello"));
        assert!(options.json.is_none() && options.readme.is_none());
    }

    #[test]
    fn every_option_is_understood() {
        let options = parse(
            "--quick --set real --json a.json --readme README.md --only resvg,cc1 --processors 2 --programs /",
        )
        .unwrap();
        assert_eq!((options.set, options.rounds, options.processors), (Set::Real, 3, vec![2]));
        assert_eq!(options.eager_limit, Duration::from_secs(2));
        assert_eq!(options.programs.iter().map(|program| program.name).collect::<Vec<_>>(), ["cc1", "resvg"]);
        assert_eq!((options.json, options.readme), (Some("a.json".into()), Some("README.md".into())));
        assert_eq!(options.fetched, PathBuf::from("/"));
        assert_eq!(parse("--quick --rounds 5").unwrap().rounds, 5);
    }

    #[test]
    fn anything_else_is_refused() {
        assert!(refusal("--rounds 0").contains("a number from 1 on"));
        assert!(refusal("--processors many").contains("a number from 1 on"));
        assert!(refusal("--set all").contains("real or own"));
        assert!(refusal("--only hello,quickjs").contains("quickjs is none of"));
        assert!(refusal("--json").contains("takes a value"));
        assert!(refusal("--fast yes").contains("unknown option --fast"));
        assert!(refusal("--help").starts_with("usage:"));
        assert!(refusal("--set real --programs /nowhere").contains("fetch-programs.sh"));
        assert!(refusal("--command /nowhere").contains("cargo build"));
    }
}
