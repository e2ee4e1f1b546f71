//! Writes bundles of policies.

use flate2::Compression;
use flate2::write::GzEncoder;

/// A `.tar.gz` of these files.
pub(crate) fn bundle(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, path.trim_start_matches('/'), *content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}
