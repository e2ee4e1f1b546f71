//! Which compiled tier an engine will have.

use crate::failure::{Failure, Result};
use dunlin::Config;
use dunlin_jit::{Jit, Mode};
use std::sync::Arc;

pub(crate) type TierRef = Arc<Jit>;

/// Which tier an engine will have, if any.
#[derive(Default)]
pub(crate) struct Choice(Option<Mode>);

impl Choice {
    pub(crate) fn of(mode: Option<Mode>) -> Self {
        Self(mode)
    }

    /// The configuration with a tier of that mode, and the tier.
    pub(crate) fn apply(self, mut config: Config) -> Result<(Config, Option<TierRef>)> {
        let Some(mode) = self.0 else { return Ok((config, None)) };
        let jit = Jit::new(Jit::options().mode(mode)).map_err(Failure::other)?;
        config.tier(jit.clone());
        Ok((config, Some(jit)))
    }
}
