//! A list that is not endless.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};

/// No answer has more choices, blocks or calls. A body of 16 MiB has room for millions of empty ones, which would be
/// a hundred times as large in memory.
const MAX: usize = 4096;

/// A list of at most 4,096 elements, or `MOST`; a longer one is an error, null is empty.
#[derive(Debug)]
pub(crate) struct Few<T, const MOST: usize = MAX>(pub(crate) Vec<T>);

impl<T, const MOST: usize> Default for Few<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MOST: usize> Few<T, MOST> {
    #[cfg(any(feature = "openai", feature = "gemini", feature = "workers-ai"))]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T, const MOST: usize> IntoIterator for Few<T, MOST> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Few<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FewVisitor<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for FewVisitor<T, MOST> {
            type Value = Few<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Few(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MOST {
                        return Err(A::Error::custom(format_args!("a list of more than {MOST}")));
                    }
                    items.push(item);
                }
                Ok(Few(items))
            }
        }

        deserializer.deserialize_any(FewVisitor::<T, MOST>(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_list_and_null_and_no_endless_list() {
        let list = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        let read = |json: &str| serde_json::from_str::<Few<serde::de::IgnoredAny>>(json).map(|few| few.0.len());
        assert_eq!(read(&list(MAX)).unwrap(), MAX);
        assert_eq!(read("null").unwrap(), 0);
        assert!(read(&list(MAX + 1)).is_err());
    }
}
