//! Says where the machine's memory is.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    println!("cargo::rustc-link-search={folder}/machines");
    let script = match std::env::var("CARGO_CFG_TARGET_ARCH").unwrap().as_str() {
        "arm" => "link.x",
        _ => "aarch64.x",
    };
    println!("cargo::rustc-link-arg-bins=-T{script}");
    println!("cargo::rerun-if-changed=machines");
}
