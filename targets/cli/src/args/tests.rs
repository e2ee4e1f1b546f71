use super::features::Features;
use super::help::{describe, of_this_build};
use super::hints::{did_you_mean, distance};
use super::limits::WorkLimits;
use super::table::Opt;
use super::values::{Given, switch};
use super::*;
use dunlin::Feature;
use std::time::Duration;

fn parsed(line: &str) -> Result<Command, Failure> {
    let args: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
    parse(args)
}

fn run_options(line: &str) -> RunOptions {
    match parsed(line) {
        Ok(Command::Run(options)) => *options,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    let failure = parsed(line).unwrap_err();
    assert_eq!(failure.code, 2, "{line}");
    failure.message
}

#[test]
fn everything_after_the_module_is_the_guests() {
    let options = run_options("run --fuel 5 m.wasm --fuel 6 -- -W x --help -");
    assert_eq!(options.limits.fuel, Some(5));
    assert_eq!(options.args, ["--fuel", "6", "--", "-W", "x", "--help", "-"]);
    assert_eq!(run_options("run - -x").module, "-");
    assert_eq!(run_options("run -- -odd.wasm -x").args, ["-x"]);
}

#[test]
fn a_module_alone_is_run() {
    assert_eq!(run_options("app.wasm --fuel 6").args, ["--fuel", "6"]);
    assert_eq!(run_options("--fuel 5 -Wtimeout=1s - x").limits.fuel, Some(5));
    assert_eq!(run_options("-- validate").module, "validate");
    for line in ["a.wat", "folder/b.dun", "-"] {
        assert_eq!(run_options(line).module, line);
    }
    assert!(refusal("--fuel 3 validate").contains("--fuel goes after 'validate'"));
}

#[test]
fn options_have_the_forms_that_the_help_promises() {
    let options = run_options(
        "run --dir /a::/b --dir-ro=c --env A=b=c --env E= --timeout 1.5m --max-stack 2MiB --invoke f \
         --unknown-imports trap --report r.json --profile p.folded m.wat",
    );
    let expected = RunOptions {
        module: "m.wat".into(),
        invoke: Some("f".into()),
        dirs: vec![
            Dir { host: "/a".into(), guest: "/b".into(), read_only: false },
            Dir { host: "c".into(), guest: "c".into(), read_only: true },
        ],
        env: vec![("A".into(), "b=c".into()), ("E".into(), String::new())],
        limits: WorkLimits { timeout: Some(Duration::from_secs(90)), ..WorkLimits::default() },
        max_stack: Some(2 << 20),
        trap_unknown_imports: true,
        report: Some("r.json".into()),
        profile: Some("p.folded".into()),
        ..RunOptions::default()
    };
    assert_eq!(options, expected);
    let listening = run_options("run --tcplisten a:1 -Stcplisten=b:2,tcplisten=c:3 --filter-escapes m");
    assert_eq!((listening.tcplisten.join(" "), listening.filter_escapes), ("a:1 b:2 c:3".into(), true));
    let renamed = run_options("run --argv0 n -S inherit-env -W max-memory-size=64KiB m");
    let expected = (Some("n".into()), true, Some(65536));
    assert_eq!((renamed.argv0, renamed.inherit_env, renamed.max_memory_size), expected);
    assert!(!run_options("run -S inherit-env=n m").inherit_env);
    assert_eq!(run_options("run --start serve m").start.as_deref(), Some("serve"));
    assert!(refusal("run --start serve --invoke f m").contains("give one of them"));
    let wasmtime = run_options("run -W fuel=1_000,timeout=500ms -Wmax-wasm-stack=4096 m");
    let same = run_options("run --fuel 1000 --timeout 0.5 --max-stack 4096 m");
    assert_eq!(wasmtime, same);
    let features = run_options("run -W custom-page-sizes,memory64=n,fuel=5 -W simd=y m");
    let expected = [(Feature::CustomPageSizes, true), (Feature::Memory64, false), (Feature::Simd, true)];
    assert_eq!((features.features.switched.as_slice(), features.limits.fuel), (&expected[..], Some(5)));
    let Features { switched, shared_memory, relaxed_simd_deterministic } =
        run_options("run -W relaxed-simd-deterministic=n,shared-memory m").features;
    assert_eq!((switched, shared_memory, relaxed_simd_deterministic), (vec![], Some(true), Some(false)));
    assert!(refusal("compile -W fuel=5 m").contains("features such as"));
    assert!(refusal("run -W memory64=5 m").contains("y or n"));
}

#[test]
fn times_and_sizes() {
    fn given(value: &str) -> Given<'_> {
        Given { option: "o", value: value.as_ref() }
    }
    for (text, millis) in [
        ("500ms", 500),
        ("2s", 2000),
        ("2", 2000),
        ("2 s", 2000),
        ("0.25s", 250),
        ("3m", 180_000),
        ("2min", 120_000),
        ("1h", 3_600_000),
        ("0", 0),
    ] {
        assert_eq!(given(text).time().unwrap(), Duration::from_millis(millis), "{text}");
    }
    assert_eq!(given("250us").time().unwrap(), Duration::from_micros(250));
    for text in ["", "s", "-1s", "1e3", "inf", "nan", "1d", "1 2s", "999999999999999999999h"] {
        assert!(given(text).time().is_err(), "{text}");
    }
    for (text, bytes) in [
        ("0", 0),
        ("65536", 65536),
        ("65_536b", 65536),
        ("64k", 65536),
        ("64KiB", 65536),
        ("3 m", 3 << 20),
        ("2mib", 2 << 20),
        ("1G", 1 << 30),
        ("2GiB", 2 << 30),
    ] {
        assert_eq!(given(text).size().unwrap(), bytes, "{text}");
    }
    for text in ["", "MiB", "1.5MiB", "-1", "1KB", "99999999999GiB", "18446744073709551615K"] {
        assert!(given(text).size().is_err(), "{text}");
    }
}

