//! [mockall](https://docs.rs/mockall) mocks of the traits, for the tests of an application.
//!
//! To let a test *behave* like a queue, take [`MemoryQueue`](crate::MemoryQueue); a mock is for asserting one call.
//!
//! ```
//! use presswork_queue::{Message, MessageId, Queue, mock::MockQueue};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> presswork_queue::Result<()> {
//! let mut queue = MockQueue::new();
//! queue.expect_send().withf(|message| message.body() == b"7").once().returning(|_| Ok(MessageId::from("1")));
//! assert_eq!(queue.send(&Message::json(&7)?).await?.as_str(), "1");
//! # Ok(())
//! # }
//! ```

// The macro writes items that it does not document.
#![allow(missing_docs, missing_debug_implementations)]

use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Admin, Capabilities, Consumer, ConsumerCapabilities, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Depth,
    Discarded, Handler, Inspect, Lease, Message, MessageId, Outcome, Peeked, Queue, Redriven, Result, Settle, Settled,
    Settlement,
};

mockall::mock! {
    pub Queue {}

    #[async_trait]
    impl Queue for Queue {
        fn capabilities(&self) -> Capabilities;
        async fn send(&self, message: &Message) -> Result<MessageId>;
        async fn send_batch(&self, messages: &[Message]) -> Result<Vec<MessageId>>;
    }
}

mockall::mock! {
    pub Consumer {}

    #[async_trait]
    impl Settle for Consumer {
        fn capabilities(&self) -> ConsumerCapabilities;
        async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>>;
    }

    #[async_trait]
    impl Consumer for Consumer {
        async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>>;
        async fn extend(&self, lease: &Lease, by: Duration) -> Result<Lease>;
    }
}

mockall::mock! {
    pub Handler {}

    #[async_trait]
    impl Handler for Handler {
        async fn handle(&self, delivery: &Delivery) -> Outcome;
    }
}

mockall::mock! {
    pub DeadLetters {}

    #[async_trait]
    impl DeadLetters for DeadLetters {
        async fn list(&self, filter: &DeadLetterFilter, after: Option<MessageId>, limit: usize) -> Result<Vec<DeadLetter>>;
        async fn redrive(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Redriven>;
        async fn discard(&self, filter: &DeadLetterFilter, dry_run: bool) -> Result<Discarded>;
    }
}

mockall::mock! {
    pub Inspect {}

    #[async_trait]
    impl Inspect for Inspect {
        async fn depth(&self) -> Result<Depth>;
    }
}

mockall::mock! {
    pub Admin {}

    #[async_trait]
    impl Admin for Admin {
        async fn peek(&self, limit: usize) -> Result<Vec<Peeked>>;
        async fn purge(&self) -> Result<Option<u64>>;
        async fn pause(&self) -> Result<()>;
        async fn resume(&self) -> Result<()>;
    }
}
