//! Configuration: named texts that the host's operator sets, and guests read.

use std::collections::BTreeMap;
use std::fmt::Debug;

/// Named texts.
pub trait Config: Debug + Send + Sync {
    /// The value of a name.
    fn get(&self, name: &str) -> Option<String>;
}

/// A fixed set of values.
#[derive(Clone, Debug, Default)]
pub struct FixedConfig(BTreeMap<String, String>);

impl FromIterator<(String, String)> for FixedConfig {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl Config for FixedConfig {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_had() {
        let config: FixedConfig = [("region".to_owned(), "north".to_owned())].into_iter().collect();
        assert_eq!(config.get("region").as_deref(), Some("north"));
        assert_eq!(config.get("Region"), None);
    }
}
