//! Atmo: runnables, bundles, and what a host has to bear.

mod reactr;
