mod serialize;

pub use serialize::ModuleExport;

#[cfg(feature = "wat")]
use crate::memory::at_hand;
use crate::memory::limits::MAX_TEXT_BYTES;
use crate::memory::{Buf, Kind, Shared};
use crate::module::ModuleInner;
use crate::module::bodies::Source;
use crate::module::load_error::LoadError;
use crate::runtime::code::Nobody;
use crate::runtime::error::ErrorKind;
use crate::runtime::loaded::ModuleShared;
use crate::runtime::plan::{self, Plan};
use crate::runtime::tier::Ownership;
#[cfg(feature = "std")]
use crate::stream::READ_AT_ONCE;
use crate::stream::{LoadOptions, Loader};
use crate::translate::Translatable;
use crate::{Budget, Engine, Error, ExportType, ExternType, ImportType, Module};
use alloc::borrow::Cow;
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::fs::File;
#[cfg(feature = "std")]
use std::io::{self, Read};
#[cfg(feature = "std")]
use std::path::Path;

/// How a module is loaded from a file.
#[derive(Clone, Copy, Default, Debug)]
#[non_exhaustive]
pub struct ModuleOptions {
    bodies_on_disk: bool,
    one_instance: bool,
}

impl ModuleOptions {
    /// The default: everything is kept in memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether function bodies stay in the file, to be read again when they are first executed. They are compared with
    /// what was validated; if the file changed, the guest traps with
    /// [`ModuleChanged`](crate::Trap::ModuleChanged). It has no effect on a module in the text format,
    /// nor on what is no regular file.
    pub fn bodies_on_disk(&mut self, enable: bool) -> &mut Self {
        self.bodies_on_disk = enable;
        self
    }

    /// Whether the module will be instantiated only once. Then its active data segments go straight into its memory
    /// as they arrive, where its imports allow it, and aren't held twice.
    pub fn one_instance(&mut self, enable: bool) -> &mut Self {
        self.one_instance = enable;
        self
    }

    fn load_options(&self, engine: &Engine, bodies: Source) -> LoadOptions {
        let limits = engine.config().limits;
        LoadOptions {
            bodies,
            one_instance: self.one_instance,
            limits,
            guard: engine.memory_guard(),
            arena: engine.arena().cloned(),
            #[cfg(feature = "snapshot")]
            digest: engine.config().snapshots,
            #[cfg(any(feature = "coredump", feature = "snapshot"))]
            keep_validated: engine.config().validates_again(),
            ..LoadOptions::default()
        }
    }
}

/// Loads a module from bytes as they arrive, in chunks of any size.
///
/// However the bytes are cut, they give the same module, or the same error. At most the largest function body or
/// section other than the code, data and custom ones is buffered.
///
/// ```
/// use dunlin::{Engine, ModuleStream};
/// let engine = Engine::default();
/// let mut stream = ModuleStream::new(&engine);
/// stream.push(b"\0as")?;
/// stream.push(b"m\x01\0\0\0")?;
/// let module = stream.finish()?;
/// assert_eq!(module.exports().len(), 0);
/// # Ok::<(), dunlin::Error>(())
/// ```
pub struct ModuleStream {
    engine: Engine,
    loader: Result<Loader<Translatable>, LoadError>,
    /// What has come, if it is kept.
    bytes: Option<Buf<u8>>,
}

impl ModuleStream {
    /// A stream of which nothing has come yet.
    pub fn new(engine: &Engine) -> Self {
        Self::with_options(engine, &ModuleOptions::new())
    }

    /// A stream with options. Bodies can't be left on disk: use [`Module::from_file_with`] for that.
    pub fn with_options(engine: &Engine, options: &ModuleOptions) -> Self {
        Self::with_load_options(engine, options.load_options(engine, Source::Copied))
    }

    fn with_load_options(engine: &Engine, options: LoadOptions) -> Self {
        let loader =
            Loader::new(engine.features(), engine.budget(), options, Translatable::new(engine.translation()));
        let loader = loader.map_err(|error| LoadError::memory(error, 0));
        let keeps = engine.config().keep_module_bytes;
        let bytes = keeps.then(|| Buf::new(engine.budget(), Kind::Metadata));
        Self { engine: engine.clone(), loader, bytes }
    }