#[test]
fn switches() {
    for (text, on) in
        [("y", true), ("yes", true), ("true", true), ("n", false), ("no", false), ("false", false)]
    {
        assert_eq!(switch("s", Some(text)), Ok(on), "{text}");
    }
    assert_eq!(switch("s", None), Ok(true));
    assert_eq!(switch("s", Some("on")).unwrap_err().message, "s takes y or n, not 'on'");
}

#[test]
fn budgets_are_sizes() {
    let Ok(Command::Run(options)) = parsed("run --memory-budget 8MiB m") else { panic!() };
    assert_eq!(options.limits.memory_budget, Some(8 << 20));
    assert!(refusal("run --memory-budget much m").contains("--memory-budget takes a size"));
    assert!(matches!(
        parsed("inspect --budget m"),
        Ok(Command::Inspect(InspectOptions { budget: true, json: false, .. }))
    ));
}

#[test]
fn refusals_help() {
    assert!(refusal("run --feul 3 m").contains("did you mean '--fuel'?"));
    assert!(refusal("run -i 12 m").contains("options for the program go after the module"));
    assert!(refusal("rnu m").contains("did you mean 'run'?"));
    assert!(refusal("run --func f m").contains("it is --invoke here"));
    assert!(refusal("run --mapdir /a:b m").contains("it is --dir HOST::GUEST here"));
    assert!(refusal("run --dir no/such:/x m").contains("two colons: no/such::/x"));
    assert!(refusal("--feul 3 m").contains("unknown option '--feul'"));
    assert!(refusal("--fuel 3 run m").contains("goes after 'run'"));
    assert!(refusal("run --fuel").contains("needs a value"));
    assert!(refusal("run --fuel -3 m").contains("whole number"));
    assert!(refusal("run").contains("a module is missing"));
    assert!(refusal("inspect --json=yes m").contains("takes no value"));
    assert!(refusal("inspect a b").contains("one module too many"));
    assert!(refusal("run -W gc=y m").contains("'gc=y'"));
    assert!(refusal("run --unknown-imports ignore m").contains("'trap'"));
    assert!(refusal("run -S http m").contains("'http'"));
    assert!(refusal("run --deny clock,sing m").contains("'sing'"));
    assert!(refusal("run --dir ::/x m").contains("HOST::GUEST"));
    assert!(refusal("run --env DUNLIN_TEST_NOT_SET m").contains("no such variable"));
    assert!(refusal("").contains("a command or a module is missing"));
    assert!(refusal("wast --json").contains("a script or a folder is missing"));
}

