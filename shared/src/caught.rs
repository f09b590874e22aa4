//! A panic is a failure of the request or message that it happened in, and of nothing beside it.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use crate::error::{Result, internal};

/// What `work` comes to; 500 with the panic's words as the cause where it panics.
pub async fn caught<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    // Safe to go on: what several requests share is behind locks whose holders leave it whole.
    let ended = AssertUnwindSafe(work).catch_unwind().await;
    ended.unwrap_or_else(|panic| Err(internal(words(&*panic))))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panicked".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[tokio::test]
    async fn a_panic_is_an_error_of_ours_and_its_words_are_the_cause() {
        let worse = |number: u32| async move {
            assert_ne!(number, 7, "the worst number");
            Ok(number)
        };
        let ended = futures::future::join_all([6, 7, 8].map(|number| caught(worse(number)))).await;
        let [Ok(6), Err(error), Ok(8)] = &ended[..] else { panic!("{ended:?}") };
        assert_eq!(error.problem().kind(), Kind::Internal);
        assert!(error.cause().is_some_and(|cause| cause.contains("the worst number")));
    }
}
