//! Resources: which paths a handler answers.

use super::request::unescaped;
use std::collections::BTreeMap;

/// A path whose parts may be parameters: `/user/:name/*rest`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Route(Vec<Part>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    /// This text.
    Exact(String),
    /// Any text but none.
    Param(String),
    /// Everything from here on.
    Rest(String),
}

/// How a route looks, whatever its parameters are called. What is more exact is less.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Shape<'r> {
    Exact(&'r str),
    Param,
    Rest,
}

impl Route {
    /// Reads a resource.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').ok_or("it doesn't begin with /")?;
        let mut parts = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        for part in path.split('/') {
            if matches!(parts.last(), Some(Part::Rest(_))) {
                return Err("something follows the *".into());
            }
            let (made, name): (fn(String) -> Part, _) = match part.as_bytes() {
                [b':', ..] => (Part::Param, Some(&part[1..])),
                [b'*', ..] => (Part::Rest, Some(&part[1..])),
                _ => (Part::Exact, None),
            };
            if name.unwrap_or(part).contains([':', '*', '?', '#']) {
                return Err(format!("'{part}' is neither a text nor one parameter"));
            }
            match name {
                Some("") => return Err("a parameter has no name".into()),
                Some(name) if names.contains(&name) => {
                    return Err(format!("two parameters are called '{name}'"));
                }
                Some(name) => names.push(name),
                None => {}
            }
            parts.push(made(name.unwrap_or(part).to_owned()));
        }
        Ok(Self(parts))
    }

    /// Where the route stands among others, of which the first that fits answers.
    pub(super) fn shape(&self) -> Vec<Shape<'_>> {
        fn shape(part: &Part) -> Shape<'_> {
            match part {
                Part::Exact(text) => Shape::Exact(text),
                Part::Param(_) => Shape::Param,
                Part::Rest(_) => Shape::Rest,
            }
        }

        self.0.iter().map(shape).collect()
    }

    /// The parameters of a path that belongs to the route. The last may be a rest, which begins with a slash.
    pub(super) fn params(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut params = BTreeMap::new();
        let mut rest = Some(path);
        for part in &self.0 {
            let here = rest?.strip_prefix('/')?;
            let (text, after) = match here.find('/') {
                Some(slash) => (&here[..slash], Some(&here[slash..])),
                None => (here, None),
            };
            match part {
                Part::Exact(wanted) if unescaped(text, false) == *wanted => {}
                Part::Param(name) if !text.is_empty() => {
                    params.insert(name.clone(), unescaped(text, false));
                }
                Part::Rest(name) => {
                    params.insert(name.clone(), unescaped(rest?, false));
                    return Some(params);
                }
                Part::Exact(_) | Part::Param(_) => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(route: &str, path: &str, expected: Option<&[(&str, &str)]>) {
        let pairs = expected.map(|pairs| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect());
        assert_eq!(Route::parse(route).unwrap().params(path), pairs, "{route} {path}");
    }

    #[test]
    fn paths_have_parameters() {
        check("/", "/", Some(&[]));
        check("/", "/a", None);
        check("/a/b", "/a/b", Some(&[]));
        check("/a/b", "/a/b/", None);
        check("/a/b", "/a", None);
        check("/a%b", "/a%25b", Some(&[]));
        check("/set/:key", "/set/a%2Fb+c", Some(&[("key", "a/b+c")]));
        check("/set/:key", "/set/", None);
        check("/set/:key", "/set/a/b", None);
        check("/:a/:b", "/1/2", Some(&[("a", "1"), ("b", "2")]));
        check("/file/*file", "/file/a/b.md", Some(&[("file", "/a/b.md")]));
        check("/file/*file", "/file/", Some(&[("file", "/")]));
        check("/file/*file", "/file", None);
        check("/*all", "/", Some(&[("all", "/")]));
        check("/*all", "", None);
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        for (text, why) in [
            ("", "doesn't begin with /"),
            ("a", "doesn't begin with /"),
            ("/:", "no name"),
            ("/a/*", "no name"),
            ("/*a/b", "follows the *"),
            ("/:a/:a", "called 'a'"),
            ("/a:b", "neither"),
            ("/:a*b", "neither"),
            ("/a?b", "neither"),
        ] {
            let refused = Route::parse(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }

    #[test]
    fn the_most_exact_comes_first() {
        let routes = ["/a/b", "/a/:x", "/a/:x/c", "/a/*r", "/:y/b", "/*all"];
        let parsed = routes.map(|route| Route::parse(route).unwrap());
        assert!(parsed.iter().map(Route::shape).is_sorted());
        assert_eq!(Route::parse("/a/:z").unwrap().shape(), parsed[1].shape());
    }
}
