//! Plugins of a terminal, as Zellij has them: WASI programs that stay loaded. The host tells a plugin of an event through
//! its standard input and calls `update`; if that says so, it calls `render`, and shows what the plugin prints. One thread
//! ends whatever takes too long.
//!
//!     cargo run --release -p dunlin-wasi-lite --example pane_plugins

use dunlin::{Config, Engine, Linker, Module, Result, Store, TypedFunc};
use dunlin_wasi_lite::{ReadPipe, WasiCtx, WasiCtxBuilder, WritePipe};
use std::io::Write;

/// A plugin that is loaded, with the host's ends of its pipes.
struct Pane {
    store: Store<WasiCtx>,
    update: TypedFunc<(), i32>,
    render: TypedFunc<(i32, i32), ()>,
    events: std::io::PipeWriter,
    screen: WritePipe,
}

impl Pane {
    fn load(linker: &Linker<WasiCtx>, plugin: &Module) -> Result<Self> {
        let (reader, events) = std::io::pipe()?;
        let screen = WritePipe::in_memory(1 << 16);
        let ctx = WasiCtxBuilder::new().stdin(ReadPipe::new(reader)).stdout(screen.clone()).build();
        let mut store = Store::new(linker.engine(), ctx);
        store.set_epoch_deadline(2);
        let instance = linker.instantiate(&mut store, plugin)?;
        let update = instance.get_typed_func(&store, "update")?;
        let render = instance.get_typed_func(&store, "render")?;
        Ok(Self { store, update, render, events, screen })
    }

    /// What the pane shows after an event.
    fn tell(&mut self, event: &[u8]) -> Result<String> {
        self.events.write_all(event)?;
        self.store.set_epoch_deadline(2);
        if self.update.call(&mut self.store, ())? != 0 {
            self.render.call(&mut self.store, (24, 80))?;
        }
        Ok(String::from_utf8_lossy(&self.screen.contents()).into_owned())
    }
}

fn main() -> Result<()> {
    let engine = Engine::new(Config::new().epoch_interruption(true))?;
    let ticking = engine.clone();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(std::time::Duration::from_secs(1));
            ticking.increment_epoch();
        }
    });
    let mut linker = Linker::new(&engine);
    dunlin_wasi_lite::add_to_linker(&mut linker, |ctx| ctx)?;
    let plugin = Module::new(&engine, wat::parse_str(include_str!("pane_plugins.wat"))?)?;
    let mut pane = Pane::load(&linker, &plugin)?;
    assert_eq!([pane.tell(b"k")?, pane.tell(b"q")?], ["", "key q\n"]);
    Ok(())
}
