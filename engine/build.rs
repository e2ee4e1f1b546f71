//! Says when this build can have no tail-call dispatch: without the optimiser there are no tail calls.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(dunlin_loop_only)");
    println!("cargo::rerun-if-env-changed=OPT_LEVEL");
    if std::env::var("OPT_LEVEL").as_deref() == Ok("0") {
        println!("cargo::rustc-cfg=dunlin_loop_only");
    }
}
