//! The values of options: texts into numbers, times, sizes and names.

use crate::failure::Failure;
use crate::host::files::split_once;
use std::ffi::OsStr;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A folder that the guest may use.
#[derive(Debug, PartialEq)]
pub(crate) struct Dir {
    /// Where it is.
    pub(crate) host: PathBuf,
    /// The guest's name for it.
    pub(crate) guest: String,
    /// Whether it may only be read.
    pub(crate) read_only: bool,
}

/// An option's value, as it is given on the command line.
#[derive(Clone, Copy)]
pub(super) struct Given<'g> {
    /// The option as it is spelled, for messages.
    pub(super) option: &'g str,
    pub(super) value: &'g OsStr,
}

impl<'g> Given<'g> {
    /// A text, which must be UTF-8.
    pub(super) fn text(&self) -> Result<&'g str, Failure> {
        self.value
            .to_str()
            .ok_or_else(|| Failure::usage(format_args!("the value of {} isn't valid UTF-8", self.option)))
    }

    pub(super) fn string(&self) -> Result<String, Failure> {
        self.text().map(str::to_owned)
    }

    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        Ok(self.value.into())
    }

    /// That the value is none of those that the option takes.
    pub(super) fn refusal(&self, takes: impl Display) -> Failure {
        let text = self.value.to_string_lossy();
        Failure::usage(format_args!("{} takes {takes}, not '{text}'", self.option))
    }

    /// A folder, for `--dir` and its like.
    pub(super) fn dir(&self, read_only: bool) -> Result<Dir, Failure> {
        let Self { option, value } = *self;
        let two = split_once(value, "::");
        let (host, guest) = two.unwrap_or((value, value));
        // WASI's names are text; the system's needn't be.
        let shown = value.to_string_lossy();
        let guest = guest.to_str().ok_or_else(|| {
            Failure::usage(format_args!(
                "{option} {shown}: the program's name for it isn't valid UTF-8; give it another with HOST::GUEST"
            ))
        })?;
        if host.is_empty() || guest.is_empty() {
            return Err(self.refusal("HOST or HOST::GUEST"));
        }
        if let (None, Some((host, guest))) = (two, shown.split_once(':'))
            && !Path::new(value).exists()
        {
            return Err(Failure::usage(format_args!(
                "{option} {shown}: there is no such folder; a name for the program takes two colons: {host}::{guest}"
            )));
        }
        Ok(Dir { host: host.into(), guest: guest.into(), read_only })
    }

    /// A variable and its value, which may be taken from our own environment.
    pub(super) fn variable(&self) -> Result<(String, String), Failure> {
        let Self { option, .. } = *self;
        let text = self.text()?;
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => match std::env::var(text) {
                Ok(value) => (text, value),
                Err(std::env::VarError::NotPresent) => {
                    return Err(Failure::usage(format_args!(
                        "{option} {text}: there is no such variable here; give it a value with {option} {text}=VALUE"
                    )));
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(Failure::usage(format_args!("{option} {text}: its value isn't valid UTF-8")));
                }
            },
        };
        if name.is_empty() || text.contains('\0') {
            return Err(Failure::usage(format_args!(
                "{option} takes NAME=VALUE or NAME, not '{}'",
                text.escape_debug()
            )));
        }
        Ok((name.to_owned(), value))
    }

    /// A whole number.
    pub(super) fn number(&self) -> Result<u64, Failure> {
        let number = self.text()?.replace('_', "").parse();
        number.map_err(|_| self.refusal(format_args!("a whole number from 0 to {}", u64::MAX)))
    }

    /// A span of time.
    pub(super) fn time(&self) -> Result<Duration, Failure> {
        let text = self.text()?;
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let seconds = match unit {
            "us" => Some(1e-6),
            "ms" => Some(1e-3),
            "" | "s" => Some(1.0),
            "m" | "min" => Some(60.0),
            "h" => Some(3600.0),
            _ => None,
        };
        // A plain number alone: what `f64` parses beyond that ("inf", "1e9") begins with or contains letters.
        let number = number.trim_end().parse::<f64>().ok();
        let time =
            seconds.zip(number).and_then(|(unit, number)| Duration::try_from_secs_f64(number * unit).ok());
        time.ok_or_else(|| self.refusal("a time such as 500ms, 2s or 1.5m"))
    }

    /// A number of bytes.
    pub(super) fn size(&self) -> Result<u64, Failure> {
        let text = self.text()?;
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let shift = match &*unit.to_ascii_lowercase() {
            "" | "b" => Some(0),
            "k" | "kib" => Some(10),
            "m" | "mib" => Some(20),
            "g" | "gib" => Some(30),
            _ => None,
        };
        let number = number.trim_end().replace('_', "").parse::<u64>().ok();
        let bytes = shift.zip(number).and_then(|(shift, number)| number.checked_mul(1 << shift));
        bytes.ok_or_else(|| self.refusal("a size such as 65536, 512KiB or 4MiB"))
    }
}

/// A number of bytes, from something else than an option: a variable.
#[cfg(feature = "hosts")]
pub(crate) fn size(variable: &str, value: &OsStr) -> Result<u64, Failure> {
    Given { option: variable, value }.size()
}

/// wasmtime's `y` and `n`; an option without a value is on.
pub(super) fn switch(option: &str, text: Option<&str>) -> Result<bool, Failure> {
    match text {
        None | Some("y" | "yes" | "true") => Ok(true),
        Some("n" | "no" | "false") => Ok(false),
        Some(text) => Err(Given { option, value: text.as_ref() }.refusal("y or n")),
    }
}

/// Sets an option that counts once: the last one.
pub(super) fn set<T>(field: &mut Option<T>, value: Result<T, Failure>) -> Result<(), Failure> {
    *field = Some(value?);
    Ok(())
}

/// Adds to an option that may be repeated.
pub(super) fn add<T>(list: &mut Vec<T>, value: Result<T, Failure>) -> Result<(), Failure> {
    list.push(value?);
    Ok(())
}
