//! Finds the feature that is off and that a part of a module was refused for.

use super::framing::SectionId;
use super::state::{BodyCheck, Core};
use crate::memory::third_party;
use crate::module::features::Feature;
use crate::module::load_error::{ErrorKind, LoadError};
use crate::module::survey::Survey;
use std::fmt;
use wasmparser::{BinaryReader, FunctionBody, WasmFeatures};

/// A part of a module that is validated at once.
pub(super) enum Part {
    Section(SectionId),
    /// The function with this index, imports counted.
    Function(u32),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Section(id) => f.write_str(id.name()),
            Part::Function(index) => write!(f, "function {index}"),
        }
    }
}

impl<C: BodyCheck> Core<C> {
    /// The error, with Dunlin's message if the reason is that the part uses a feature that is off. `bytes` are the
    /// part, and begin at `offset`.
    ///
    /// Validation ends at the first use of such a feature. So the feature is the reason if what was refused is that
    /// use. It isn't the reason if there is no such use up to there.
    #[cold]
    pub(super) fn explained(&self, error: LoadError, part: Part, bytes: &[u8], offset: u64) -> LoadError {
        let refused = match error.kind {
            ErrorKind::Invalid => Self::refused_use,
            ErrorKind::Unsupported => Self::first_use,
            _ => return error,
        };
        if self.probe_for_no_more().is_err() {
            return error;
        }
        let missing = match error.missing {
            // To wasmparser, these are part of that.
            Some(Feature::Gc) if !self.features.has(Feature::FunctionReferences) => {
                let used = third_party(|| self.refused_use(&error, &part, bytes, offset));
                used.or(Some((Feature::FunctionReferences, error.offset)))
            }
            Some(feature) => Some((feature, error.offset)),
            // A wasmparser that lacks these says no more.
            None if !cfg!(feature = "simd") && error.is_text("unexpected SIMD opcode") => {
                Some((Feature::Simd, error.offset))
            }
            None => third_party(|| refused(self, &error, &part, bytes, offset)),
        };
        let Some((feature, at)) = missing else { return error };
        let what = feature.description();
        let error = match feature.switch() {
            Some(switch) => LoadError::new(
                ErrorKind::Unsupported,
                format_args!("{part} uses {what} (the proposal {feature}), which {switch} turns on"),
                at,
            ),
            None => LoadError::new(
                ErrorKind::Unsupported,
                format_args!(
                    "{part} uses {what} (the proposal {feature}), which this version of Dunlin doesn't have"
                ),
                at,
            ),
        };
        LoadError { missing: Some(feature), ..error }
    }

    /// What the part uses as far as it can be read with these features. No more is held than validation held: an item at a
    /// time.
    fn surveyed(
        &self,
        part: &Part,
        bytes: &[u8],
        offset: u64,
        features: WasmFeatures,
    ) -> (Survey, wasmparser::Result<()>) {
        let mut survey = Survey::with_imported(self.module.imported_memories, self.module.imported_tables);
        let reader = BinaryReader::new_features(bytes, offset, features);
        let read = match part {
            Part::Section(id) => survey.section(*id as u8, reader),
            Part::Function(_) => survey.body(&FunctionBody::new(reader)),
        };
        (survey, read)
    }

    /// The first use of a feature that is off, and where it is.
    fn first_use(&self, _: &LoadError, part: &Part, bytes: &[u8], offset: u64) -> Option<(Feature, u64)> {
        // These features change how alignments are decoded.
        let read_otherwise = WasmFeatures::ACQUIRE_RELEASE_ATOMICS | WasmFeatures::MULTIBYTE_ARRAY_ACCESS;
        let (survey, _) = self.surveyed(part, bytes, offset, WasmFeatures::all() - read_otherwise);
        survey.first(|feature| !self.features.has(feature))
    }

    /// The feature that is off and used where `error` is.
    fn refused_use(
        &self,
        error: &LoadError,
        part: &Part,
        bytes: &[u8],
        offset: u64,
    ) -> Option<(Feature, u64)> {
        let first = self.first_use(error, part, bytes, offset);
        if let Some((feature, at)) = first
            && at <= error.offset
        {
            return Some((feature, error.offset));
        }
        // A few features only change how instructions are encoded.
        let on = self.features.of_bodies();
        let off = |feature| !self.features.has(feature);
        let ends_there = |features| {
            let (_, read) = self.surveyed(part, bytes, offset, features);
            read.is_err_and(|ends| ends.offset() == error.offset)
        };
        let encoded = [
            (Feature::MultiMemory, WasmFeatures::MULTI_MEMORY),
            (Feature::ReferenceTypes, WasmFeatures::REFERENCE_TYPES),
        ];
        let mut encoded = encoded.into_iter().filter(|(feature, _)| off(*feature));
        match part {
            Part::Function(_) if ends_there(on) => {
                encoded.find(|(_, flag)| !ends_there(on | *flag)).map(|(feature, _)| (feature, error.offset))
            }
            _ => None,
        }
    }
}
