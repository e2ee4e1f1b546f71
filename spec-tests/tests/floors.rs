//! Folders and files of a crate are floors: code imports from its own floor and from those below, never from above.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder whose entries are floors.
struct House {
    folder: &'static str,
    /// From the lowest. Entries of one floor, separated by a space, may import each other.
    floors: &'static [&'static str],
    /// Fewer imports than this were found only if the test no longer finds them.
    least: usize,
}

const HOUSES: &[House] = &[
    House {
        folder: "engine/src",
        floors: &[
            "words",
            "sys",
            "memory",
            "value",
            "module",
            "stream",
            "ops",
            "translate",
            "runtime",
            "api",
        ],
        least: 400,
    },
    House {
        folder: "engine/src/memory",
        floors: &["kind limits box_or sort", "error", "alloc", "arena shared", "budget", "buf map pages"],
        least: 20,
    },
    House {
        folder: "engine/src/stream",
        floors: &[
            "cost framing window",
            "branch_hints name_section quick scan supported",
            "compact groups",
            "state",
            "missing",
            "code custom data imports sections types",
            "typing",
        ],
        least: 20,
    },
    House {
        folder: "engine/src/translate",
        floors: &[
            "error operand frames plain check",
            "scan",
            "regions",
            "translator",
            "stack variable",
            "fuel turns",
            "atomic branch call control debug enclosed exceptions memory memory64 numeric references relaxed rotate wide",
            "operators",
            "decode",
            "function",
            "admit",
        ],
        least: 30,
    },
    House {
        folder: "benches/src",
        floors: &[
            "workloads",
            "engines machine readme scratch statistics table usage",
            "large worker process",
            "runs",
            "results",
            "tiers",
            "report chart",
            "options",
            "measure",
            "compare",
            "regret",
            "curve",
            "bin",
        ],
        least: 80,
    },
    House {
        folder: "benches/src/regret",
        floors: &["process programs", "options results", "report"],
        least: 4,
    },
    House {
        folder: "targets/capi/src",
        floors: &[
            "host_info key own prototypes",
            "failure",
            "deadline pointers tier_choice",
            "boundary",
            "error vec",
            "budget types",
            "engine",
            "store",
            "object",
            "handles",
            "foreign frame numeric",
            "val",
            "call",
            "callback",
            "error_info exceptions externs func global instance interrupt memory module table vectors wasi",
            "linker tier",
        ],
        least: 150,
    },
    House {
        folder: "targets/cli/src",
        floors: &["failure", "host", "output", "args", "modules", "guest", "commands", "start"],
        least: 80,
    },
    House {
        folder: "targets/cli/src/args",
        floors: &[
            "hints outline values",
            "grants table tiering tracing",
            "draining environment features help limits moving policies recording registry served",
            "addr2line claims compile explore inspect lambda manual policy pull push replay resume run serve sign snapshot validate wasmtime wast",
        ],
        least: 20,
    },
    House {
        folder: "targets/debug/src",
        floors: &[
            "demangle error",
            "module",
            "dwarf",
            "backtrace frame names",
            "explore firefox_profile flame_graph",
        ],
        least: 5,
    },
    House {
        folder: "targets/debug/src/dwarf",
        floors: &["types work", "chain tables", "bounds", "unit", "lines", "functions", "search"],
        least: 6,
    },
    House {
        folder: "targets/hosts/src/actors",
        floors: &[
            "error keys messages",
            "section",
            "token",
            "older",
            "actor provider",
            "keyvalue messaging",
            "host",
            "http",
        ],
        least: 15,
    },
    House {
        folder: "targets/hosts/src/services/nats",
        floors: &["decoder error", "address", "connection", "client"],
        least: 6,
    },
    House {
        folder: "targets/hosts/src/atmo",
        floors: &[
            "cache crew database error fields problems request schedules task",
            "capabilities directive route sqlite",
            "names settings state",
            "calls steps",
            "plan runnable",
            "bundle sequence",
            "app",
        ],
        least: 20,
    },
    House { folder: "targets/hosts/src/wapc", floors: &["error host", "state", "calls", "guest"], least: 5 },
    House {
        folder: "targets/hosts/src/lambda",
        floors: &["failure stream", "event", "function", "runtime"],
        least: 6,
    },
    House {
        folder: "targets/hosts/src/oci",
        floors: &[
            "digest",
            "error",
            "manifest reference signature",
            "cache choose credentials",
            "archive auth",
            "api",
            "blob",
            "registries",
            "signatures",
            "pull push",
        ],
        least: 30,
    },
    House {
        folder: "targets/hosts/src",
        // The server is below the hosts that answer its requests.
        floors: &[
            "abi deadline prepared services yaml",
            "server",
            "atmo fastly lambda oci opa proxy_wasm wagi wapc",
            "actors answers proxy",
        ],
        least: 2,
    },
    House {
        folder: "targets/hosts/src/fastly",
        floors: &[
            "status",
            "fields local_server pipe table",
            "body kv",
            "sending",
            "services",
            "session",
            "calls",
            "app",
        ],
        least: 20,
    },
    House {
        folder: "targets/hosts/src/proxy",
        floors: &["options", "message", "calls", "worker", "passage"],
        least: 6,
    },
    House {
        folder: "targets/hosts/src/wagi",
        floors: &["route", "environment input output", "drain", "program", "site", "modules taken"],
        least: 15,
    },
    House {
        folder: "targets/hosts/src/wagi/drain",
        floors: &["id kept", "folder writing", "keeper", "fetch"],
        least: 8,
    },
    House {
        folder: "targets/hosts/src/server",
        floors: &[
            "failure lanes served stream",
            "pool",
            "limits metrics",
            "exchange receive",
            "interruptible",
            "answer handler",
            "connection request",
            "run",
        ],
        least: 20,
    },
    House {
        folder: "targets/hosts/src/opa",
        floors: &["error guest jose options", "builtins", "bundle instance", "policy", "evaluator", "rest"],
        least: 12,
    },
    House {
        folder: "wasi-lite/src",
        floors: &[
            "errno",
            "abi paid",
            "host",
            "guest",
            "fds trace",
            "ctx",
            "moved",
            "calls",
            "functions",
            "capability linker",
            "p1",
        ],
        least: 60,
    },
    House {
        folder: "wasi-lite/src/host",
        floors: &[
            "numbers random system times",
            "clocks errors interrupt later stat",
            "ready replay streams",
            "escapes file socket",
            "dir opening stdio",
            "names open paths",
            "named set_times",
        ],
        least: 20,
    },
    House {
        folder: "jit/src",
        floors: &[
            "charged_vec options stats unavailable",
            "code",
            "runtime unsupported",
            "compiler",
            "jobs",
            // A tier opens files that were compiled ahead of time, and their code is attached to one.
            "aot tier",
        ],
        least: 100,
    },
    House {
        folder: "jit/src/code",
        floors: &["map_error piece traps", "offset_map", "handlers", "map", "map_bytes"],
        least: 8,
    },
    House {
        folder: "jit/src/runtime",
        floors: &[
            "sys",
            "arch",
            "chunk registry",
            "stack",
            "activation",
            "frames",
            "host_stack temporary_stack",
            "perf_map",
            "call publish",
            "throw",
            "faults",
            "available",
        ],
        least: 30,
    },
    House {
        folder: "jit/src/jobs",
        floors: &["policy", "pace job stack isas round", "queue", "worker"],
        least: 8,
    },
    House {
        folder: "jit/src/aot",
        floors: &["bytes cpu format mismatch", "settings", "read", "attach write", "listing"],
        least: 10,
    },
    House {
        folder: "jit/src/compiler",
        floors: &[
            "decline options census",
            "scratch",
            "clif",
            "operators",
            "translate adapters",
            "passes",
            "codegen",
        ],
        least: 60,
    },
];

