//! What a filter writes to its standard output and error.

use super::options::{Message, PluginOptions};
use super::status::Level;
use dunlin_wasi_lite::WritePipe;
use std::io::{self, Write};
use std::sync::Arc;

/// Makes a message of each write.
pub(super) struct Lines {
    options: Arc<PluginOptions>,
    level: Level,
    written: Vec<u8>,
}

impl Lines {
    pub(super) fn pipe(options: Arc<PluginOptions>, level: Level) -> WritePipe {
        WritePipe::new(Self { options, level, written: Vec::new() })
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.options.limits.message_bytes.saturating_sub(self.written.len());
        self.written.extend(&bytes[..bytes.len().min(room)]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = self.written.strip_suffix(b"\n").unwrap_or(&self.written);
        if self.level >= self.options.log_level && !self.written.is_empty() {
            let text = &String::from_utf8_lossy(text);
            (self.options.log)(Message { plugin: &self.options.name, level: self.level, text });
        }
        self.written.clear();
        Ok(())
    }
}
