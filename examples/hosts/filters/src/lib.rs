//! What the filters have in common: nothing but this folder. Each is an example of this package.
