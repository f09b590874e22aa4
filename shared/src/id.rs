//! Ids: UUIDs of version 7, each kind a type of its own.
//!
//! Made in the function: `nextval` would pin a connection on RDS Proxy, and version 7 keeps the index's right edge hot.

/// Declares an id type.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// As everybody writes it.
            pub const CHARACTERS: usize = uuid::fmt::Hyphenated::LENGTH;

            /// A new id, greater than all before it.
            #[expect(clippy::new_without_default, reason = "a new id each time is not a default")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl std::str::FromStr for $name {
            type Err = &'static str;

            /// Takes the hyphenated form alone: the only one that needs no percent-encoding in a path.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let hyphenated = text.len() == Self::CHARACTERS;
                let id = hyphenated.then(|| uuid::Uuid::try_parse(text).ok()).flatten();
                id.map(Self).ok_or("must be a UUID such as 01900000-0000-7000-8000-000000000001")
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl From<$name> for crate::database::Argument {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }
    };
}

pub(crate) use id;
