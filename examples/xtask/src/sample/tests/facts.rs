use std::collections::BTreeSet;

use super::{
    super::{csv, topics},
    Topic, all, committed,
};

fn zone(id: &str) -> &'static Topic {
    all().iter().find(|t| t["key"] == id).unwrap()
}

#[test]
fn every_zone_of_the_table_is_a_topic() {
    assert_eq!(all().len(), 312);
}

#[test]
fn the_committed_csv_is_what_the_program_computes() {
    assert!(
        csv(&topics().unwrap()).unwrap() == committed("topics.csv").as_bytes(),
        "topics.csv is stale: run `cargo xtask sample`"
    );
}

#[test]
fn berlin_follows_the_european_rules() {
    let t = zone("Europe/Berlin");
    assert_eq!(t["utc_offset_standard"], "UTC+01:00");
    assert_eq!(t["utc_offset_dst"], "UTC+02:00");
    assert_eq!(
        (t["dst_start"].as_str(), t["dst_end"].as_str()),
        ("2027-03-28T02:00", "2027-10-31T03:00")
    );
    assert!(t["last_change"].starts_with("1995-09-24"), "{}", t["last_change"]);
    assert!(t["places"].contains("Oslo (Norway)"));
    assert!(t["neighbours"].starts_with("Europe/Prague (279 km)"));
}

#[test]
fn new_york_got_its_rules_in_2007() {
    let t = zone("America/New_York");
    assert_eq!(
        (t["dst_start"].as_str(), t["dst_end"].as_str()),
        ("2027-03-14T02:00", "2027-11-07T02:00")
    );
    assert!(t["last_change"].starts_with("2006-10-29"), "{}", t["last_change"]);
    assert!(t["last_change"].ends_with("every change since 2007-03-11 follows the rules of 2027"));
}

#[test]
fn phoenix_keeps_standard_time() {
    let t = zone("America/Phoenix");
    assert_eq!(
        (t["observes_dst"].as_str(), t["utc_offset_standard"].as_str()),
        ("false", "UTC-07:00")
    );
    assert_eq!(t["last_change"], "none since 1970");
    assert_eq!(t["dst_start"], "");
}

#[test]
fn kathmandu_is_three_quarters_past_the_hour() {
    let t = zone("Asia/Kathmandu");
    assert_eq!(
        (
            t["utc_offset_standard"].as_str(),
            t["difference_to_utc_minutes"].as_str()
        ),
        ("UTC+05:45", "345")
    );
    assert_eq!(t["abbreviation_standard"], "+0545");
    assert!(t["last_change"].starts_with("1986-01-01: clocks went forward 15 minutes"));
    assert_eq!(t["same_clock_count"], "0");
}

#[test]
fn lord_howe_saves_half_an_hour() {
    let t = zone("Australia/Lord_Howe");
    assert_eq!(
        (t["utc_offset_standard"].as_str(), t["utc_offset_dst"].as_str()),
        ("UTC+10:30", "UTC+11:00")
    );
    assert_eq!(t["dst_shift"], "30 minutes");
    // In January it is summer there.
    assert_eq!(t["offset_at_reference"], "UTC+11:00");
    assert_eq!(
        (t["dst_end"].as_str(), t["dst_start"].as_str()),
        ("2027-04-04T02:00", "2027-10-03T02:00")
    );
}

#[test]
fn morocco_and_western_sahara_left_daylight_saving_time_in_2026() {
    for id in ["Africa/Casablanca", "Africa/El_Aaiun"] {
        let t = zone(id);
        assert_eq!(
            (t["observes_dst"].as_str(), t["utc_offset_standard"].as_str()),
            ("false", "UTC+00:00")
        );
        assert_eq!(
            t["last_change"],
            "2026-09-20: clocks went back 1 hour, from UTC+01:00 to UTC+00:00"
        );
    }
}

#[test]
fn pyongyang_rejoined_seoul_in_2018() {
    let t = zone("Asia/Pyongyang");
    assert_eq!(
        t["last_change"],
        "2018-05-04: clocks went forward 30 minutes, from UTC+08:30 to UTC+09:00"
    );
    assert!(t["same_clock_zones"].starts_with("Asia/Seoul"));
}

#[test]
fn istanbul_made_summer_time_permanent() {
    let t = zone("Europe/Istanbul");
    assert_eq!(
        (t["utc_offset_standard"].as_str(), t["observes_dst"].as_str()),
        ("UTC+03:00", "false")
    );
    assert!(t["last_change"].starts_with("2016-09-0"), "{}", t["last_change"]);
}

#[test]
fn havana_keeps_daylight_saving_time_through_a_winter() {
    let t = zone("America/Havana");
    assert_eq!(
        (t["observes_dst"].as_str(), t["clock_changes_in_year"].as_str()),
        ("true", "1")
    );
    assert_eq!(
        (t["utc_offset_standard"].as_str(), t["utc_offset_dst"].as_str()),
        ("UTC-05:00", "UTC-04:00")
    );
    assert_eq!(
        (t["dst_start"].as_str(), t["dst_end"].as_str()),
        ("", "2027-11-07T01:00")
    );
    assert_eq!(
        t["last_change"],
        "2026-03-08: clocks went forward 1 hour, from UTC-05:00 to UTC-04:00"
    );
}

#[test]
fn the_rules_of_troll_are_as_old_as_its_clock() {
    let last = &zone("Antarctica/Troll")["last_change"];
    assert!(
        last.starts_with("2005-03-27: clocks went forward 2 hours") && last.contains("first time since 1970"),
        "{last}"
    );
}

#[test]
fn the_columns_of_daylight_saving_time_agree() {
    for t in all() {
        let dates = [&t["dst_start"], &t["dst_end"]]
            .iter()
            .filter(|d| !d.is_empty())
            .count();
        assert_eq!(t["clock_changes_in_year"], dates.to_string(), "{}", t["key"]);
        assert_eq!(t["observes_dst"], (dates > 0).to_string(), "{}", t["key"]);
        assert_eq!(t["utc_offset_dst"].is_empty(), dates == 0, "{}", t["key"]);
    }
}

#[test]
fn keys_slugs_and_keywords_are_unique_and_well_formed() {
    let topics = all();
    for column in ["key", "slug", "keyword", "place"] {
        let distinct: BTreeSet<_> = topics.iter().map(|t| &t[column]).collect();
        assert_eq!(distinct.len(), topics.len(), "{column}");
    }
    for t in topics {
        let slug = &t["slug"];
        assert!(
            slug.len() <= 75
                && slug
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        );
        assert!(
            !slug.contains("--") && !slug.starts_with('-') && !slug.ends_with('-'),
            "{slug}"
        );
        assert!(t.values().all(|v| !v.contains(['\n', '\r', '\0'])), "{}", t["key"]);
    }
}
