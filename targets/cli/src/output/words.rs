//! Words for numbers and names.

/// A name from a module, safe to show in a terminal.
pub(crate) fn shown(name: &str) -> String {
    if name.is_empty() { "\"\"".into() } else { name.escape_debug().to_string() }
}

/// `1 page`, `2 pages`
pub(crate) fn count(number: u64, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// A size, exactly if it is small.
#[cfg(any(feature = "hosts", feature = "inspect"))]
pub(crate) fn readable(bytes: u64) -> String {
    match bytes {
        0..1024 => count(bytes, "byte"),
        1024..0xa0_0000 => format!("{} KiB", bytes >> 10),
        0xa0_0000..0x2_8000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
