use async_trait::async_trait;

use crate::{
    Account, Attempt, Limits, Media, Post, Published, Reconciled, Result, SocialTarget,
    UploadedMedia,
};

mockall::mock! {
    /// A [`SocialTarget`] whose answers a test sets, made by [`mockall`].
    #[derive(Debug)]
    pub SocialTarget {}

    #[async_trait]
    impl SocialTarget for SocialTarget {
        fn network(&self) -> &str;
        fn account(&self) -> &str;
        fn limits(&self) -> Limits;
        async fn check(&self) -> Result<Account>;
        async fn upload(&self, media: &Media) -> Result<UploadedMedia>;
        async fn publish(&self, post: &Post) -> Result<Published>;
        async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled>;
    }
}
