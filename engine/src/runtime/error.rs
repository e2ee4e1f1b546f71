//! The one error type of the API.

pub(crate) mod choose;
mod context;
mod from;
mod macros;

pub use context::Context;

use crate::memory::{
    BoxOr, Kind, MemoryAccessError, OutOfBudget, OutOfMemory, TryText, box_or_back, try_text,
};
use crate::runtime::backtrace::WasmBacktrace;
use crate::{Feature, Trap};
use alloc::boxed::Box;
use alloc::string::String;
use core::any::Any;
use core::fmt;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Anything that may go wrong in this crate, or in a host function that the guest called.
///
/// It is one pointer wide. `Display` writes one clear sentence; `Debug` (which `fn main() -> dunlin::Result<()>` and
/// `unwrap` print) adds the WebAssembly backtrace.
///
/// ```
/// use dunlin::{Error, Trap};
/// let error = Error::from(Trap::IntegerDivisionByZero);
/// assert_eq!(error.trap(), Some(Trap::IntegerDivisionByZero));
/// assert_eq!(error.to_string(), "integer divide by zero");
/// ```
///
/// Every error that implements [`core::error::Error`] becomes one by `?`. That is why this doesn't implement that trait
/// itself: [`Error::into_boxed_dyn_error`] and `as_ref` give one that does.
pub struct Error(Repr);

/// The error as one of the standard library's kind.
struct Repr(BoxOr<ErrorInner>);

struct ErrorInner {
    kind: ErrorKind,
    cause: Cause,
    /// What was being attempted, outermost first; only [`Error::context`] adds to it.
    context: String,
    backtrace: Option<WasmBacktrace>,
}

enum Cause {
    Trap(Trap),
    OutOfMemory(OutOfMemory),
    OutOfBudget(OutOfBudget),
    Text(String),
    /// Of a module's bytes: what is wrong, where, and the feature that is off, if that is the reason.
    Module(String, u64, Option<Feature>),
    Host(Box<dyn HostError>),
    /// An exception, which the store has; and what is said of it.
    Thrown(String),
    /// An asynchronous host function isn't ready.
    Pending,
}

/// Of [`Cause::Pending`].
const PENDING: &str =
    "an asynchronous host function was called, which needs call_async, instantiate_async or their like";

/// The store has an exception that a guest's code or a host function has thrown and nobody has caught yet:
/// [`Store::take_pending_exception`](crate::Store::take_pending_exception) gives it.
///
/// A host function that returns this as its error, by `?` or [`Error::from`], throws that exception in the guest that
/// called it: [`Store::throw`](crate::Store::throw) gives one for that. A call of a guest that doesn't catch an exception
/// fails with an error that [is](Error::is) this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThrownException;

impl fmt::Display for ThrownException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an exception was thrown and not caught")
    }
}

impl core::error::Error for ThrownException {}

/// What an error without memory of its own says, as the number that it is then.
#[derive(Clone, Copy)]
enum Short {
    Trap(Trap),
    OutOfMemory(OutOfMemory),
    Pending,
}

impl Short {
    /// No trap's number.
    const PENDING: usize = OutOfMemory::PACKED - 1;

    fn number(self) -> usize {
        match self {
            Short::Trap(trap) => trap as usize,
            Short::OutOfMemory(error) => error.pack(),
            Short::Pending => Self::PENDING,
        }
    }

    fn of(number: usize) -> Self {
        if number == Self::PENDING {
            return Short::Pending;
        }
        OutOfMemory::unpack(number)
            .map_or_else(|| Short::Trap(Trap::from_code(number as u8)), Short::OutOfMemory)
    }

    fn cause(self) -> Cause {
        match self {
            Short::Trap(trap) => Cause::Trap(trap),
            Short::OutOfMemory(error) => Cause::OutOfMemory(error),
            Short::Pending => Cause::Pending,
        }
    }

    fn kind(self) -> ErrorKind {
        match self {
            Short::Trap(_) => ErrorKind::Trap,
            Short::OutOfMemory(_) => ErrorKind::OutOfMemory,
            Short::Pending => ErrorKind::Other,
        }
    }
}

