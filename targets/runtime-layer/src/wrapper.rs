/// A type of Dunlin's in one of this crate's, which can have the layer's traits.
macro_rules! wrapper {
    ($(#[$meta:meta])* $name:ident $(<$($life:lifetime,)? $data:ident>)? ($inner:ty)) => {
        $(#[$meta])*
        #[repr(transparent)]
        pub struct $name $(<$($life,)? $data: 'static>)? (pub(crate) $inner);

        impl $(<$($life,)? $data: 'static>)? $name $(<$($life,)? $data>)? {
            /// Wraps what Dunlin calls by the same name.
            pub fn new(inner: $inner) -> Self {
                Self(inner)
            }

            /// What is wrapped.
            pub fn into_inner(self) -> $inner {
                self.0
            }
        }

        impl $(<$($life,)? $data: 'static>)? AsRef<$inner> for $name $(<$($life,)? $data>)? {
            fn as_ref(&self) -> &$inner {
                &self.0
            }
        }

        impl $(<$($life,)? $data: 'static>)? AsMut<$inner> for $name $(<$($life,)? $data>)? {
            fn as_mut(&mut self) -> &mut $inner {
                &mut self.0
            }
        }
    };
}

pub(crate) use wrapper;