    /// Takes the next bytes of the module, which must be in the binary format.
    ///
    /// # Errors
    ///
    /// As soon as what has come can't be the beginning of a valid module within the engine's features, limits and
    /// budget. Then every further call gives the same error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.loader {
            Ok(loader) => {
                loader.push(bytes)?;
                match &mut self.bytes {
                    Some(kept) => Ok(kept.try_extend_from_slice(bytes)?),
                    None => Ok(()),
                }
            }
            Err(error) => Err(error.again().into()),
        }
    }

    /// There are no more bytes: gives the module.
    ///
    /// # Errors
    ///
    /// If they aren't a whole module, or an earlier call has failed.
    pub fn finish(self) -> Result<Module, Error> {
        let data = self.loader?.finish()?;
        let tiered = self.engine.tier().is_some();
        let bytes = Shared::<ModuleShared>::BYTES + if tiered { Ownership::BYTES } else { 0 };
        let charge = data.budget.charge(Kind::Metadata, bytes)?;
        let inner =
            Shared::try_new(Kind::Metadata, ModuleShared::new(data, self.engine, self.bytes, charge)?)?;
        let ownership = tiered.then(|| Shared::try_new(Kind::Metadata, Ownership::new(&inner)));
        let module = Module { _ownership: ownership.transpose()?, inner };
        if let Some(tier) = module.engine().tier() {
            tier.loaded(&module);
        }
        Ok(module)
    }
}

impl core::fmt::Debug for ModuleStream {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ModuleStream").finish_non_exhaustive()
    }
}

