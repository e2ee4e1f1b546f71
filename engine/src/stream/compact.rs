//! Imports that share a module's name or a type, before wasmparser reads them: it keeps each by itself.

use super::scan::Scan;

/// In place of an import's name and type: that several names and types follow, or a type and several names.
const NAMES_AND_TYPES: u8 = 0x7f;
const TYPE_AND_NAMES: u8 = 0x7e;

/// What an import section with shared names comes to.
pub(super) struct Imports {
    /// At least as many imports as wasmparser will keep.
    pub(super) count: u64,
    /// At least as many bytes as their names would have if none was shared.
    pub(super) bytes: u64,
}

impl Imports {
    /// The imports in a section with these contents, if some share a name. The contents may be of any form: what can't be read as
    /// imports is where wasmparser ends.
    pub(super) fn of(contents: &[u8]) -> Option<Imports> {
        let mut pairs = contents.windows(2);
        if !pairs.any(|pair| matches!(pair, [0, NAMES_AND_TYPES | TYPE_AND_NAMES])) {
            return None;
        }
        let mut imports = Imports { count: 0, bytes: contents.len() as u64 };
        let mut scan = Scan::new(contents);
        let mut module = 0;
        if imports.read(&mut scan, &mut module).is_none() {
            // Each takes a byte at least.
            imports.add(scan.left() as u64, module);
        }
        Some(imports)
    }

    fn add(&mut self, count: u64, module: u32) {
        self.count = self.count.saturating_add(count);
        self.bytes = self.bytes.saturating_add(count.saturating_mul(module.into()));
    }

    /// `module` is how long the name is that the imports share that are read.
    fn read(&mut self, scan: &mut Scan<'_>, module: &mut u32) -> Option<()> {
        for _ in 0..scan.number()? {
            *module = scan.number()?;
            scan.skip(*module as usize)?;
            let name = scan.number()?;
            scan.skip(name as usize)?;
            match scan.peek()? {
                NAMES_AND_TYPES if name == 0 => {
                    scan.byte()?;
                    for _ in 0..scan.number()? {
                        self.name(scan, *module)?;
                        extern_type(scan)?;
                    }
                }
                TYPE_AND_NAMES if name == 0 => {
                    scan.byte()?;
                    extern_type(scan)?;
                    for _ in 0..scan.number()? {
                        self.name(scan, *module)?;
                    }
                }
                _ => {
                    extern_type(scan)?;
                    self.count += 1;
                }
            }
        }
        Some(())
    }

    fn name(&mut self, scan: &mut Scan<'_>, module: u32) -> Option<()> {
        self.add(1, module);
        let name = scan.number()?;
        scan.skip(name as usize)
    }
}

/// The type of an import.
fn extern_type(scan: &mut Scan<'_>) -> Option<()> {
    /// The bits of limits: that there is a maximum, and a page size.
    const MAXIMUM: u8 = 1;
    const PAGE_SIZE: u8 = 8;
    let limits = |scan: &mut Scan<'_>| {
        let flags = scan.byte()?;
        scan.skip_number()?;
        (0..(flags & MAXIMUM) + (flags & PAGE_SIZE) / PAGE_SIZE).try_for_each(|_| scan.skip_number())
    };
    match scan.byte()? {
        0 => scan.skip_number(),
        1 => {
            scan.value_type()?;
            limits(scan)
        }
        2 => limits(scan),
        3 => {
            scan.value_type()?;
            scan.skip(1)
        }
        4 => {
            scan.skip(1)?;
            scan.skip_number()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(contents: &[u8]) -> Option<(u64, u64)> {
        Imports::of(contents).map(|imports| (imports.count, imports.bytes - contents.len() as u64))
    }

    #[test]
    fn shared_names_count_for_each_import() {
        assert_eq!(counts(&[1, 1, b'm', 1, b'f', 0, 0]), None);
        // Two names and types; then a global by itself; then a type and three names.
        let two = [3, b'm', b'o', b'd', 0, NAMES_AND_TYPES, 2, 1, b'f', 0, 0, 1, b'm', 2, 1, 1, 9];
        let alone = [1, b'm', 0, 3, 0x7f, 0];
        let three = [2, b'm', b'o', 0, TYPE_AND_NAMES, 1, 0x63, 0x80, 0, 0, 1, 3, 1, b'a', 1, b'b', 0];
        let all = [&[3][..], &two, &alone, &three].concat();
        assert_eq!(counts(&all), Some((6, 2 * 3 + 3 * 2)));
        // A table that isn't one: what follows may be imports of a byte each.
        let broken = [&[1][..], &two[..11], &[1, b't', 9, 9, 9, 9]].concat();
        assert_eq!(counts(&broken), Some((2 + 3, 5 * 3)));
    }
}
