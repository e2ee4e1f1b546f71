//! The options of `dunlin compile`.

use super::{Command, help_of, missing_module, next, one_module, text, unknown_option, value};
use crate::compile::CompileOptions;
use crate::failure::Failure;
use lexopt::{Arg, Parser};

pub(super) const OPTIONS: &[&str] =
    &["--output", "--target", "--cpu-features", "--memory-guard", "--branch-protection", "--fuel", "--help"];

pub(super) fn compile(mut parser: Parser) -> Result<Command, Failure> {
    let mut options = CompileOptions::default();
    let mut module = None;
    loop {
        match next(&mut parser, "dunlin compile")? {
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(help_of("compile")),
            Some(Arg::Short('o') | Arg::Long("output")) => {
                options.output = Some(value(&mut parser, "-o")?.into());
            }
            Some(Arg::Long("target")) => options.target = Some(text(&mut parser, "--target")?),
            Some(Arg::Long("cpu-features")) => {
                options.cpu_features = Some(text(&mut parser, "--cpu-features")?);
            }
            Some(Arg::Long("memory-guard")) => {
                options.memory_guard = match &*text(&mut parser, "--memory-guard")? {
                    "on" => true,
                    "off" => false,
                    other => {
                        return Err(Failure::usage(format_args!(
                            "--memory-guard takes on or off here, not '{other}'"
                        )));
                    }
                };
            }
            Some(Arg::Long("branch-protection")) => options.branch_protection = true,
            Some(Arg::Long("fuel")) => options.fuel = true,
            Some(Arg::Value(path)) if module.is_none() => module = Some(path),
            Some(Arg::Value(path)) => return Err(one_module("compile", &path)),
            Some(other) => return Err(unknown_option("compile", &other)),
            None => break,
        }
    }
    options.module = module.ok_or_else(|| missing_module("compile"))?;
    Ok(Command::Compile(options))
}
