use schemars::JsonSchema;
use serde::Deserialize;

use super::*;
use crate::{LanguageModelExt, ResponseSchema};

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[schemars(rename = "page")]
struct Page {
    title: String,
    body_html: String,
    keywords: Vec<String>,
    words: u32,
    indexed: bool,
    note: Option<String>,
    ranks: Option<Vec<i32>>,
}

const FIELDS: [(&str, &str); 7] = [
    ("title", "\n  {{ topic.name }} & more "),
    ("body_html", "<p>{{ topic.name }}</p>"),
    ("keywords", "one\n\n  {{ topic.name }}\n"),
    ("words", "{{ topic.words }}"),
    ("indexed", "true"),
    ("note", "{% if topic.note is defined %}{{ topic.note }}{% endif %}"),
    ("ranks", "1\n-2"),
];

fn writer() -> Template {
    Template::builder().object("page", FIELDS).build().unwrap()
}

fn prompt(data: &str) -> TextRequest {
    TextRequest::user(format!(
        "Mend this:\n```json\n{{\"old\": 1}}\n```\nThe facts:\n```json\n{data}\n```\nBe brief."
    ))
}

#[tokio::test]
async fn fills_every_kind_of_field_from_the_last_block() {
    let request = prompt("{\n \"topic\": {\"name\": \"A<b>\\n```\", \"words\": 7}\n}");
    let object = writer().generate_object::<Page>(&request).await.unwrap();
    let want = Page {
        title: "A<b>\n``` & more".to_owned(),
        body_html: "<p>A&lt;b&gt;\n```</p>".to_owned(),
        keywords: vec!["one".to_owned(), "A<b>".to_owned(), "```".to_owned()],
        words: 7,
        indexed: true,
        note: None,
        ranks: Some(vec![1, -2]),
    };
    assert_eq!(object.value, want);
    assert_eq!(object.repairs, 0);
    assert_eq!(object.response.model, "template");
    assert_eq!(object.usage, crate::Usage::default());
    assert!(
        object.response.warnings[0].contains("no model"),
        "{:?}",
        object.response.warnings
    );
}

async fn error_of(writer: &Template, request: &TextRequest) -> String {
    let schema = ResponseSchema::of::<Page>();
    let error = writer.generate(&request.clone().schema(schema)).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "{error:?}");
    assert!(!error.is_retryable() && !error.is_provider_fault());
    assert_eq!(error.attempts().len(), 1);
    error.to_string()
}

#[tokio::test]
async fn missing_data_names_field_line_and_placeholder() {
    let error = error_of(&writer(), &prompt(r#"{"topic": {"name": "A"}}"#)).await;
    assert_eq!(
        error,
        "template: field `page.words` line 1: undefined value: `topic.words` is undefined"
    );
    let error = error_of(&writer(), &prompt("{}")).await;
    assert!(
        error.contains("`page.title` line 2") && error.contains("`topic` is undefined"),
        "{error}"
    );
}

#[tokio::test]
async fn bad_prompts_are_told_apart() {
    let writer = writer();
    for (request, reason) in [
        (TextRequest::user("Write."), "no ```json block"),
        (prompt("{oops}"), "is not JSON"),
        (prompt("[1]"), "is not an object"),
        (
            prompt(r#"{"topic": {"name": "A", "words": "many"}}"#),
            "`many` is not integer",
        ),
    ] {
        let error = error_of(&writer, &request).await;
        assert!(error.contains(reason), "{error}");
    }
    let other = Template::builder().object("post", [("text", "x")]).build().unwrap();
    assert!(
        error_of(&other, &prompt("{}"))
            .await
            .contains("no templates for `page`, only for: post")
    );
    let partial = Template::builder().object("page", [("title", "x")]).build().unwrap();
    assert!(
        error_of(&partial, &prompt("{}"))
            .await
            .contains("no template for its field `body_html`")
    );
    let error = writer.generate(&prompt("{}")).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

#[test]
fn build_refuses_what_cannot_work() {
    let broken = Template::builder()
        .object("page", [("title", "ok\n{{ oops")])
        .build()
        .unwrap_err()
        .to_string();
    assert!(broken.contains("field `page.title` line 2"), "{broken}");
    for (builder, reason) in [
        (Template::builder(), "at least one object"),
        (Template::builder().object("page", [("", ""); 0]), "no field"),
        (Template::builder().object("page", [("a", ""), ("a", "")]), "twice"),
        (
            Template::builder()
                .object("page", [("a", "")])
                .object("page", [("a", "")]),
            "twice",
        ),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(reason),
            "{error}"
        );
    }
}
