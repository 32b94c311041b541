use super::*;

async fn draw(title: &str, media_type: &str) -> Result<Image> {
    let request = ImageRequest::new(title).media_type(media_type);
    let response = Card::new("Time zones & places").generate_image(&request).await?;
    assert_eq!(
        (response.warnings.len(), response.attempts[0].cost_micros),
        (1, Some(0))
    );
    Ok(response.images[0].clone())
}

async fn svg(title: &str) -> String {
    String::from_utf8(draw(title, SVG).await.unwrap().bytes).unwrap()
}

#[tokio::test]
async fn the_same_title_is_the_same_card() {
    for media_type in [PNG, SVG] {
        let first = draw("What time is it in Rome?", media_type).await.unwrap();
        assert_eq!(first, draw("What time is it in Rome?", media_type).await.unwrap());
        assert_ne!(first, draw("What time is it in Oslo?", media_type).await.unwrap());
        assert_eq!(Image::type_of(&first.bytes), Some(media_type));
    }
}

#[tokio::test]
async fn text_is_escaped_and_wrapped() {
    let card = svg("<script>alert(\"1\")</script> & a title\u{7}that is long enough for two lines").await;
    assert!(
        card.contains("&lt;script&gt;") && card.contains("Time zones &amp; places"),
        "{card}"
    );
    assert!(!card.contains("<script") && !card.contains('\u{7}'), "{card}");
    assert!(card.matches("<text").count() >= 3, "{card}");
}

#[tokio::test]
async fn a_title_that_never_fits_is_cut() {
    for title in ["long words ".repeat(100), "W".repeat(2_000)] {
        let card = svg(&title).await;
        assert_eq!(card.matches("<text").count(), 5, "four lines and the site");
        assert!(card.contains('…'), "{card}");
        draw(&title, PNG).await.unwrap();
    }
}

#[tokio::test]
async fn other_scripts_are_written_as_text() {
    assert!(svg("東京の時刻").await.contains("東京の時刻"));
    let error = draw("東京の時刻", PNG).await.unwrap_err();
    assert!(
        matches!(error, Error::Unsupported(_)) && error.to_string().contains("東"),
        "{error}"
    );
    draw("Zażółć gęślą jaźń – Ærø, “Škoda” €5…", PNG).await.unwrap();
}

#[tokio::test]
async fn what_is_no_card_is_refused() {
    let card = Card::new("");
    for request in [
        ImageRequest::new("a").size(100, 600),
        ImageRequest::new("a").size(600, 5_000),
        ImageRequest::new("a").media_type("image/webp"),
        ImageRequest::new("a").image(Image::new(*b"GIF89a", "image/gif")),
    ] {
        let error = card.generate_image(&request).await.unwrap_err();
        assert!(
            matches!(error, Error::Unsupported(_)) && error.attempts().len() == 1,
            "{error:?}"
        );
    }
    let error = card.generate_image(&ImageRequest::new(" \n ")).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    card.generate_image(&ImageRequest::new("a").size(200, 200))
        .await
        .unwrap();
    card.generate_image(&ImageRequest::new("a").size(4_096, 200))
        .await
        .unwrap();
}

/// The parts of a PNG, their sums checked.
fn chunks(mut file: &[u8]) -> Vec<(&[u8], &[u8])> {
    file = file.strip_prefix(b"\x89PNG\r\n\x1a\n").unwrap();
    let mut out = Vec::new();
    while !file.is_empty() {
        let length = u32::from_be_bytes(file[..4].try_into().unwrap()) as usize;
        out.push((&file[4..8], &file[8..8 + length]));
        file = &file[12 + length..];
    }
    out
}

#[tokio::test]
async fn the_png_is_small_and_whole() {
    let card = draw("A guide to daylight saving time in every country of the world", PNG)
        .await
        .unwrap();
    let parts = chunks(&card.bytes);
    let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, [b"IHDR", b"PLTE", b"IDAT", b"IEND"]);
    assert_eq!(parts[0].1[..8], [0, 0, 4, 176, 0, 0, 2, 118], "1200 x 630");
    assert!(card.bytes.len() < 120_000, "{} bytes", card.bytes.len());
}
