//! Validates a module as its bytes arrive, in chunks of any size.
//!
//!     cargo run --release -p dunlin --example stream

use dunlin::{Engine, Instance, Module, ModuleStream, Store};
use std::error::Error;
use std::sync::mpsc;
use std::thread;

const TEXT: &str = r#"
    (module
        (func (export "square") (param i64) (result i64)
            (i64.mul (local.get 0) (local.get 0))))
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::default();
    let bytes = wat::parse_str(TEXT)?;

    // Stands for a network: sends the module in small pieces.
    let (sender, receiver) = mpsc::sync_channel(1);
    let sent = bytes.clone();
    let network = thread::spawn(move || {
        for chunk in sent.chunks(7) {
            sender.send(chunk.to_vec()).expect("the receiver is there to the end");
        }
    });

    // What is complete is validated at once. Only an incomplete function body or section is buffered.
    let mut stream = ModuleStream::new(&engine);
    for chunk in receiver {
        stream.push(&chunk)?;
    }
    let module = stream.finish()?;
    network.join().expect("it doesn't panic");

    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let square = instance.get_typed_func::<i64, i64>(&store, "square")?;
    println!("12 squared is {}", square.call(&mut store, 12)?);
    assert_eq!(square.call(&mut store, 12)?, 144);

    // An invalid module is refused at the first wrong byte: the rest needn't be sent.
    let mut stream = ModuleStream::new(&engine);
    let error = stream.push(b"\0asm\x02\0\0\0").unwrap_err();
    println!("refused after 8 bytes: {error}");
    assert!(error.offset().is_some());

    // `from_reader` streams from anything that implements `Read`: files, sockets, decompressors.
    let module = Module::from_reader(&engine, &bytes[..])?;
    assert!(module.get_export("square").is_some());
    Ok(())
}
