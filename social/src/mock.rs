use async_trait::async_trait;

use crate::{Account, Attempt, Limits, Media, Post, Published, Reconciled, Result, SocialTarget, UploadedMedia};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mock_answers_as_it_is_told() {
        let mut target = MockSocialTarget::new();
        target.expect_network().return_const("mock".to_owned());
        target
            .expect_publish()
            .times(1)
            .returning(|post| Ok(Published::new(post.text.clone(), None)));
        let target: Box<dyn SocialTarget> = Box::new(target);
        assert_eq!(target.network(), "mock");
        assert_eq!(target.publish(&Post::new("id")).await.unwrap().id, "id");
    }
}
