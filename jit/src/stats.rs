//! Statistics of the tier.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// What a [`Jit`](crate::Jit) has done so far.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Stats {
    /// Functions compiled.
    pub functions: u64,
    /// Loops compiled, alone or with what is behind them (on-stack replacement, OSR): code that an interpreted function
    /// enters in its middle.
    pub loops: u64,
    /// How often such code was entered.
    pub osr_entries: u64,
    /// Functions attached that were compiled ahead of time.
    pub precompiled: u64,
    /// Bytes of WebAssembly compiled.
    pub wasm_bytes: u64,
    /// Bytes of machine code.
    pub code_bytes: u64,
    /// Time spent compiling, on all threads together.
    pub compile_time: Duration,
    /// How many functions and loops stay interpreted, by reason.
    pub declined: BTreeMap<String, u64>,
    /// Why there is no compiler thread, if one was needed and the system gave none. Then the thread that executes hot
    /// code compiles it, and can't be interrupted meanwhile.
    pub no_thread: Option<String>,
}

/// The live counters behind [`Stats`].
#[derive(Default, Debug)]
pub(crate) struct Counters {
    functions: AtomicU64,
    loops: AtomicU64,
    osr_entries: AtomicU64,
    precompiled: AtomicU64,
    wasm_bytes: AtomicU64,
    code_bytes: AtomicU64,
    compile_nanos: AtomicU64,
    declined: Mutex<BTreeMap<String, u64>>,
    no_thread: OnceLock<String>,
}

impl Counters {
    pub(crate) fn entered_loop(&self) {
        self.osr_entries.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn compiled(&self, functions: u64, loops: u64, wasm_bytes: u64) {
        self.functions.fetch_add(functions, Ordering::Relaxed);
        self.loops.fetch_add(loops, Ordering::Relaxed);
        self.wasm_bytes.fetch_add(wasm_bytes, Ordering::Relaxed);
    }

    pub(crate) fn attached(&self, functions: u64, code_bytes: u64) {
        self.precompiled.fetch_add(functions, Ordering::Relaxed);
        self.placed(code_bytes);
    }

    pub(crate) fn placed(&self, code_bytes: u64) {
        self.code_bytes.fetch_add(code_bytes, Ordering::Relaxed);
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn spent(&self, time: Duration) {
        self.compile_nanos.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    #[cfg(feature = "compiler")]
    pub(crate) fn declined(&self, why: &impl ToString) {
        let mut declined = self.declined.lock().unwrap_or_else(PoisonError::into_inner);
        *declined.entry(why.to_string()).or_default() += 1;
    }

    /// Records why there is no compiler thread.
    #[cfg(feature = "compiler")]
    pub(crate) fn has_no_thread(&self, why: String) {
        // Only the first reason is kept.
        let _ = self.no_thread.set(why);
    }

    pub(crate) fn get(&self) -> Stats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            functions: read(&self.functions),
            loops: read(&self.loops),
            osr_entries: read(&self.osr_entries),
            precompiled: read(&self.precompiled),
            wasm_bytes: read(&self.wasm_bytes),
            code_bytes: read(&self.code_bytes),
            compile_time: Duration::from_nanos(read(&self.compile_nanos)),
            declined: self.declined.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            no_thread: self.no_thread.get().cloned(),
        }
    }
}