/// A kind of [`Error`], for callers that treat some differently.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The guest trapped: see [`Error::trap`]. Or it called an unknown import that
    /// [`Linker::define_unknown_imports_as_traps`](crate::Linker::define_unknown_imports_as_traps) stands for.
    Trap,
    /// An exception was thrown and not caught: see [`ThrownException`].
    Exception,
    /// The bytes are no WebAssembly module, or an invalid one, or use a feature that is switched off.
    Invalid,
    /// The module is valid, but exceeds a limit of this engine.
    Limit,
    /// The memory budget had no room: see [`Error::out_of_budget`].
    OutOfBudget,
    /// The machine had no room, though the budget did.
    OutOfMemory,
    /// Imports that are missing or have other types.
    Link,
    /// A host function failed with an error of its own: see [`Error::downcast_ref`].
    Host,
    /// Reading failed.
    Io,
    /// Anything else, such as a call with the wrong number of arguments.
    Other,
}

trait HostError: Any + Send + Sync {
    fn error(&self) -> &(dyn core::error::Error + Send + Sync + 'static);
    fn any(&self) -> &dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<E: core::error::Error + Send + Sync + 'static> HostError for E {
    fn error(&self) -> &(dyn core::error::Error + Send + Sync + 'static) {
        self
    }
    fn any(&self) -> &dyn Any {
        self
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Error {
    #[cold]
    fn build(kind: ErrorKind, cause: Cause) -> Self {
        match box_or_back(ErrorInner { kind, cause, context: String::new(), backtrace: None }) {
            Ok(inner) => Error(Repr(BoxOr::new(inner))),
            Err(ErrorInner { cause: Cause::OutOfBudget(error), .. }) => {
                Self::short(Short::OutOfMemory(OutOfMemory { kind: error.kind, asked: error.asked }))
            }
            Err(_) => Self::nowhere(size_of::<ErrorInner>() as u64),
        }
    }

    fn short(short: Short) -> Self {
        Error(Repr(BoxOr::number(short.number())))
    }

    /// There is no memory for the error itself.
    fn nowhere(asked: u64) -> Self {
        Self::short(Short::OutOfMemory(OutOfMemory { kind: Kind::Host, asked }))
    }

    /// What it consists of, moved to the heap if it wasn't there; `None` if there is no memory for that.
    fn inner_mut(&mut self) -> Option<&mut ErrorInner> {
        if let Err(number) = self.0.0.get() {
            let short = Short::of(number);
            let inner = ErrorInner {
                kind: short.kind(),
                cause: short.cause(),
                context: String::new(),
                backtrace: None,
            };
            self.0.0 = BoxOr::new(box_or_back(inner).ok()?);
        }
        self.0.0.get_mut().ok()
    }

    /// Makes one of another error: what `?` does. Those of this crate become what they were made of: a [`Trap`] is a trap,
    /// and an [`OutOfBudget`] is one. Any other is of kind [`ErrorKind::Host`] ([`ErrorKind::Io`] if it is an
    /// [`io::Error`](std::io::Error)), and [`Error::downcast_ref`] finds it again.
    ///
    /// ```
    /// use dunlin::{Error, ErrorKind, Trap};
    /// let error = Error::new("twelve".parse::<u32>().unwrap_err());
    /// assert!(error.is::<std::num::ParseIntError>() && error.kind() == ErrorKind::Host);
    /// assert_eq!(Error::new(Trap::OutOfFuel).trap(), Some(Trap::OutOfFuel));
    /// ```
    #[cold]
    pub fn new(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        let any: &dyn Any = &error;
        if let Some(trap) = any.downcast_ref::<Trap>() {
            return Self::short(Short::Trap(*trap));
        }
        if let Some(error) = any.downcast_ref::<OutOfBudget>() {
            return Self::build(ErrorKind::OutOfBudget, Cause::OutOfBudget(error.clone()));
        }
        if any.is::<ThrownException>() {
            return Self::build(ErrorKind::Exception, Cause::Thrown(String::new()));
        }
        if any.is::<MemoryAccessError>() {
            return Self::short(Short::Trap(Trap::MemoryOutOfBounds));
        }
        let kind = if crate::sys::is_io(any) { ErrorKind::Io } else { ErrorKind::Host };
        Self::of_host(kind, error)
    }

    /// An error that consists of a message.
    pub fn msg(message: impl fmt::Display) -> Self {
        Self::of_kind(ErrorKind::Other, message)
    }

    /// Wraps an error of the embedder's, for host functions to return. [`Error::downcast_ref`] finds it again.
    ///
    /// ```
    /// #[derive(Debug)]
    /// struct Exit(i32);
    /// impl std::fmt::Display for Exit {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    ///         write!(f, "exit with code {}", self.0)
    ///     }
    /// }
    /// impl std::error::Error for Exit {}
    ///
    /// let error = dunlin::Error::host(Exit(3));
    /// assert_eq!(error.downcast_ref::<Exit>().unwrap().0, 3);
    /// ```
    pub fn host(error: impl core::error::Error + Send + Sync + 'static) -> Self {
        Self::of_host(ErrorKind::Host, error)
    }

    pub(crate) fn of_host(kind: ErrorKind, error: impl core::error::Error + Send + Sync + 'static) -> Self {
        match box_or_back(error) {
            Ok(error) => Self::build(kind, Cause::Host(error)),
            Err(error) => Self::nowhere(size_of_val(&error) as u64),
        }
    }

    pub(crate) fn of_kind(kind: ErrorKind, message: impl fmt::Display) -> Self {
        match try_text(message) {
            Ok(text) => Self::build(kind, Cause::Text(text)),
            Err(error) => Self::short(Short::OutOfMemory(error)),
        }
    }

    /// A text that may have had no room.
    pub(crate) fn text(kind: ErrorKind, text: TryText) -> Self {
        match text.finish() {
            Ok(text) => Self::build(kind, Cause::Text(text)),
            Err(error) => Self::short(Short::OutOfMemory(error)),
        }
    }

    /// Puts `context` and a colon before the message, to say what was being attempted.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        if let Some(inner) = self.inner_mut()
            && let Ok(text) = try_text(format_args!("{context}: {}", inner.context))
        {
            inner.context = text;
        }
        self
    }

    fn cause(&self) -> Result<&Cause, Short> {
        self.0.cause()
    }

    /// The trap, if the guest (or a host function on its behalf) trapped.
    pub fn trap(&self) -> Option<Trap> {
        match self.cause() {
            Ok(Cause::Trap(trap)) => Some(*trap),
            Err(Short::Trap(trap)) => Some(trap),
            Ok(Cause::OutOfBudget(_) | Cause::OutOfMemory(_)) if self.kind() == ErrorKind::Trap => {
                Some(Trap::OutOfBudget)
            }
            _ => None,
        }
    }

    /// The same, as the trap that a guest runs into, if it is about memory.
    pub(crate) fn at_run_time(mut self) -> Self {
        if let ErrorKind::OutOfBudget | ErrorKind::OutOfMemory = self.kind()
            && let Some(inner) = self.inner_mut()
        {
            inner.kind = ErrorKind::Trap;
        }
        self
    }

    /// What was asked of the memory budget and what it held, if it refused something.
    pub fn out_of_budget(&self) -> Option<&OutOfBudget> {
        match self.cause() {
            Ok(Cause::OutOfBudget(error)) => Some(error),
            _ => None,
        }
    }

    /// What kind of error this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.0.get().map_or_else(|number| Short::of(number).kind(), |inner| inner.kind)
    }

    /// Where in the module's bytes the error is, counted from their start, if it is an error in a module.
    pub fn offset(&self) -> Option<u64> {
        match self.cause() {
            Ok(Cause::Module(_, offset, _)) => Some(*offset),
            _ => None,
        }
    }

    /// The feature that the module uses and that is off, or isn't in this version of Dunlin at all, if that is why it
    /// was refused.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Config, Engine, Feature, Module};
    /// let engine = Engine::new(Config::new().wasm_simd(false))?;
    /// let error = Module::new(&engine, "(module (func (param v128)))").unwrap_err();
    /// assert_eq!(error.missing_feature(), Some(Feature::Simd));
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn missing_feature(&self) -> Option<Feature> {
        match self.cause() {
            Ok(Cause::Module(_, _, missing)) => *missing,
            _ => None,
        }
    }

    /// The error of type `E` that this one is made of, if it is: a [`Trap`] (as [`Error::trap`] gives it), an
    /// [`OutOfBudget`], the [`io::Error`](std::io::Error) of a reader, the `wat::Error` of a module in the text format, a
    /// [`ThrownException`], or an error of the embedder's that was wrapped by [`Error::host`].
    ///
    /// ```
    /// use dunlin::{Error, Trap};
    /// let error = Error::from(Trap::UnreachableCodeReached).context("calling the guest");
    /// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::UnreachableCodeReached));
    /// ```
    pub fn downcast_ref<E: core::error::Error + 'static>(&self) -> Option<&E> {
        if let Some(trap) = self.trap() {
            let trap: &dyn Any = trap.as_static();
            if let Some(found) = trap.downcast_ref() {
                return Some(found);
            }
        }
        let found: &dyn Any = match self.cause() {
            Ok(Cause::OutOfBudget(error)) => error,
            Ok(Cause::Host(host)) => (**host).any(),
            Ok(Cause::Thrown(_)) => &ThrownException,
            _ => return None,
        };
        found.downcast_ref()
    }

