//! Routes: which paths a program answers.

use std::fmt;

/// A path, or with `/...` at its end, a path and all below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    base: String,
    below: bool,
}

impl Route {
    /// The route that is written so.
    pub fn new(text: &str) -> Self {
        match text.strip_suffix("/...") {
            Some(base) => Self { base: base.into(), below: true },
            None => Self { base: text.into(), below: false },
        }
    }

    /// A route for every path.
    pub fn all() -> Self {
        Self::new("/...")
    }

    /// Of a path that belongs to it, what follows the route.
    pub fn rest<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&*self.base)?;
        (rest.is_empty() || self.below && rest.starts_with('/')).then_some(rest)
    }

    /// The path of what answers, as CGI's `SCRIPT_NAME` has it.
    pub fn script_name(&self) -> &str {
        &self.base
    }

    /// A route below this one.
    pub fn join(&self, other: &Route) -> Self {
        let base = format!("{}/{}", self.base.trim_end_matches('/'), other.base.trim_start_matches('/'));
        Self { base, below: other.below }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)?;
        f.write_str(if self.below { "/..." } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_routes() {
        let exact = Route::new("/foo");
        assert_eq!((exact.rest("/foo"), exact.rest("/foo/"), exact.rest("/foo/bar")), (Some(""), None, None));
        let below = Route::new("/foo/...");
        assert_eq!(below.rest("/foo"), Some(""));
        assert_eq!(below.rest("/foo/bar/baz"), Some("/bar/baz"));
        assert_eq!((below.rest("/foobar"), below.rest("/")), (None, None));
        let all = Route::all();
        assert_eq!((all.rest("/"), all.rest("/a/b")), (Some("/"), Some("/a/b")));
        assert_eq!(Route::new("/").rest("/a"), None);
        for text in ["/", "/foo", "/foo/...", "/..."] {
            assert_eq!(Route::new(text).to_string(), text);
        }
    }

    #[test]
    fn routes_are_joined_by_one_slash() {
        for (base, below, joined) in
            [("/", "/a", "/a"), ("/x", "a", "/x/a"), ("/x/", "/a/...", "/x/a/..."), ("/x/...", "/a", "/x/a")]
        {
            assert_eq!(Route::new(base).join(&Route::new(below)).to_string(), joined);
        }
    }
}
