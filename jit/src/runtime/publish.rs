//! Handing code to the engine.

use super::memory::CodeChunk;
use crate::piece::{Piece, Placed};
use dunlin::Error;
use dunlin::tier::View;

/// Tells the engine where the pieces of a chunk are.
///
/// # Errors
/// If there is no memory for the engine's notes. What has been handed in by then stays.
pub(crate) fn publish(
    view: View<'_>,
    chunk: &CodeChunk,
    pieces: &[Placed],
) -> Result<(), Error> {
    // Types first: whatever is published may be entered at once.
    for pair in pieces.windows(2) {
        if let (Piece::Trampoline(ty), Piece::Stub(_)) = (pair[0].piece, pair[1].piece) {
            // SAFETY: the compiler has made them for this, and the engine has been given the chunk to keep.
            unsafe { view.publish_type(ty, chunk.address(pair[0].at), chunk.address(pair[1].at)) };
        }
    }
    for &Placed { piece, at, .. } in pieces {
        if let Piece::Bridge = piece {
            // SAFETY: as for types.
            unsafe { view.publish_bridge(chunk.address(at)) };
        }
    }
    for &Placed { piece, at, entry } in pieces {
        let code = chunk.address(at);
        // SAFETY: the compiler has translated this very function, and has made the types that it needs, or they were
        // published before; the engine has been given the chunk to keep.
        unsafe {
            match (piece, entry) {
                (Piece::Func(index), Some(entry)) => view.publish_func(index, code, entry)?,
                (Piece::Loop(index, header), _) => view.publish_loop(index, header, code)?,
                _ => {}
            }
        }
    }
    Ok(())
}
