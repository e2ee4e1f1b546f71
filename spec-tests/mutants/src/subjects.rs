//! The crates that faults are put into, the tests that belong to each, and what is left out with the reason.

pub(crate) struct Subject {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    pub(crate) folder: &'static str,
    /// Roots of its modules, below `folder`.
    pub(crate) roots: &'static [&'static str],
    /// The packages whose tests are run.
    pub(crate) tests: &'static [&'static str],
    /// Test programs of these packages that aren't run, with the reason.
    pub(crate) skipped_tests: &'static [(&'static str, &'static str)],
    /// Source files that get no faults, with the reason.
    pub(crate) skipped_files: &'static [(&'static str, &'static str)],
}

pub(crate) const SUBJECTS: &[Subject] = &[
    Subject {
        name: "engine",
        package: "dunlin",
        folder: "engine",
        roots: &["src/lib.rs"],
        tests: &["dunlin", "dunlin-spec-tests", "dunlin-wast", "dunlin-wasi-lite", "dunlin-jit"],
        skipped_tests: &[],
        skipped_files: &[
            ("src/translate/check.rs", "is itself a test: the verifier of translated code"),
            ("src/runtime/exec/count.rs", "counts cells for whoever tunes the op table"),
        ],
    },
    Subject {
        name: "jit",
        package: "dunlin-jit",
        folder: "jit",
        roots: &["src/lib.rs"],
        tests: &["dunlin-jit", "dunlin-spec-tests", "dunlin-benches"],
        skipped_tests: &[("wasi", "doesn't use the tier")],
        skipped_files: &[],
    },
    Subject {
        name: "wasi-lite",
        package: "dunlin-wasi-lite",
        folder: "wasi-lite",
        roots: &["src/lib.rs"],
        tests: &["dunlin-wasi-lite", "dunlin-spec-tests", "dunlin-cli"],
        skipped_tests: &[
            ("official", "doesn't use WASI"),
            ("stress", "doesn't use WASI"),
            ("small_build", "builds the command anew for each fault"),
        ],
        skipped_files: &[],
    },
    Subject {
        name: "cli",
        package: "dunlin-cli",
        folder: "targets/cli",
        roots: &["src/lib.rs", "src/main.rs"],
        tests: &["dunlin-cli"],
        skipped_tests: &[("small_build", "builds the command anew for each fault")],
        skipped_files: &[],
    },
];
