//! What somebody may have meant.

use crate::failure::Failure;

/// What other engines call our options.
const ELSEWHERE: [(&str, &str); 9] = [
    ("--entry", "--invoke"),
    ("--entrypoint", "--invoke"),
    ("--func", "--invoke"),
    ("--function", "--invoke"),
    ("--mapdir", "--dir HOST::GUEST"),
    ("--map-dir", "--dir HOST::GUEST"),
    ("--preopen", "--dir"),
    ("--stack-size", "--max-stack"),
    ("--volume", "--dir HOST::GUEST"),
];

pub(super) fn unknown_option(command: &str, option: &str, known: &[&'static str]) -> Failure {
    let elsewhere = ELSEWHERE.iter().find(|(name, ours)| {
        *name == option && known.iter().any(|known| ours.split(' ').next() == Some(known))
    });
    let mut hint = match elsewhere {
        Some((_, ours)) => format!("; it is {ours} here"),
        None => did_you_mean(option, known.iter().copied()),
    };
    if hint.is_empty() && command == "run" {
        hint = "; options for the program go after the module".into();
    }
    Failure::usage(format_args!("unknown option '{option}'{hint}; see 'dunlin {command} --help'"))
}

pub(super) fn did_you_mean<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|name| (distance(given, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 2 && distance < name.trim_start_matches('-').len() => {
            format!("; did you mean '{name}'?")
        }
        _ => String::new(),
    }
}

/// How many insertions, removals and replacements of a character make `a` into `b`.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