impl Module {
    /// Loads a module from bytes: in the binary format, or, with the crate's feature `wat`, in the text format.
    ///
    /// # Errors
    ///
    /// If it isn't valid, needs a feature that is switched off, exceeds a limit, or doesn't fit the budget.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        let mut stream = ModuleStream::new(engine);
        stream.push(&binary(bytes)?)?;
        stream.finish()
    }

    /// Loads a module as it is read, without ever holding all its bytes: see [`ModuleStream`]. Text, which the crate's
    /// feature `wat` accepts, is read whole first.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`], or if reading fails.
    #[cfg(feature = "std")]
    pub fn from_reader(engine: &Engine, reader: impl Read) -> Result<Self, Error> {
        Self::from_reader_with(engine, reader, &ModuleOptions::new())
    }

    /// Loads a module as it is read, with options: see [`Module::from_reader`] and [`ModuleStream::with_options`].
    ///
    /// # Errors
    ///
    /// As for [`Module::new`], or if reading fails.
    #[cfg(feature = "std")]
    pub fn from_reader_with(
        engine: &Engine,
        reader: impl Read,
        options: &ModuleOptions,
    ) -> Result<Self, Error> {
        Self::read(engine, reader, options.load_options(engine, Source::Copied))
    }

    /// Loads a module from a file: see [`Module::from_reader`].
    ///
    /// # Errors
    ///
    /// As for [`Module::new`], or if the file can't be read.
    #[cfg(feature = "std")]
    pub fn from_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::from_file_with(engine, path, &ModuleOptions::new())
    }

    /// Loads a module from a file, with options.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`], or if the file can't be read.
    #[cfg(feature = "std")]
    pub fn from_file_with(
        engine: &Engine,
        path: impl AsRef<Path>,
        options: &ModuleOptions,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let named = |error: Error| {
            #[cfg(feature = "wat")]
            let error = match error.downcast::<wat::Error>() {
                Ok(mut error) => {
                    error.set_path(path);
                    Error::of_host(ErrorKind::Invalid, error)
                }
                Err(error) => error,
            };
            error.context(path.display())
        };
        let file = File::open(path).map_err(|error| named(error.into()))?;
        let bodies = || -> io::Result<Source> {
            // They are read by position, so it doesn't matter that both share one.
            if options.bodies_on_disk && file.metadata()?.is_file() {
                file.try_clone().map(Source::file)
            } else {
                Ok(Source::Copied)
            }
        };
        let bodies = bodies().map_err(|error| named(error.into()))?;
        Self::read(engine, file, options.load_options(engine, bodies)).map_err(named)
    }

    #[cfg(feature = "std")]
    fn read(engine: &Engine, mut reader: impl Read, options: LoadOptions) -> Result<Self, Error> {
        let mut chunk = Buf::with_capacity(engine.budget(), Kind::Metadata, READ_AT_ONCE)?;
        chunk.try_resize(READ_AT_ONCE, 0)?;
        let mut len = 0;
        // Until it is clear what comes.
        while chunk[..len].iter().all(u8::is_ascii_whitespace) && len < READ_AT_ONCE {
            match read_some(&mut reader, &mut chunk[len..])? {
                0 => break,
                count => len += count,
            }
        }
        if looks_like_text(&chunk[..len]) {
            let mut text = Buf::new(engine.budget(), Kind::Metadata);
            while len > 0 {
                text.try_extend_from_slice(&chunk[..len])?;
                text_fits(text.len())?;
                len = read_some(&mut reader, &mut chunk)?;
            }
            let binary = binary_of(&text)?;
            drop((text, chunk));
            let mut stream =
                ModuleStream::with_load_options(engine, LoadOptions { bodies: Source::Copied, ..options });
            stream.push(&binary)?;
            return stream.finish();
        }
        let mut stream = ModuleStream::with_load_options(engine, options);
        while len > 0 {
            stream.push(&chunk[..len])?;
            len = read_some(&mut reader, &mut chunk)?;
        }
        // What is left then is divided up.
        drop(chunk);
        stream.finish()
    }

    /// [`Module::new`] of bytes that must be in the binary format.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_binary(engine: &Engine, binary: &[u8]) -> Result<Self, Error> {
        let mut stream = ModuleStream::new(engine);
        stream.push(binary)?;
        stream.finish()
    }

    /// Loads a module, in the binary format, whose bytes are there for ever, such as in flash memory: function bodies and data are left
    /// there and not copied.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    ///
    /// ```
    /// use dunlin::{Engine, Kind, Module};
    /// static MODULE: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a\x04\x01\x02\0\x0b";
    /// let engine = Engine::default();
    /// let (module, copied) = (Module::from_static(&engine, MODULE)?, Module::new(&engine, MODULE)?);
    /// let held = |module: &Module| module.budget().used_for(Kind::Bodies);
    /// assert!(held(&module) < held(&copied));
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn from_static(engine: &Engine, binary: &'static [u8]) -> Result<Self, Error> {
        Self::from_static_with(engine, binary, &ModuleOptions::new())
    }

    /// [`Module::from_static`] with options.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_static_with(
        engine: &Engine,
        binary: &'static [u8],
        options: &ModuleOptions,
    ) -> Result<Self, Error> {
        let options = options.load_options(engine, Source::Static(binary));
        let mut stream = ModuleStream::with_load_options(engine, options);
        stream.push(binary)?;
        stream.finish()
    }

    /// Whether [`Module::new`] would accept these bytes.
    ///
    /// # Errors
    ///
    /// If it wouldn't.
    pub fn validate(engine: &Engine, bytes: &[u8]) -> Result<(), Error> {
        Self::new(engine, bytes).map(drop)
    }

    /// Whether these are the same module, and not only two of the same bytes.
    pub fn same(a: &Module, b: &Module) -> bool {
        Shared::ptr_eq(&a.inner, &b.inner)
    }

    /// The module's engine.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// What the module imports, in its order.
    pub fn imports(&self) -> impl ExactSizeIterator<Item = ImportType<'_>> {
        let data = self.data();
        data.imports.iter().map(|import| data.import_type(import))
    }

    /// What the module exports, in its order.
    pub fn exports(&self) -> impl ExactSizeIterator<Item = ExportType<'_>> {
        let data = self.data();
        data.exports.iter().map(|export| data.export_type(export))
    }

    /// The type of what is exported by this name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        let data = self.data();
        data.export(name).map(|export| data.export_type(export).ty().clone())
    }

    /// The module's name, if its name section gives one.
    pub fn name(&self) -> Option<&str> {
        self.data().names.module.as_deref()
    }

    /// The name of the function with this index (imports first), if the name section gives one.
    pub fn func_name(&self, index: u32) -> Option<&str> {
        self.data().names.func(index)
    }

    /// How many functions the module has, imported ones included.
    pub fn func_count(&self) -> u32 {
        self.data().funcs.len() as u32
    }

    /// Translates every function for the interpreter now, instead of each at its first call: for calls that take the
    /// same time from the first on. It costs memory for functions that are never called.
    ///
    /// # Errors
    /// If the budget or the machine has no memory for it; what was translated until then stays. Also if bodies left
    /// [on disk](ModuleOptions::bodies_on_disk) have changed.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Engine, Module};
    /// let module = Module::new(&Engine::default(), "(module (func) (func))")?;
    /// assert_eq!(module.translated_functions(), 0);
    /// module.translate()?;
    /// assert_eq!(module.translated_functions(), 2);
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn translate(&self) -> Result<(), Error> {
        let data = &self.inner.data;
        let defined = data.funcs.len() as u32 - data.imported_funcs;
        (0..defined).try_for_each(|index| self.inner.translated(index, &Nobody).map(|_| ()))
    }

    /// How many bytes the code of the functions takes that have been translated.
    pub fn translated_bytes(&self) -> u64 {
        self.inner.code.translated().1
    }

    /// How many of its functions have been translated for the interpreter: each is when it is first called.
    pub fn translated_functions(&self) -> usize {
        self.inner.code.translated().0
    }

    /// How often a function's translation was dropped to make room for others.
    pub fn dropped_translations(&self) -> u64 {
        self.inner.code.dropped()
    }

    /// How many bytes the module has in the binary format.
    pub fn size(&self) -> u64 {
        self.data().size
    }

    /// The module's sections, in their order (at most 1,000 of them).
    pub fn sections(&self) -> impl ExactSizeIterator<Item = Section<'_>> {
        self.data().sections.iter().map(|section| Section {
            id: section.id,
            name: section.name.as_deref(),
            offset: section.offset,
            size: section.size,
        })
    }

    /// How much memory the module needs to start, and at most.
    pub fn plan(&self) -> Plan {
        plan::plan(self.data(), self.engine())
    }

    /// What the module holds of the engine's budget now, instances left out.
    pub fn budget(&self) -> &Budget {
        &self.data().budget
    }

    fn data(&self) -> &ModuleInner {
        &self.inner.data
    }
}

