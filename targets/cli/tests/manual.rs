//! `dunlin completions` and `dunlin man`, as shells and readers of manuals take them.
#![cfg(all(feature = "manual", feature = "jit", feature = "snapshot", feature = "text"))]

mod common;

use common::{command, dunlin, folder, skipped};
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a script by a shell, with a file that has the completions as `$1`; `None` if there is no such shell.
fn by_shell(shell: &str, args: &[&str], script: &str) -> Option<String> {
    let file = folder(&format!("completions_{shell}")).join("completions");
    std::fs::write(&file, dunlin(&["completions", shell]).code(0).out).unwrap();
    let run =
        Command::new(shell).args(args).arg("-c").arg(script.replace("$1", file.to_str().unwrap())).output();
    let Ok(output) = run else {
        skipped(&format!("there is no {shell}"));
        return None;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    Some(text)
}

/// What is offered for the last word of each line, sorted.
const OFFERED: &[(&str, &str)] = &[
    ("dunlin co", "compile completions"),
    ("dunlin completions ", "bash fish zsh"),
    ("dunlin run --jit-", "--jit-cache-full --jit-threshold"),
    ("dunlin run --fuel 3 --jit-t", "--jit-threshold"),
    ("dunlin run --jit ", "background eager off sync"),
    ("dunlin --memory-guard o", "off on"),
    ("dunlin compile --target a", "aarch64-linux"),
    ("dunlin run --deny e", "exit"),
    // The program's own options.
    ("dunlin run x.wasm --jit-t", ""),
    ("dunlin x.wasm --jit-t", ""),
];

#[test]
fn bash_completes() {
    for (line, expected) in OFFERED {
        let script = "source $1; IFS=' '; COMP_WORDS=(LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); \
             _dunlin 2>/dev/null; printf '%s\\n' \"${COMPREPLY[@]}\" | sort";
        // A space at the end begins another word.
        let words = if line.ends_with(' ') { format!("{line}''") } else { (*line).to_owned() };
        let Some(offered) = by_shell("bash", &["--norc"], &script.replace("LINE", &words)) else { return };
        assert_eq!(offered.split_whitespace().collect::<Vec<_>>().join(" "), *expected, "{line}");
    }
}

#[test]
fn fish_completes() {
    for (line, expected) in OFFERED {
        let script = format!("source $1; complete -C '{line}' | string replace -r '\\t.*' '' | sort");
        let Some(offered) = by_shell("fish", &["--no-config"], &script) else { return };
        // It offers files where a word may be one, too.
        let ours: Vec<_> = offered.split_whitespace().filter(|word| !word.contains('.')).collect();
        assert_eq!(ours.join(" "), *expected, "{line}");
    }
}

#[test]
fn zsh_understands_its_script() {
    // What it offers is seen in a terminal only.
    by_shell("zsh", &["-f", "-n"], ". $1");
    let Some(kept) =
        by_shell("zsh", &["-f"], "compdef() { print $* }; source $1; print $+functions[_dunlin]")
    else {
        return;
    };
    assert_eq!(kept, "_dunlin dunlin\n1\n");
}

#[test]
fn what_is_offered_is_taken() {
    // Each word that completions offer as a value is one that the option takes: no other message is about it.
    let script = dunlin(&["completions", "fish"]).code(0).out;
    let mut tried = 0;
    for line in script.lines().filter(|line| line.contains(" -x -a '") && !line.contains("directories")) {
        let part =
            |before: &str| line.split(before).nth(1).map(|rest| rest.split(['\'', ' ']).next().unwrap());
        let (Some(command), Some(option)) = (part("__dunlin_is "), part(" -l ")) else { continue };
        for value in line.split(" -x -a '").nth(1).unwrap().split('\'').next().unwrap().split(' ') {
            let ended = dunlin(&[command, &format!("--{option}"), value, "no-such-file"]);
            assert!(
                !ended.err.contains(" takes ") && !ended.err.contains("needs a value"),
                "{line}: {ended:#?}"
            );
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn there_is_no_other_shell() {
    dunlin(&["completions", "csh"]).code(2).one_sentence().says("bash, fish or zsh, not 'csh'");
    dunlin(&["completions"]).code(2).one_sentence().says("bash, fish or zsh, which is missing");
    dunlin(&["completions", "bash", "zsh"]).code(2).one_sentence().says("not 'zsh'");
    dunlin(&["man", "run"]).code(2).one_sentence().says("takes no 'run'");
}

#[test]
fn the_manual_is_a_page() {
    let page = dunlin(&["man"]).code(0).out;
    for words in [
        ".SH \"DUNLIN RUN\"",
        ".SH \"DUNLIN RESUME\"",
        ".B \\-\\-fuel N",
        ".B \\-o, \\-\\-output FILE",
        "dunlin \\- runs",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    // Each option of each help is in it.
    for name in ["run", "compile", "inspect", "validate", "wast", "completions", "man"] {
        let help = dunlin(&[name, "--help"]).code(0).out;
        for line in help.lines().filter(|line| line.starts_with("  -") && !line.starts_with("  - ")) {
            let form = line.trim().split("  ").next().unwrap().replace('-', "\\-");
            assert!(page.contains(&format!("\n.B {form}\n")), "{name}: {form}");
        }
    }
    let lint = |program: &str, args: &[&str]| {
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else { return skipped(&format!("there is no {program}")) };
        let mut stdin = child.stdin.take().unwrap();
        let text = page.clone();
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let said = [output.stderr, if program == "mandoc" { output.stdout } else { vec![] }].concat();
        assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    };
    lint("mandoc", &["-Tlint"]);
    lint("man", &["--warnings", "-l", "-"]);
    assert!(command(&["man"]).output().unwrap().stderr.is_empty());
}