#[test]
fn hints_are_near() {
    for (a, b, steps) in [
        ("", "", 0),
        ("", "ab", 2),
        ("abc", "", 3),
        ("fuel", "fuel", 0),
        ("feul", "fuel", 2),
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
        ("ab", "ba", 2),
        ("ü", "u", 1),
    ] {
        assert_eq!((distance(a, b), distance(b, a)), (steps, steps), "{a} {b}");
    }
    let known = ["--fuel", "--jit", "-W", "run"];
    for (given, hint) in [
        ("--feul", "; did you mean '--fuel'?"),
        ("--fxxl", "; did you mean '--fuel'?"),
        ("--fxxx", ""),
        // As many steps as it is long would make anything of it.
        ("-X", ""),
        ("--git", "; did you mean '--jit'?"),
        ("--gut", "; did you mean '--jit'?"),
        ("--gu", ""),
        ("rum", "; did you mean 'run'?"),
    ] {
        assert_eq!(did_you_mean(given, known.into_iter()), hint, "{given}");
    }
    assert_eq!(did_you_mean("run", [].into_iter()), "");
    for (line, message) in [
        (
            "run --fff 3 m",
            "unknown option '--fff'; options for the program go after the module; see 'dunlin run --help'",
        ),
        ("validate --fff m", "unknown option '--fff'; see 'dunlin validate --help'"),
        ("run --entry f m", "unknown option '--entry'; it is --invoke here; see 'dunlin run --help'"),
        (
            "run --volume a m",
            "unknown option '--volume'; it is --dir HOST::GUEST here; see 'dunlin run --help'",
        ),
        ("inspect --entry f m", "unknown option '--entry'; see 'dunlin inspect --help'"),
    ] {
        assert_eq!(refusal(line), message);
    }
}

#[test]
fn descriptions_stand_in_a_column() {
    let described = |form, help| {
        let mut text = String::new();
        describe(&mut text, form, help);
        text
    };
    let column = " ".repeat(26);
    assert_eq!(described("--fuel N", "Stop it."), "  --fuel N                Stop it.\n");
    // As wide as there is room for, and wider.
    let form = "-".repeat(22);
    assert_eq!(described(&form, "It."), format!("  {form}  It.\n"));
    let form = "-".repeat(23);
    assert_eq!(described(&form, "It."), format!("  {form}\n{column}It.\n"));
    // Lines have 80 characters, 54 of them here.
    let fits = format!("{} {}", "a".repeat(26), "b".repeat(27));
    assert_eq!(described(&form, &fits), format!("  {form}\n{column}{fits}\n"));
    let (one, other) = ("a".repeat(26), "b".repeat(28));
    let wraps = format!("{one} {other} c");
    assert_eq!(described(&form, &wraps), format!("  {form}\n{column}{one}\n{column}{other} c\n"));
}

#[test]
fn an_option_is_declared_once() {
    fn check<O: CommandOptions>() {
        let mut names: Vec<_> =
            O::TABLE.iter().flat_map(|group| group.options).flat_map(Opt::names).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{}: {names:?}", O::COMMAND);
    }
    check::<RunOptions>();
    #[cfg(feature = "jit")]
    check::<CompileOptions>();
    #[cfg(feature = "debug-info")]
    check::<Addr2lineOptions>();
    #[cfg(feature = "explore")]
    check::<ExploreOptions>();
    check::<InspectOptions>();
    #[cfg(feature = "hosts")]
    {
        check::<LambdaOptions>();
        check::<PolicyOptions>();
        check::<PullOptions>();
        check::<PushOptions>();
        check::<ServeOptions>();
        check::<ValidateOptions>();
    }
    #[cfg(feature = "text")]
    check::<WastOptions>();
}

