//! The values of options: texts into numbers, times, sizes and names.

use crate::failure::Failure;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
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

impl Dir {
    pub(super) fn new(option: &str, value: &OsStr, read_only: bool) -> Result<Self, Failure> {
        let bytes = value.as_bytes();
        let separator = bytes.windows(2).position(|two| two == b"::");
        let (host, guest) = separator.map_or((bytes, bytes), |at| (&bytes[..at], &bytes[at + 2..]));
        // WASI's names are text; the system's needn't be.
        let shown = value.to_string_lossy();
        let guest = str::from_utf8(guest).map_err(|_| {
            Failure::usage(format_args!(
                "{option} {shown}: the program's name for it isn't valid UTF-8; give it another with HOST::GUEST"
            ))
        })?;
        if host.is_empty() || guest.is_empty() {
            return Err(Failure::usage(format_args!("{option} takes HOST or HOST::GUEST, not '{shown}'")));
        }
        if let (None, Some((host, guest))) = (separator, shown.split_once(':'))
            && !Path::new(value).exists()
        {
            return Err(Failure::usage(format_args!(
                "{option} {shown}: there is no such folder; a name for the program takes two colons: {host}::{guest}"
            )));
        }
        Ok(Self { host: OsStr::from_bytes(host).into(), guest: guest.into(), read_only })
    }
}

pub(super) fn env(option: &str, text: &str) -> Result<(String, String), Failure> {
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

/// wasmtime's `y` and `n`; an option without a value is on.
pub(super) fn switch(option: &str, text: Option<&str>) -> Result<bool, Failure> {
    match text {
        None | Some("y" | "yes" | "true") => Ok(true),
        Some("n" | "no" | "false") => Ok(false),
        Some(text) => Err(Failure::usage(format_args!("{option} takes y or n, not '{text}'"))),
    }
}

pub(super) fn fuel(option: &str, text: &str) -> Result<u64, Failure> {
    text.replace('_', "").parse().map_err(|_| {
        Failure::usage(format_args!("{option} takes a whole number from 0 to {}, not '{text}'", u64::MAX))
    })
}

pub(super) fn duration(option: &str, text: &str) -> Result<Duration, Failure> {
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
    seconds.zip(number).and_then(|(unit, number)| Duration::try_from_secs_f64(number * unit).ok()).ok_or_else(
        || Failure::usage(format_args!("{option} takes a time such as 500ms, 2s or 1.5m, not '{text}'")),
    )
}

pub(super) fn size(option: &str, text: &str) -> Result<usize, Failure> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let shift = match &*unit.to_ascii_lowercase() {
        "" | "b" => Some(0),
        "k" | "kib" => Some(10),
        "m" | "mib" => Some(20),
        "g" | "gib" => Some(30),
        _ => None,
    };
    let number = number.trim_end().replace('_', "").parse::<usize>().ok();
    shift.zip(number).and_then(|(shift, number)| number.checked_mul(1 << shift)).ok_or_else(|| {
        Failure::usage(format_args!("{option} takes a size such as 65536, 512KiB or 4MiB, not '{text}'"))
    })
}
