//! Publishes code to the engine.

use super::chunk::CodeChunk;
use super::perf_map;
use crate::code::{Piece, Placed};
use dunlin::Error;
use dunlin::tier::View;
use std::fs::File;

/// Tells the engine the addresses of a chunk's pieces, and `perf` as well, if there is a map for it.
///
/// # Errors
/// If there is no memory for the engine's entries. What has been published by then stays.
pub(crate) fn publish(
    view: View<'_>,
    chunk: &CodeChunk,
    pieces: &[Placed],
    perf_map: Option<&File>,
) -> Result<(), Error> {
    // A file that can't be written costs names, and nothing else.
    let _ = perf_map.map(|file| perf_map::list(view, chunk, pieces, file));
    // Trampolines and stubs come first: a function may be entered as soon as it is published.
    for pair in pieces.windows(2) {
        if let (Piece::Trampoline(ty), Piece::Stub(_)) = (pair[0].piece, pair[1].piece) {
            // SAFETY: the compiler generated them as trampoline and stub of this type, and the engine keeps the chunk
            // (`View::keep`).
            unsafe { view.publish_type(ty, chunk.address(pair[0].at), chunk.address(pair[1].at)) };
        }
    }
    for &Placed { piece, at, .. } in pieces {
        if let Piece::Bridge = piece {
            // SAFETY: the compiler generated it as the bridge, and the engine keeps the chunk (`View::keep`).
            unsafe { view.publish_bridge(chunk.address(at)) };
        }
    }
    for &Placed { piece, at, entry } in pieces {
        let code = chunk.address(at);
        // SAFETY: the compiler translated this very function. The types that it needs were published above or before,
        // and the engine keeps the chunk (`View::keep`).
        unsafe {
            match (piece, entry) {
                (Piece::Func(index), Some(entry)) => view.publish_func(index, code, entry)?,
                (Piece::Loop(index, header), _) => view.publish_loop(index, header, code)?,
                (Piece::Island(index, header), _) => view.publish_island(index, header, code)?,
                _ => {}
            }
        }
    }
    Ok(())
}