    /// Takes the error of type `E` out, or gives this error back unchanged: see [`Error::downcast_ref`].
    pub fn downcast<E: core::error::Error + 'static>(self) -> Result<E, Self> {
        if !self.is::<E>() {
            return Err(self);
        }
        if let Some(trap) = self.trap()
            && let Some(trap) = same_type(trap)
        {
            return Ok(trap);
        }
        match self.0.0.into_inner().map(|inner| inner.cause) {
            Ok(Cause::OutOfBudget(error)) => Ok(same_type(error).expect("`is` compared the types")),
            Ok(Cause::Thrown(_)) => Ok(same_type(ThrownException).expect("`is` compared the types")),
            Ok(Cause::Host(host)) => Ok(*host.into_any().downcast().expect("`is` compared the types")),
            _ => unreachable!("`is` found an error"),
        }
    }

    /// Whether this is made of an error of type `E`: see [`Error::downcast_ref`].
    pub fn is<E: core::error::Error + 'static>(&self) -> bool {
        self.downcast_ref::<E>().is_some()
    }

    /// That of an asynchronous host function that isn't ready.
    pub(crate) fn pending() -> Self {
        Self::short(Short::Pending)
    }

    pub(crate) fn is_pending(&self) -> bool {
        matches!(self.cause(), Ok(Cause::Pending) | Err(Short::Pending))
    }

    /// Whether it stands for the store's pending exception.
    pub(crate) fn is_exception(&self) -> bool {
        self.kind() == ErrorKind::Exception
    }

    /// Says what exception it stands for.
    pub(crate) fn name_exception(&mut self, text: impl fmt::Display) {
        if let Ok(ErrorInner { cause: Cause::Thrown(said), .. }) = self.0.0.get_mut()
            && let Ok(text) = try_text(text)
        {
            *said = text;
        }
    }

    /// The WebAssembly functions that were executing, if any were.
    pub fn backtrace(&self) -> Option<&WasmBacktrace> {
        // Something may have stopped before a function began.
        self.0.0.get().ok()?.backtrace.as_ref().filter(|backtrace| !backtrace.frames().is_empty())
    }

    /// The backtrace as it is, if there is one.
    pub(crate) fn existing_backtrace_mut(&mut self) -> Option<&mut WasmBacktrace> {
        self.0.0.get_mut().ok()?.backtrace.as_mut()
    }

    /// The backtrace, to add the frames of an outer execution to; `None` if there is no memory for one.
    pub(crate) fn backtrace_mut(&mut self) -> Option<&mut WasmBacktrace> {
        Some(self.inner_mut()?.backtrace.get_or_insert_with(WasmBacktrace::new))
    }
}

