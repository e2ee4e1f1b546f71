//! Modules: from bytes, files and streams.

use crate::boundary::{c_types, exports};
use crate::engine::{EngineRef, wasm_engine_t};
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::handles::wasm_module_t;
use crate::host_info::InfoCell;
use crate::object::{Binary, ModuleData, Object};
use crate::own::{Shared, try_box, try_vec};
use crate::pointers::{Array, Byte, Handle, Out, Require, Text};
use crate::store::{StoreRef, wasm_store_t};
use crate::types::{wasm_exporttype_t, wasm_importtype_t};
use crate::vec::{CVec, collect, wasm_byte_vec_t};
use dunlin::{Kind, Module, ModuleOptions, ModuleStream};

impl wasm_module_t {
    pub(crate) fn data(&self) -> Result<&Shared<ModuleData>> {
        match &self.as_ref().object {
            Object::Module(module) => Ok(module),
            _ => Err(Failure::argument("an object is no module")),
        }
    }

    pub(crate) fn module(&self) -> Result<&Module> {
        Ok(&self.data()?.module)
    }
}

/// A handle of a module.
pub(crate) fn handle(store: Option<StoreRef>, module: Module) -> Result<Box<wasm_module_t>> {
    with_binary(store, module, None)
}

fn with_binary(
    store: Option<StoreRef>,
    module: Module,
    binary: Option<Shared<Binary>>,
) -> Result<Box<wasm_module_t>> {
    let data = Shared::try_new(ModuleData { module, binary, info: InfoCell::default() });
    let object = Object::Module(data.ok_or(Failure::NO_MEMORY)?);
    wasm_module_t::try_new(store, object).ok_or(Failure::NO_MEMORY)
}

/// Loads a module in the binary format.
fn load(engine: &EngineRef, bytes: &[u8]) -> Result<Module> {
    let mut stream = ModuleStream::new(engine.engine());
    stream.push(bytes)?;
    Ok(stream.finish()?)
}

/// Loads a module for the standard API, whose modules can be serialised.
fn load_standard(store: &StoreRef, bytes: &[u8]) -> Result<Box<wasm_module_t>> {
    let engine = store.engine();
    let module = load(engine, bytes)?;
    let binary = match engine.keeps_binary() {
        true => Some(keep(engine, bytes)?),
        false => None,
    };
    with_binary(Some(store.clone()), module, binary)
}

fn keep(engine: &EngineRef, bytes: &[u8]) -> Result<Shared<Binary>> {
    let charge = engine.engine().budget().charge(Kind::Bodies, bytes.len() as u64)?;
    let mut copy = try_vec(bytes.len()).ok_or(Failure::NO_MEMORY)?;
    copy.extend_from_slice(bytes);
    Shared::try_new(Binary { bytes: copy, _charge: charge }).ok_or(Failure::NO_MEMORY)
}

/// The binary format of a text.
#[cfg(feature = "wat")]
fn assemble(text: &[u8]) -> Result<Vec<u8>> {
    const MOST: usize = 64 << 20;
    if text.len() > MOST {
        return Err(Failure::argument(format_args!("a text has more than {MOST} bytes")));
    }
    wat::parse_bytes(text).map(|binary| binary.into_owned()).map_err(Failure::invalid)
}

#[cfg(not(feature = "wat"))]
fn assemble(_: &[u8]) -> Result<Vec<u8>> {
    Err(Failure::other("this build of Dunlin has no text format"))
}

/// A module for stores on other threads.
pub struct wasm_shared_module_t(Shared<ModuleData>);

/// A module that arrives.
pub struct dunlin_module_stream_t(ModuleStream);

/// How much memory a module needs.
#[repr(C)]
pub struct dunlin_plan_t {
    least: u64,
    instance: u64,
    most: u64,
}

c_types! {
    wasm_shared_module_t = "wasm_shared_module_t";
    dunlin_module_stream_t = "dunlin_module_stream_t";
    dunlin_plan_t = "dunlin_plan_t";
}

/// A vector of what C wants to know of a module.
type Boxes<T> = CVec<Option<Box<T>>>;

