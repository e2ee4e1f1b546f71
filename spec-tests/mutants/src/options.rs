//! The command line.

use lexopt::prelude::*;

use crate::subjects::{SUBJECTS, Subject};

pub(crate) const HELP: &str = "\
Puts small faults into a crate, one at a time, and counts which its tests notice.

Usage: cargo run --release -p dunlin-mutants -- [OPTIONS] CRATE

CRATE is engine, jit, wasi-lite or cli.

Options:
  --sample N       how many faults are tried [default: 100]
  --seed N         which are chosen [default: the time; it is printed]
  --diff REVISION  only faults in lines that differ from this git revision
  --only N,N,...   only these of the sample, by number, such as those that an earlier run with this seed left
  --list           print all places for a fault and stop
  --unreached      print those of the sample that no test comes to, and try none; a sample may be all there are
  -h, --help       print this
";

pub(crate) struct Options {
    pub(crate) subject: &'static Subject,
    pub(crate) sample: usize,
    pub(crate) seed: u64,
    pub(crate) diff: Option<String>,
    pub(crate) only: Option<Vec<usize>>,
    pub(crate) list: bool,
    pub(crate) unreached: bool,
}

/// `None` if only help was asked for.
pub(crate) fn parse() -> Result<Option<Options>, String> {
    parse_from(lexopt::Parser::from_env()).map_err(|error| format!("{error}; --help lists the options"))
}

fn parse_from(mut parser: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    let mut subject = None;
    let mut sample = 100;
    let mut seed = None;
    let (mut diff, mut only) = (None, None);
    let (mut list, mut unreached) = (false, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Long("sample") => sample = parser.value()?.parse()?,
            Long("seed") => seed = Some(parser.value()?.parse()?),
            Long("diff") => diff = Some(parser.value()?.string()?),
            Long("only") => {
                let numbers = parser.value()?.string()?;
                only = Some(numbers.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| {
                    lexopt::Error::Custom(
                        format!("--only takes numbers with commas between, not {numbers:?}").into(),
                    )
                })?);
            }
            Long("list") => list = true,
            Long("unreached") => unreached = true,
            Short('h') | Long("help") => {
                return Ok(None);
            }
            Value(name) if subject.is_none() => {
                let name = name.string()?;
                let Some(found) = SUBJECTS.iter().find(|subject| subject.name == name) else {
                    return Err(format!("there is no crate {name:?}").into());
                };
                subject = Some(found);
            }
            _ => return Err(arg.unexpected()),
        }
    }
    let subject = subject.ok_or("name a crate")?;
    let seed = seed.unwrap_or_else(|| fastrand::u64(1..1_000_000));
    Ok(Some(Options { subject, sample, seed, diff, only, list, unreached }))
}
