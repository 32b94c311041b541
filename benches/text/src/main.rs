//! `text <text> <n>`: the weighted length of one post, n times.

use meter::{Args, Meter};

/// Name, text, length by X's rules (280 each, so that all of it is read).
const TEXTS: &[(&str, &str)] = &[
    (
        "mixed",
        "Calling Rome from New York? 🇮🇹 It is six hours ahead for most of the year, five for two short spells in spring and \
         autumn. “Before noon” is the safe answer; after lunch the offices are closed. The whole table: https://almanac.example/time-in-rome?from=new-york #travel #rome ☎️🕐",
    ),
    (
        "ascii",
        "Rome keeps Central European Time: one hour ahead of UTC in winter, two in summer. The clocks go forward on the last \
         Sunday of March and back on the last Sunday of October. From New York that is six hours ahead for most of the year, \
         five for two short spells. Before noon is safe.",
    ),
    (
        "japanese",
        "ローマは中央ヨーロッパ時間を使っています。冬は協定世界時より一時間、夏は二時間進んでいます。三月の最後の日曜日に時計を進め、十月の最後の日曜日に戻します。\
         東京との時差は冬が八時間、夏が七時間です。電話は夕方がよいでしょう。詳しくは表をご覧ください。毎日の予定にお役立てくださいね。",
    ),
];

#[cfg(not(feature = "twitter-text"))]
fn length(text: &str) -> usize {
    presswork_social::Counter::X.count(text)
}

#[cfg(feature = "twitter-text")]
fn length(text: &str) -> usize {
    let config = twitter_text_config::config_v3();
    twitter_text::parse(text, config, true).weighted_length as usize
}

fn main() {
    let args = Args::read();
    let (_, text) = TEXTS
        .iter()
        .find(|(name, _)| *name == args.scenario)
        .expect("a text of that name");
    let length_once = length(text);
    eprintln!("{length_once}");
    let meter = Meter::start();
    for _ in 0..args.n {
        assert_eq!(length(std::hint::black_box(text)), length_once);
    }
    meter.per(args.n).set("length", length_once as f64).print();
}
