//! Setting the times of files.

/// What becomes of one of a file's times.
#[derive(Clone, Copy)]
pub(crate) enum NewTime {
    /// It stays what it is.
    Same,
    /// It becomes the present.
    Now,
    /// It becomes so many nanoseconds since the beginning of 1970.
    At(u64),
}

/// What becomes of a file's times.
#[derive(Clone, Copy)]
pub(crate) struct NewTimes {
    pub(crate) access: NewTime,
    pub(crate) modification: NewTime,
}
