//! Names of machine code for `perf`, which reads them from a file of lines: address, size, name.

use super::chunk::CodeChunk;
use crate::code::{Piece, Placed};
use dunlin::tier::View;
use std::fs::File;
use std::io::{self, Cursor, Write};

/// The longest line; names are cut to fit. On the stack, since what code is listed isn't paid for by a budget.
const LINE: usize = 512;

/// Appends a chunk's pieces to a file. Several threads may do so at a time: each line is one write.
pub(super) fn list(view: View<'_>, chunk: &CodeChunk, pieces: &[Placed], mut file: &File) -> io::Result<()> {
    let ends = pieces.iter().skip(1).map(|next| next.at as usize).chain([chunk.len()]);
    for (piece, end) in pieces.iter().zip(ends) {
        let mut line = [0; LINE];
        let mut rest = Cursor::new(&mut line[..LINE - 1]);
        let at = chunk.address(piece.at) as usize;
        // Only the name can be too long, and then it is cut.
        let _ = write!(rest, "{at:x} {:x} ", end.saturating_sub(piece.at as usize));
        let _ = name(view, piece.piece, &mut rest);
        let mut len = rest.position() as usize;
        // A cut may be within a character.
        len = line[..len].utf8_chunks().next().map_or(0, |text| text.valid().len());
        line[len] = b'\n';
        file.write_all(&line[..=len])?;
    }
    Ok(())
}

fn name(view: View<'_>, piece: Piece, out: &mut impl Write) -> io::Result<()> {
    let (index, what) = match piece {
        Piece::Func(index) => (index, ""),
        Piece::Loop(index, _) => (index, " [from a loop on]"),
        Piece::Island(index, _) => (index, " [loop]"),
        Piece::Detour(index) => (index, " [detour]"),
        Piece::Trampoline(ty) => return write!(out, "[trampoline of type {ty}]"),
        Piece::Stub(ty) => return write!(out, "[stub of type {ty}]"),
        Piece::Bridge => return write!(out, "[bridge]"),
    };
    let func = view.imported_funcs() + index;
    match view.func_name(func) {
        // A line ends where a name does.
        Some(name) => name.split(char::is_control).try_for_each(|part| out.write_all(part.as_bytes()))?,
        None => write!(out, "func[{func}]")?,
    }
    out.write_all(what.as_bytes())
}
