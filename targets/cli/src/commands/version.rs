//! `dunlin --version`

/// The version, what this build can do, and which precompiled files it can use.
pub(crate) fn version() -> String {
    let parts = [
        ("jit", cfg!(feature = "jit")),
        ("precompiled", cfg!(feature = "precompiled")),
        ("pairs", cfg!(feature = "pairs")),
        ("common-pairs", cfg!(all(feature = "common-pairs", not(feature = "pairs")))),
        ("inspect", cfg!(feature = "inspect")),
        ("manual", cfg!(feature = "manual")),
        ("trace", cfg!(feature = "trace")),
        ("text", cfg!(feature = "text")),
        ("hosts", cfg!(feature = "hosts")),
        ("tls", cfg!(feature = "tls")),
        ("sqlite", cfg!(feature = "sqlite")),
        ("zstd", cfg!(feature = "zstd")),
    ];
    let here: Vec<_> = parts.iter().filter(|(_, here)| *here).map(|(name, _)| *name).collect();
    let features = if here.is_empty() { "none".into() } else { here.join(", ") };
    // The engine, the compiler and the command are released together.
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "dunlin {version}\nengine: dunlin {version}, {}-{}\nfeatures: {features}\nprecompiled files: {}\n",
        std::env::consts::ARCH,
        std::env::consts::OS,
        precompiled()
    )
}

/// Files of the same identity can be used, if they are for this kind of processor.
#[cfg(feature = "precompiled")]
fn precompiled() -> String {
    dunlin_jit::aot::identity()
}

#[cfg(not(feature = "precompiled"))]
fn precompiled() -> &'static str {
    "none"
}