exports! {
    fn wasm_module_new(
        store: Handle<'_, wasm_store_t>,
        binary: Option<&wasm_byte_vec_t>,
    ) -> Option<Box<wasm_module_t>> {
        load_standard(&store.get()?.0, binary?.bytes()).ok()
    }

    fn wasm_module_validate(store: Handle<'_, wasm_store_t>, binary: Option<&wasm_byte_vec_t>) -> bool {
        let (Some(store), Some(binary)) = (store.get(), binary) else { return false };
        load(store.0.engine(), binary.bytes()).is_ok()
    }

    fn wasm_module_imports(module: Option<&wasm_module_t>, out: Out<'_, Boxes<wasm_importtype_t>>) {
        let module = module.and_then(|module| module.module().ok());
        let types = |module: &Module| {
            collect(module.imports().map(|import| wasm_importtype_t::new(&import).map(Some)))
        };
        out.put(module.map_or_else(CVec::empty, types));
    }

    fn wasm_module_exports(module: Option<&wasm_module_t>, out: Out<'_, Boxes<wasm_exporttype_t>>) {
        let module = module.and_then(|module| module.module().ok());
        let types = |module: &Module| {
            collect(module.exports().map(|export| wasm_exporttype_t::new(&export).map(Some)))
        };
        out.put(module.map_or_else(CVec::empty, types));
    }

    fn wasm_module_serialize(module: Option<&wasm_module_t>, out: Out<'_, wasm_byte_vec_t>) {
        let binary = module.and_then(|module| module.data().ok()?.binary.as_ref());
        out.put(binary.map_or_else(CVec::empty, |binary| wasm_byte_vec_t::of_bytes(&binary.bytes)));
    }

    fn wasm_module_deserialize(
        store: Handle<'_, wasm_store_t>,
        bytes: Option<&wasm_byte_vec_t>,
    ) -> Option<Box<wasm_module_t>> {
        load_standard(&store.get()?.0, bytes?.bytes()).ok()
    }

    fn wasm_module_share(module: Option<&wasm_module_t>) -> Option<Box<wasm_shared_module_t>> {
        try_box(wasm_shared_module_t(module?.data().ok()?.clone()))
    }

    fn wasm_shared_module_delete(module: Option<Box<wasm_shared_module_t>>) {
        drop(module);
    }

    fn wasm_module_obtain(
        store: Handle<'_, wasm_store_t>,
        module: Option<&wasm_shared_module_t>,
    ) -> Option<Box<wasm_module_t>> {
        let module = &module?.0;
        with_binary(Some(store.get()?.0.clone()), module.module.clone(), module.binary.clone()).ok()
    }

    fn dunlin_module_new(
        engine: Handle<'_, wasm_engine_t>,
        bytes: Array<'_, Byte>,
        len: usize,
        out: Out<'_, Option<Box<wasm_module_t>>>,
    ) -> Outcome {
        let (engine, bytes, out) = (engine.require()?, bytes.bytes(len)?, out.cleared()?);
        *out = Some(handle(None, Module::new(engine.0.engine(), bytes)?)?);
        Ok(())
    }

    fn dunlin_module_validate(engine: Handle<'_, wasm_engine_t>, bytes: Array<'_, Byte>, len: usize) -> Outcome {
        Ok(Module::validate(engine.require()?.0.engine(), bytes.bytes(len)?)?)
    }

    fn dunlin_module_from_file(
        engine: Handle<'_, wasm_engine_t>,
        path: Text<'_>,
        bodies_on_disk: bool,
        out: Out<'_, Option<Box<wasm_module_t>>>,
    ) -> Outcome {
        let (engine, path, out) = (engine.require()?, path.utf8()?, out.cleared()?);
        let mut options = ModuleOptions::new();
        options.bodies_on_disk(bodies_on_disk);
        *out = Some(handle(None, Module::from_file_with(engine.0.engine(), path, &options)?)?);
        Ok(())
    }

    fn dunlin_wat2wasm(text: Array<'_, Byte>, len: usize, out: Out<'_, wasm_byte_vec_t>) -> Outcome {
        let binary = text.bytes(len).and_then(assemble);
        out.put(binary.as_deref().map_or_else(|_| CVec::empty(), wasm_byte_vec_t::of_bytes));
        binary.map(drop)
    }

    fn dunlin_module_translate(module: Option<&wasm_module_t>) -> Outcome {
        Ok(module.require()?.module()?.translate()?)
    }

    fn dunlin_module_plan(module: Option<&wasm_module_t>, out: Out<'_, dunlin_plan_t>) -> Outcome {
        let plan = module.require()?.module()?.plan();
        let most = plan.most().unwrap_or(u64::MAX);
        out.put(dunlin_plan_t { least: plan.least(), instance: plan.instance(), most });
        Ok(())
    }

    fn dunlin_module_stream_new(
        engine: Handle<'_, wasm_engine_t>,
        out: Out<'_, Option<Box<dunlin_module_stream_t>>>,
    ) -> Outcome {
        let (engine, out) = (engine.require()?, out.cleared()?);
        let stream = dunlin_module_stream_t(ModuleStream::new(engine.0.engine()));
        *out = Some(try_box(stream).ok_or(Failure::NO_MEMORY)?);
        Ok(())
    }

    fn dunlin_module_stream_push(
        stream: Option<&mut dunlin_module_stream_t>,
        bytes: Array<'_, Byte>,
        len: usize,
    ) -> Outcome {
        Ok(stream.require()?.0.push(bytes.bytes(len)?)?)
    }

    fn dunlin_module_stream_finish(
        stream: Option<Box<dunlin_module_stream_t>>,
        out: Out<'_, Option<Box<wasm_module_t>>>,
    ) -> Outcome {
        let (stream, out) = (stream.require()?, out.cleared()?);
        *out = Some(handle(None, stream.0.finish()?)?);
        Ok(())
    }

    fn dunlin_module_stream_delete(stream: Option<Box<dunlin_module_stream_t>>) {
        drop(stream);
    }
}
