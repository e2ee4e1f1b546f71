//! Handing code to the engine.

use super::memory::CodeChunk;
use crate::piece::Piece;
use dunlin::Error;
use dunlin::tier::{Shape, View};
use std::collections::HashMap;

/// Tells the engine where the pieces of a chunk are.
///
/// # Errors
/// If there is no memory for the engine's notes. What has been handed in by then stays.
pub(crate) fn publish(
    view: View<'_>,
    chunk: &CodeChunk,
    pieces: &[(Piece, u32)],
    shapes: &HashMap<u32, Shape>,
) -> Result<(), Error> {
    let stubs: HashMap<u32, u32> = pieces
        .iter()
        .filter_map(|(piece, at)| match *piece {
            Piece::Stub(ty) => Some((ty, *at)),
            _ => None,
        })
        .collect();
    // Types first: whatever is published may be entered at once.
    for (piece, at) in pieces {
        if let Piece::Trampoline(ty) = *piece
            && let Some(stub) = stubs.get(&ty)
        {
            // SAFETY: the compiler has made them for this, and the engine has been given the chunk to keep.
            unsafe { view.publish_type(ty, chunk.address(*at), chunk.address(*stub)) };
        }
    }
    for (piece, at) in pieces {
        if let Piece::Bridge = *piece {
            // SAFETY: as for types.
            unsafe { view.publish_bridge(chunk.address(*at)) };
        }
    }
    for (piece, at) in pieces {
        let code = chunk.address(*at);
        // SAFETY: the compiler has translated this very function, and has made the types that it needs, or they were
        // published before; the engine has been given the chunk to keep.
        unsafe {
            match *piece {
                Piece::Func(index) => view.publish_func(index, code, &shapes[&index])?,
                Piece::Loop(index, header) => view.publish_loop(index, header, code)?,
                Piece::Trampoline(_) | Piece::Stub(_) | Piece::Detour(_) | Piece::Bridge => {}
            }
        }
    }
    Ok(())
}
