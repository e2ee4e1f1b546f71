//! What the protocol's library asks of a debuggee.

use super::debuggee::{Debuggee, address};
use dunlin::{DebugFrame, Error, Val};
use gdbstub::arch::lldb::{Encoding, Format, Generic, Register};
use gdbstub::common::{Endianness, Pid, Signal, Tid};
use gdbstub::target::ext::base::BaseOps;
use gdbstub::target::ext::base::single_register_access::{SingleRegisterAccess, SingleRegisterAccessOps};
use gdbstub::target::ext::base::singlethread::{
    SingleThreadBase, SingleThreadResume, SingleThreadResumeOps, SingleThreadSingleStep,
    SingleThreadSingleStepOps,
};
use gdbstub::target::ext::breakpoints::{Breakpoints, BreakpointsOps, SwBreakpoint, SwBreakpointOps};
use gdbstub::target::ext::host_info::{HostInfo, HostInfoOps, HostInfoResponse};
use gdbstub::target::ext::libraries::{Libraries, LibrariesOps};
use gdbstub::target::ext::lldb_register_info_override::{
    Callback, CallbackToken, LldbRegisterInfoOverride, LldbRegisterInfoOverrideOps,
};
use gdbstub::target::ext::process_info::{ProcessInfo, ProcessInfoOps, ProcessInfoResponse};
use gdbstub::target::ext::wasm::{Wasm, WasmOps};
use gdbstub::target::{Target, TargetError, TargetResult};
use gdbstub_arch::wasm::addr::{WasmAddr, WasmAddrType};
use gdbstub_arch::wasm::reg::WasmRegisters;
use gdbstub_arch::wasm::reg::id::WasmRegId;
use std::ops::ControlFlow;

/// As LLDB knows WebAssembly.
const TRIPLE: &str = "wasm32-unknown-wasi-wasm";

impl Target for Debuggee<'_> {
    type Arch = gdbstub_arch::wasm::Wasm;
    type Error = Error;

    fn base_ops(&mut self) -> BaseOps<'_, Self::Arch, Self::Error> {
        BaseOps::SingleThread(self)
    }

    fn support_breakpoints(&mut self) -> Option<BreakpointsOps<'_, Self>> {
        Some(self)
    }

    fn support_lldb_register_info_override(&mut self) -> Option<LldbRegisterInfoOverrideOps<'_, Self>> {
        Some(self)
    }

    fn support_libraries(&mut self) -> Option<LibrariesOps<'_, Self>> {
        Some(self)
    }

    fn support_host_info(&mut self) -> Option<HostInfoOps<'_, Self>> {
        Some(self)
    }

    fn support_process_info(&mut self) -> Option<ProcessInfoOps<'_, Self>> {
        Some(self)
    }

    fn support_wasm(&mut self) -> Option<WasmOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadBase for Debuggee<'_> {
    fn read_registers(&mut self, registers: &mut WasmRegisters) -> TargetResult<(), Self> {
        registers.pc = self.pc();
        Ok(())
    }

    /// Where it goes on can't be chosen.
    fn write_registers(&mut self, _: &WasmRegisters) -> TargetResult<(), Self> {
        Err(TargetError::NonFatal)
    }

    fn read_addrs(&mut self, start: u64, into: &mut [u8]) -> TargetResult<usize, Self> {
        let address = WasmAddr::from_raw(start).ok_or(TargetError::NonFatal)?;
        let all = match (address.addr_type(), address.module_index()) {
            (WasmAddrType::Object, 0) => self.bytes,
            (WasmAddrType::Object, _) => &[],
            (WasmAddrType::Memory, index) => match self.instance.debug_memory(&*self.store, index) {
                Some(memory) => memory.data(&*self.store),
                None => &[],
            },
        };
        let there = all.get(address.offset() as usize..).unwrap_or_default();
        let count = there.len().min(into.len());
        if count == 0 {
            return Err(TargetError::NonFatal);
        }
        into[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_addrs(&mut self, start: u64, bytes: &[u8]) -> TargetResult<(), Self> {
        let address = WasmAddr::from_raw(start).ok_or(TargetError::NonFatal)?;
        if address.addr_type() != WasmAddrType::Memory {
            return Err(TargetError::NonFatal);
        }
        let memory = self.instance.debug_memory(&*self.store, address.module_index());
        let memory = memory.ok_or(TargetError::NonFatal)?;
        memory.write(&mut *self.store, address.offset() as usize, bytes).map_err(|_| TargetError::NonFatal)
    }

    fn support_single_register_access(&mut self) -> Option<SingleRegisterAccessOps<'_, (), Self>> {
        Some(self)
    }

    fn support_resume(&mut self) -> Option<SingleThreadResumeOps<'_, Self>> {
        Some(self)
    }
}

impl SingleRegisterAccess<()> for Debuggee<'_> {
    fn read_register(&mut self, (): (), _: WasmRegId, into: &mut [u8]) -> TargetResult<usize, Self> {
        let pc = self.pc().to_le_bytes();
        let place = into.get_mut(..pc.len()).ok_or(TargetError::NonFatal)?;
        place.copy_from_slice(&pc);
        Ok(pc.len())
    }

    fn write_register(&mut self, (): (), _: WasmRegId, _: &[u8]) -> TargetResult<(), Self> {
        Err(TargetError::NonFatal)
    }
}

impl SingleThreadResume for Debuggee<'_> {
    fn resume(&mut self, _: Option<Signal>) -> Result<(), Self::Error> {
        self.steps = false;
        Ok(())
    }

    fn support_single_step(&mut self) -> Option<SingleThreadSingleStepOps<'_, Self>> {
        Some(self)
    }
}

