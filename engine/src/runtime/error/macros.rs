//! Macros that make errors of messages.

/// Makes an [`Error`](crate::Error) of a format string and its arguments, or of a value: an error that
/// `?` accepts is kept, and of all else the `Display` is the message.
///
/// ```
/// let (name, count) = ("x", 3);
/// assert_eq!(dunlin::format_err!("{name} has {}", count).to_string(), "x has 3");
/// assert_eq!(dunlin::format_err!(dunlin::Trap::OutOfFuel).trap(), Some(dunlin::Trap::OutOfFuel));
/// assert_eq!(dunlin::format_err!(String::from("text")).to_string(), "text");
/// ```
#[macro_export]
macro_rules! format_err {
    ($message:literal $(,)?) => {
        $crate::Error::msg(::core::format_args!($message))
    };
    ($message:literal, $($args:tt)*) => {
        $crate::Error::msg(::core::format_args!($message, $($args)*))
    };
    ($error:expr $(,)?) => {{
        #[allow(unused_imports, reason = "one of them is used")]
        use $crate::error::choose::{OfError as _, OfMessage as _};
        $error.into_error()
    }};
}

/// Returns early with the error that [`format_err!`](crate::format_err) makes of the arguments.
///
/// ```
/// fn half(n: u32) -> dunlin::Result<u32> {
///     if n % 2 == 1 {
///         dunlin::bail!("{n} is odd");
///     }
///     Ok(n / 2)
/// }
/// assert_eq!(half(7).unwrap_err().to_string(), "7 is odd");
/// ```
#[macro_export]
macro_rules! bail {
    ($($args:tt)*) => {
        return ::core::result::Result::Err($crate::format_err!($($args)*))
    };
}

/// Returns early with an error unless a condition holds: [`bail!`](crate::bail) with the arguments behind it, or with the
/// condition's text if there are none.
///
/// ```
/// fn half(n: u32) -> dunlin::Result<u32> {
///     dunlin::ensure!(n % 2 == 0, "{n} is odd");
///     dunlin::ensure!(n > 0);
///     Ok(n / 2)
/// }
/// assert_eq!(half(7).unwrap_err().to_string(), "7 is odd");
/// assert_eq!(half(0).unwrap_err().to_string(), "condition failed: `n > 0`");
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr $(,)?) => {
        if !$condition {
            $crate::bail!("condition failed: `{}`", ::core::stringify!($condition));
        }
    };
    ($condition:expr, $($args:tt)*) => {
        if !$condition {
            $crate::bail!($($args)*);
        }
    };
}