#[test]
fn help_is_in_groups() {
    let Ok(Command::Help(text)) = parsed("run --help") else { panic!() };
    assert!(text.contains("\n\nHow much it may use:\n  --timeout TIME"), "{text}");
    assert!(text.contains("\n\nWhat it may use:\n  --dir HOST[::GUEST]"), "{text}");
    assert_eq!(text.matches("  -h, --help              Show this.\n\nExit codes:").count(), 1, "{text}");
    assert_eq!(text.matches("--help").count(), 1, "{text}");
    let of_registries = ("validate --help", "\nFor a module in a registry:\n  --plain-http  ");
    let everywhere = [
        ("inspect --help", "\nOptions:\n  --budget "),
        ("validate --help", "\nOptions:\n  -W, --wasm FEATURE,... "),
    ];
    for (line, words) in everywhere.into_iter().chain(cfg!(feature = "hosts").then_some(of_registries)) {
        let Ok(Command::Help(text)) = parsed(line) else { panic!() };
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn help_is_about_this_build() {
    let about = |mark: &str| of_this_build(&format!("before\n{mark}line\nafter\n"));
    for (mark, here) in [
        ("", true),
        ("{jit}", cfg!(feature = "jit")),
        ("{precompiled}", cfg!(feature = "precompiled")),
        ("{text}", cfg!(feature = "text")),
        ("{no text}", !cfg!(feature = "text")),
    ] {
        assert_eq!(about(mark), if here { "before\nline\nafter\n" } else { "before\nafter\n" }, "{mark}");
    }
}

#[test]
fn help_is_found_everywhere() {
    for (line, first) in [
        ("--help", "dunlin - "),
        ("help", "dunlin - "),
        ("help wast", "Run test scripts"),
        ("run --fuel 3 -h", "Run a WASI program"),
        ("inspect m --help", "Show what a module wants"),
    ] {
        match parsed(line) {
            Ok(Command::Help(text)) => assert!(text.starts_with(first), "{line}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn how_it_is_compiled() {
    let plain = run_options("run m");
    for line in
        ["run --jit off --jit-threshold 1_000 --memory-guard=off m", "run --jit=off --memory-guard on m"]
    {
        assert_ne!(run_options(line).tiering, plain.tiering, "{line}");
    }
    assert_eq!(run_options("run --memory-guard auto --jit-cache-full evict m"), plain);
    // A budget has no say in when things are compiled.
    assert_eq!(run_options("run --memory-budget 1m m").tiering, plain.tiering);
    for line in ["run --jit-cache-full stop m", "run --memory-guard on m"] {
        assert_ne!(run_options(line).tiering, plain.tiering, "{line}");
    }
    let guards = ["on", "off", "auto"].map(|when| run_options(&format!("run --memory-guard {when} m")));
    assert!(guards[0] != guards[1] && guards[1] != guards[2]);
    let thresholds = ["1_000", "1000", "1001"].map(|n| run_options(&format!("run --jit-threshold {n} m")));
    assert!(thresholds[0] == thresholds[1] && thresholds[1] != thresholds[2]);
    assert!(refusal("run --jit fast m").contains("not 'fast'"));
    assert!(refusal("wast --jit-threshold few m").contains("not 'few'"));
    assert!(matches!(parsed("wast --jit off --json a b"), Ok(Command::Wast(WastOptions { json: true, .. }))));
}

#[test]
fn commands_of_another_build_are_named() {
    for (feature, is_here, names) in OF_FEATURES {
        for command in names {
            assert_eq!(find(OsStr::new(command)).is_some(), is_here, "{command}");
            if !is_here {
                let said = refusal(&format!("{command} x --y"));
                assert_eq!(
                    said,
                    format!("this build of dunlin has no '{command}': build it with the feature '{feature}'")
                );
            }
        }
    }
}

#[test]
#[cfg(feature = "hosts")]
fn registries() {
    let asked = |line: &str| run_options(line).registry;
    assert_eq!(asked("run m"), RegistryOptions::default());
    let all = asked("run --plain-http --offline --verify-key k oci://a/b c");
    assert_eq!(all, RegistryOptions { plain_http: true, offline: true, verify_key: Some("k".into()) });
    assert_eq!(run_options("oci://a/b --offline").args, ["--offline"]);
    let Ok(Command::Pull(options)) = parsed("pull --offline a/b:c -o d") else { panic!() };
    assert_eq!(
        (options.module, options.output, options.registry.offline),
        ("a/b:c".into(), Some("d".into()), true)
    );
    let Ok(Command::Push(options)) = parsed("push a.wasm b --sign-key k") else { panic!() };
    assert_eq!(
        (options.module, options.reference, options.sign_key),
        ("a.wasm".into(), "b".into(), Some("k".into()))
    );
    assert!(refusal("push a.wasm b c").contains("'c' is one word too many"));
    assert!(refusal("push --offline a b").contains("unknown option '--offline'"));
}

#[test]
#[cfg(feature = "hosts")]
fn functions() {
    let line = "lambda --dir /a::/b --env A=b --inherit-env --streaming --fuel 7 --timeout 2s --memory-budget 1MiB m.wasm";
    let Ok(Command::Lambda(options)) = parsed(line) else { panic!() };
    assert_eq!(
        (options.dirs.len(), options.env.len(), options.inherit_env, options.streams),
        (1, 1, true, true)
    );
    assert_eq!((options.limits.fuel, options.limits.timeout), (Some(7), Some(Duration::from_secs(2))));
    assert_eq!((options.limits.memory_budget, options.module), (Some(1 << 20), "m.wasm".into()));
}

#[test]
#[cfg(feature = "hosts")]
fn policies() {
    let line =
        "policy eval p.wasm -e a/b -i - --data d.json --fail --fuel 7 --timeout 2s --memory-budget 1MiB";
    let Ok(Command::Policy(options)) = parsed(line) else { panic!() };
    assert_eq!(options.policy, "p.wasm");
    assert_eq!(options.entrypoint.as_deref(), Some("a/b"));
    assert_eq!((options.input.unwrap(), options.data.unwrap()), ("-".into(), "d.json".into()));
    assert_eq!((options.fail, options.fail_defined, options.list), (true, false, false));
    let limits =
        WorkLimits { fuel: Some(7), timeout: Some(Duration::from_secs(2)), memory_budget: Some(1 << 20) };
    assert_eq!(options.limits, limits);
    assert!(refusal("policy eval - -i -").contains("only one of policy, input and data"));
    assert!(refusal("policy test p.wasm").contains("dunlin policy eval"));
}

/// What limits mean, and the words for it, are the same wherever they can be given.
#[test]
fn limits_are_the_same_everywhere() {
    fn described<O: CommandOptions>() -> Vec<(&'static str, &'static str)> {
        let options = O::TABLE.iter().flat_map(|group| group.options);
        let limits = ["--fuel N", "--timeout TIME", "--memory-budget SIZE"];
        let mut found: Vec<_> = options
            .filter(|option| limits.contains(&option.outline.form))
            .map(|option| (option.outline.form, option.outline.help))
            .collect();
        found.sort_unstable();
        found
    }
    let expected = described::<RunOptions>();
    assert_eq!(expected.len(), 3);
    #[cfg(feature = "hosts")]
    {
        assert_eq!(described::<LambdaOptions>(), expected);
        assert_eq!(described::<PolicyOptions>(), expected);
        assert_eq!(described::<ServeOptions>(), expected);
    }
}