impl SingleThreadSingleStep for Debuggee<'_> {
    fn step(&mut self, _: Option<Signal>) -> Result<(), Self::Error> {
        self.steps = true;
        Ok(())
    }
}

impl Breakpoints for Debuggee<'_> {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Debuggee<'_> {
    fn add_sw_breakpoint(&mut self, at: u64, _: usize) -> TargetResult<bool, Self> {
        instruction(at)
            .map_or(Ok(false), |offset| self.set_breakpoint(offset, true))
            .map_err(TargetError::Fatal)
    }

    fn remove_sw_breakpoint(&mut self, at: u64, _: usize) -> TargetResult<bool, Self> {
        instruction(at)
            .map_or(Ok(false), |offset| self.set_breakpoint(offset, false))
            .map_err(TargetError::Fatal)
    }
}

/// The offset in the module of an address, if it is one of the module's.
fn instruction(at: u64) -> Option<u32> {
    let address = WasmAddr::from_raw(at)?;
    (address.addr_type() == WasmAddrType::Object && address.module_index() == 0).then(|| address.offset())
}

impl LldbRegisterInfoOverride for Debuggee<'_> {
    fn lldb_register_info<'a>(
        &mut self,
        number: usize,
        info: Callback<'a>,
    ) -> Result<CallbackToken<'a>, Self::Error> {
        if number > 0 {
            return Ok(info.done());
        }
        Ok(info.write(Register {
            name: "pc",
            alt_name: Some("pc"),
            bitsize: 64,
            offset: 0,
            encoding: Encoding::Uint,
            format: Format::Hex,
            set: "PC",
            gcc: Some(16),
            dwarf: Some(16),
            generic: Some(Generic::Pc),
            container_regs: None,
            invalidate_regs: None,
        }))
    }
}

impl Libraries for Debuggee<'_> {
    fn get_libraries(&self, offset: u64, length: usize, into: &mut [u8]) -> TargetResult<usize, Self> {
        let name = self.name.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let (start, list) = (address(0), "library-list");
        let xml =
            format!("<{list}><library name=\"{name}\"><section address=\"{start:#x}\"/></library></{list}>");
        let rest =
            usize::try_from(offset).ok().and_then(|offset| xml.as_bytes().get(offset..)).unwrap_or_default();
        let count = rest.len().min(length).min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}

impl HostInfo for Debuggee<'_> {
    fn host_info(&self, write: &mut dyn FnMut(&HostInfoResponse<'_>)) -> Result<(), Self::Error> {
        write(&HostInfoResponse::Triple(TRIPLE));
        write(&HostInfoResponse::Endianness(Endianness::Little));
        write(&HostInfoResponse::PointerSize(4));
        Ok(())
    }
}

impl ProcessInfo for Debuggee<'_> {
    fn process_info(&self, write: &mut dyn FnMut(&ProcessInfoResponse<'_>)) -> Result<(), Self::Error> {
        write(&ProcessInfoResponse::Pid(Pid::new(1).expect("1 isn't 0")));
        write(&ProcessInfoResponse::Triple(TRIPLE));
        write(&ProcessInfoResponse::Endianness(Endianness::Little));
        write(&ProcessInfoResponse::PointerSize(4));
        Ok(())
    }
}

impl Wasm for Debuggee<'_> {
    fn wasm_call_stack(&self, _: Tid, next: &mut dyn FnMut(u64)) -> Result<(), Self::Error> {
        self.frames(&mut |frame| {
            next(frame.next_offset().map_or(0, address));
            ControlFlow::Continue(())
        });
        Ok(())
    }

    fn read_wasm_local(&self, _: Tid, frame: usize, index: usize, into: &mut [u8]) -> Result<usize, Error> {
        Ok(self.value(frame, into, |frame| frame.locals().ok()?.get(index).copied()))
    }

    fn read_wasm_stack(&self, _: Tid, frame: usize, index: usize, into: &mut [u8]) -> Result<usize, Error> {
        Ok(self.value(frame, into, |frame| frame.stack().ok()?.into_iter().rev().nth(index)))
    }

    fn read_wasm_global(&self, _: Tid, frame: usize, index: usize, into: &mut [u8]) -> Result<usize, Error> {
        let global =
            |frame: DebugFrame<'_>| frame.instance().debug_global(&*self.store, u32::try_from(index).ok()?);
        let value = self.frame(frame, global).flatten().map(|global| global.get(&*self.store));
        Ok(value.map_or(0, |value| put(value, into)))
    }
}

impl Debuggee<'_> {
    /// A value of a frame, little-endian, and its length; 0 if there is none.
    fn value(&self, frame: usize, into: &mut [u8], find: impl FnMut(DebugFrame<'_>) -> Option<Val>) -> usize {
        self.frame(frame, find).flatten().map_or(0, |value| put(value, into))
    }
}

/// References have no bytes that would mean anything to a debugger.
fn put(value: Val, into: &mut [u8]) -> usize {
    let bytes = match value {
        Val::I32(n) => n.to_le_bytes().to_vec(),
        Val::I64(n) => n.to_le_bytes().to_vec(),
        Val::F32(bits) => bits.to_le_bytes().to_vec(),
        Val::F64(bits) => bits.to_le_bytes().to_vec(),
        Val::V128(bits) => u128::from(bits).to_le_bytes().to_vec(),
        _ => return 0,
    };
    let count = bytes.len().min(into.len());
    into[..count].copy_from_slice(&bytes[..count]);
    count
}