impl House {
    fn floor(&self, entry: &str) -> Option<usize> {
        self.floors.iter().position(|floor| floor.split(' ').any(|name| name == entry))
    }
}

/// The code of a file: without comments, and without its tests, which may use everything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\nmod tests {").next().unwrap();
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = path.file_stem().unwrap().to_str().unwrap().ends_with("tests");
        if path.is_dir() && !is_test {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The modules that lead to a file: `["exec", "slow"]`.
fn module(path: &Path) -> Vec<String> {
    let path = path.with_extension("");
    let mut parts: Vec<String> = path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    // There a module is once more, for that system, under the same name.
    parts.retain(|part| part != "windows");
    parts
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The paths behind a prefix that ends in `::`, whole or up to a list in braces, each name of which is one.
fn paths(rest: &str) -> Vec<Vec<&str>> {
    let mut path = Vec::new();
    let mut rest = rest;
    loop {
        if let Some(list) = rest.strip_prefix('{') {
            return outermost(list).into_iter().map(|name| [path.clone(), vec![name]].concat()).collect();
        }
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        path.push(&rest[..end]);
        match rest[end..].strip_prefix("::") {
            Some(more) => rest = more,
            None => return vec![path],
        }
    }
}

/// The first words of a list's elements, up to the brace that ends it.
fn outermost(list: &str) -> Vec<&str> {
    let (mut depth, mut names, mut fresh) = (0, Vec::new(), true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && is_word(c) => {
                names.push(&list[at..at + list[at..].find(|c| !is_word(c)).unwrap()]);
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// The module in the file itself, `mod name {` to `}`, that a place is in.
fn inline_module(code: &str, at: usize) -> Option<String> {
    let outermost = |line: &&str| !line.starts_with(' ') && !line.is_empty();
    let ends_or_begins = |line: &str| *line == *"}" || line.contains("mod ") && line.ends_with('{');
    let line = code[..at].lines().rev().filter(outermost).find(|line| ends_or_begins(line))?;
    let (_, name) = line.strip_suffix(" {")?.rsplit_once("mod ")?;
    Some(name.to_owned())
}

/// Everything that a file names by `crate::` or `super::`, as paths from the crate's root.
fn imports(code: &str, module: &[String]) -> Vec<Vec<String>> {
    let own = |path: Vec<&str>, from: &[String]| {
        from.iter().cloned().chain(path.into_iter().map(str::to_owned)).collect::<Vec<_>>()
    };
    let mut all = Vec::new();
    // What an exported macro names is reached from outside of the crate, by whoever uses the macro.
    let exports_macros = code.contains("#[macro_export]");
    for (at, _) in code.match_indices("crate::") {
        if exports_macros && code[..at].ends_with('$') {
            continue;
        }
        all.extend(paths(&code[at + "crate::".len()..]).into_iter().map(|path| own(path, &[])));
    }
    for (at, _) in code.match_indices("super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let mut rest = &code[at..];
        let module: Vec<_> = module.iter().cloned().chain(inline_module(code, at)).collect();
        let mut from = &module[..];
        while let Some(more) = rest.strip_prefix("super::") {
            rest = more;
            from = &from[..from.len().saturating_sub(1)];
        }
        all.extend(paths(rest).into_iter().map(|path| own(path, from)));
    }
    all
}

/// What the house's own file (`lib.rs`, `mod.rs`) names for others, and the entry that it comes from.
fn named_at_the_door(code: &str, house: &House) -> HashMap<String, usize> {
    let mut named = HashMap::new();
    for (at, _) in code.match_indices("use ") {
        let line = code[at + "use ".len()..].split(';').next().unwrap();
        let line = line.strip_prefix("self::").unwrap_or(line);
        let Some(floor) = house.floor(line.split("::").next().unwrap()) else { continue };
        let last = line.rsplit_once("::").map_or(line, |(_, last)| last);
        for name in last.trim_matches(['{', '}', '\n', ' ']).split(',') {
            let name = name.rsplit(" as ").next().unwrap().trim();
            named.insert(name.to_owned(), floor);
        }
    }
    named
}

#[test]
fn nothing_is_imported_from_above() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for house in HOUSES {
        let folder = workspace.join(house.folder);
        let src = folder.ancestors().find(|folder| folder.ends_with("src")).unwrap();
        let root = module(folder.strip_prefix(src).unwrap());
        let door = ["lib.rs", "mod.rs"].map(|name| folder.join(name));
        let door = door.iter().find(|door| door.exists()).cloned().unwrap_or(folder.with_extension("rs"));
        let named = named_at_the_door(&code(&door), house);
        let mut files = Vec::new();
        sources(&folder, &mut files);
        let (mut wrong, mut found) = (Vec::new(), 0);
        for path in files {
            let file = path.strip_prefix(src).unwrap();
            let module = module(file);
            let Some(entry) = module.get(root.len()) else { continue };
            let here = house.floor(entry).unwrap_or_else(|| panic!("{} is on no floor", path.display()));
            for import in imports(&code(&path), &module) {
                let Some(name) = import.strip_prefix(root.as_slice()).and_then(|rest| rest.first()) else {
                    continue;
                };
                let from = house.floor(name).or_else(|| named.get(name).copied());
                // What the house's own file defines is above all floors.
                let from = from.unwrap_or(house.floors.len());
                found += 1;
                if from > here {
                    wrong.push(format!("{} imports {}", file.display(), import.join("::")));
                }
            }
        }
        assert!(found >= house.least, "{}: only {found} imports were found", house.folder);
        assert!(wrong.is_empty(), "{}: imports from above:\n{}", house.folder, wrong.join("\n"));
    }
}

/// Where a crate may name an operating system or what only some have: folders, and files with a reason of their own.
const DOORS: [(&str, &[&str]); 4] = [
    // An interrupt waiter is a file descriptor where there are such, and only the file of a type can say so.
    ("engine/src", &["sys", "api/interrupt.rs"]),
    // The registers in a signal's context differ by processor. The others say on which machines there is a tier.
    ("jit/src", &["runtime/sys", "runtime/arch", "lib.rs", "code/mod.rs", "aot/write.rs"]),
    ("wasi-lite/src", &["host"]),
    // The system calls C's `main`, with its own texts.
    ("targets/cli/src", &["host", "main.rs", "start.rs"]),
];

/// What names an operating system, and the libraries that ask it.
const SYSTEM: &[&str] = &[
    "libc::",
    "std::os::",
    "(unix",
    "(windows",
    "target_os",
    "memmap2::",
    "region::",
    "rustix::",
    "nix::",
    "signal_hook::",
    "ctrlc::",
    "winapi_util::",
    "cap_std::",
    "cap_fs_ext::",
    "getrandom::",
];

#[test]
fn the_operating_system_is_behind_one_door() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (folder, doors) in DOORS {
        let src = workspace.join(folder);
        let mut files = Vec::new();
        sources(&src, &mut files);
        let (behind, before): (Vec<_>, Vec<_>) =
            files.iter().partition(|path| doors.iter().any(|door| path.starts_with(src.join(door))));
        let names_it = |path: &&&PathBuf| SYSTEM.iter().any(|name| code(path).contains(name));
        assert!(behind.iter().filter(names_it).count() >= doors.len(), "{folder}: what is behind the doors?");
        let wrong: Vec<_> = before.iter().filter(names_it).collect();
        assert!(wrong.is_empty(), "{folder}: the operating system is named in {wrong:?}");
    }
}
