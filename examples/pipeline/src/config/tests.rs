use super::*;

#[test]
fn every_key_reaches_a_real_field() {
    for key in KEYS {
        let given = match key.parse("7").or_else(|_| key.parse("true")) {
            Ok(value) => value,
            Err(expected) => panic!("{} takes {expected}", key.name),
        };
        let mut tree = serde_json::to_value(Config::default()).unwrap();
        *slot(&mut tree, key.section, key.field) = given.clone();
        let config: Config = serde_json::from_value(tree).unwrap_or_else(|error| panic!("{}: {error}", key.name));
        assert_eq!(
            serde_json::to_value(config).unwrap()[key.section][key.field],
            given,
            "{}",
            key.name
        );
    }
}

#[test]
fn the_defaults_are_valid() {
    Config::default().validate().unwrap();
}

#[test]
fn every_bad_setting_is_named_at_once() {
    let error = Config::from_lookup(|key| match key {
        "PAGES_PER_RUN" => Some("many".into()),
        "REVIEW" => Some("perhaps".into()),
        _ => None,
    })
    .unwrap_err();
    assert_eq!(error.problems.len(), 2, "{error}");
    assert!(
        error.problems[0].contains("PAGES_PER_RUN is \"many\", expected a whole number"),
        "{error}"
    );
}

#[test]
fn ranges_and_addresses_are_checked() {
    let error = Config::from_lookup(|key| match key {
        "PAGES_PER_RUN" => Some("0".into()),
        "SITE_BASE_URL" => Some("example.com/".into()),
        _ => None,
    })
    .unwrap_err();
    for bad in [
        "https://x.example/blog",
        "https://x.example?y=1",
        "https://u:pw@x.example",
        "https://x.example/",
    ] {
        let given = Config::from_lookup(|key| (key == "SITE_BASE_URL").then(|| bad.into()));
        assert!(given.is_err(), "{bad}");
    }
    let given = Config::from_lookup(|key| (key == "CAMPAIGN").then(|| "a\u{1}".into()));
    assert!(given.unwrap_err().to_string().contains("poster.campaign"));
    assert_eq!(error.problems.len(), 2, "{error}");
    assert!(error.to_string().contains("site.base_url"), "{error}");
}

#[test]
fn a_lease_outlives_the_model_call() {
    let error = Config::from_lookup(|key| (key == "MODEL_TIMEOUT_SECONDS").then(|| "900".into())).unwrap_err();
    assert!(error.to_string().contains("generator.lease_seconds"), "{error}");
}
