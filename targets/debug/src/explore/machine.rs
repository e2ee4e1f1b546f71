//! Machine code as instructions.

use dunlin_jit::aot::{MachineCode, Target};
use yaxpeax_arch::{AddressBase, Arch, Decoder, Reader, U8Reader};
use yaxpeax_arm::armv8::a64::ARMv8;
use yaxpeax_x86::x86_64;

/// The instructions of a function, each with its place in the function; and the offsets in the module that they are from, as
/// far as those are known.
pub(super) fn instructions(target: Target, code: &MachineCode) -> Vec<(Option<u64>, String)> {
    let lengths = match target {
        Target::X86_64 => decoded::<x86_64>(&code.code, 1),
        Target::Aarch64 => decoded::<ARMv8>(&code.code, 4),
    };
    let (mut at, mut sites) = (0, code.sites.iter().peekable());
    let mut lines = Vec::new();
    for (length, text) in lengths {
        let end = at + length;
        // A trap is noted at the instruction's first byte, a call at its last.
        let mut offset = None;
        while let Some((_, from)) = sites.next_if(|(site, _)| (*site as usize) < end) {
            offset = Some(*from);
        }
        lines.push((offset, format!("{at:6x}  {text}")));
        at = end;
    }
    lines
}

/// Decodes all instructions: how many bytes each has, and what it is. What isn't known, such as data between code, is shown as
/// bytes, as many as are skipped.
fn decoded<A: Arch<Word = u8>>(code: &[u8], skipped: usize) -> Vec<(usize, String)>
where
    A::Instruction: std::fmt::Display,
    for<'b> U8Reader<'b>: Reader<A::Address, u8>,
{
    let decoder = A::Decoder::default();
    let (mut at, mut decoded) = (0, Vec::new());
    while at < code.len() {
        let rest = &code[at..];
        let mut reader = U8Reader::new(rest);
        let (length, text) = match decoder.decode(&mut reader) {
            Ok(instruction) => {
                let length = Reader::<A::Address, u8>::total_offset(&mut reader).to_linear();
                (length.clamp(1, rest.len()), instruction.to_string())
            }
            Err(_) => {
                let bytes = &rest[..skipped.min(rest.len())];
                let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                (bytes.len(), format!(".byte {}", hex.join(" ")))
            }
        };
        decoded.push((length, text));
        at += length;
    }
    decoded
}