/// The same value, if `T` is its type.
fn same_type<T: 'static>(value: impl Any) -> Option<T> {
    (&mut Some(value) as &mut dyn Any).downcast_mut().and_then(Option::take)
}

impl Repr {
    fn cause(&self) -> Result<&Cause, Short> {
        self.0.get().map(|inner| &inner.cause).map_err(Short::of)
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = match self.0.get() {
            Ok(inner) => inner,
            Err(number) => {
                return match Short::of(number) {
                    Short::Trap(trap) => trap.fmt(f),
                    Short::OutOfMemory(error) => error.fmt(f),
                    Short::Pending => f.write_str(PENDING),
                };
            }
        };
        f.write_str(&inner.context)?;
        match &inner.cause {
            Cause::Trap(trap) => trap.fmt(f),
            Cause::OutOfMemory(error) => error.fmt(f),
            Cause::OutOfBudget(error) => error.fmt(f),
            Cause::Text(text) => f.write_str(text),
            Cause::Module(text, offset, _) => write!(f, "{text} (at offset {offset:#x})"),
            Cause::Host(host) => fmt::Display::fmt((**host).error(), f),
            Cause::Thrown(text) if text.is_empty() => ThrownException.fmt(f),
            Cause::Thrown(text) => f.write_str(text),
            Cause::Pending => f.write_str(PENDING),
        }
    }
}

impl fmt::Debug for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let backtrace = self.0.get().ok().and_then(|inner| inner.backtrace.as_ref());
        match backtrace.filter(|backtrace| !backtrace.frames().is_empty()) {
            Some(backtrace) => write!(f, "\n{backtrace}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Repr {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self.cause() {
            Ok(Cause::Host(host)) => (**host).error().source(),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
