//! Says when this build can have no tail-call dispatch (without the optimiser there are no tail calls), and when it must.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(dunlin_loop_only)");
    println!("cargo::rustc-check-cfg=cfg(dunlin_optimised)");
    println!("cargo::rustc-check-cfg=cfg(dunlin_loop)");
    // Set by targets/build.sh.
    println!("cargo::rustc-check-cfg=cfg(dunlin_handlers_apart)");
    println!("cargo::rerun-if-env-changed=OPT_LEVEL");
    let level = std::env::var("OPT_LEVEL");
    if std::env::var_os("CARGO_FEATURE_LOOP").is_some() || level.as_deref() == Ok("0") {
        println!("cargo::rustc-cfg=dunlin_loop");
    }
    match level.as_deref() {
        Ok("0") => println!("cargo::rustc-cfg=dunlin_loop_only"),
        Ok("2" | "3") => println!("cargo::rustc-cfg=dunlin_optimised"),
        // In between, the engine finds out when it starts.
        _ => {}
    }
}