impl core::fmt::Debug for Module {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Module").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// A section of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Section<'m> {
    /// The section's number in the binary format (specification, section 5.5.2): 0 for a custom section.
    pub id: u8,
    /// The name of a custom section, of which the first 256 bytes are kept.
    pub name: Option<&'m str>,
    /// Where its contents begin, in bytes from the module's start.
    pub offset: u64,
    /// How many bytes its contents have.
    pub size: u32,
}

#[cfg(feature = "std")]
fn read_some(reader: &mut impl Read, into: &mut [u8]) -> Result<usize, Error> {
    loop {
        match reader.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return Ok(result?),
        }
    }
}

/// Whether bytes begin like a module in the text format: with a parenthesis or a comment.
fn looks_like_text(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'(' | b';'))
}

/// The module in the binary format, whichever it is in.
fn binary(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    if looks_like_text(bytes) { Ok(Cow::Owned(binary_of(bytes)?)) } else { Ok(Cow::Borrowed(bytes)) }
}

#[cfg(feature = "wat")]
fn binary_of(text: &[u8]) -> Result<Vec<u8>, Error> {
    text_fits(text.len())?;
    let text = core::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        Error::of_kind(
            ErrorKind::Invalid,
            format_args!("malformed UTF-8 encoding of the text, after {at} bytes"),
        )
    })?;
    // The parser isn't charged for. The worst texts that were tried took this much for each of their bytes.
    at_hand(Kind::Metadata, 64 * text.len() as u64)?;
    wat::parse_str(text).map_err(|error| Error::of_host(ErrorKind::Invalid, error))
}

#[cfg(not(feature = "wat"))]
fn binary_of(_: &[u8]) -> Result<Vec<u8>, Error> {
    Err(Error::of_kind(
        ErrorKind::Invalid,
        "modules in the text format need the feature `wat` of the crate `dunlin`",
    ))
}

/// Refuses a text of more bytes than are parsed.
fn text_fits(bytes: usize) -> Result<(), Error> {
    if bytes <= MAX_TEXT_BYTES {
        return Ok(());
    }
    let message = format_args!("module in the text format has more than {MAX_TEXT_BYTES} bytes");
    Err(Error::of_kind(ErrorKind::Limit, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_text_of_more_bytes_than_are_parsed_is_refused() {
        assert!([0, MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES].into_iter().all(|bytes| text_fits(bytes).is_ok()));
        let error = text_fits(MAX_TEXT_BYTES + 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert_eq!(error.to_string(), "module in the text format has more than 67108864 bytes");
    }
}
