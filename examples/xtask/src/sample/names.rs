//! Display names. The tz database writes zone ids in ASCII and countries in short forms made for menus; prose wants the
//! usual English name. Only spelling is decided here, never a fact.

/// Country names that read differently in prose than in `iso3166.tab`.
const COUNTRIES: &[(&str, &str)] = &[
    ("AS", "American Samoa"),
    ("BL", "Saint Barthélemy"),
    ("BQ", "Caribbean Netherlands"),
    ("CD", "Democratic Republic of the Congo"),
    ("CF", "Central African Republic"),
    ("CG", "Republic of the Congo"),
    ("CI", "Côte d'Ivoire"),
    ("GB", "United Kingdom"),
    ("KN", "Saint Kitts and Nevis"),
    ("KP", "North Korea"),
    ("KR", "South Korea"),
    ("LC", "Saint Lucia"),
    ("MF", "Saint Martin"),
    ("MM", "Myanmar"),
    ("PM", "Saint Pierre and Miquelon"),
    ("SH", "Saint Helena"),
    ("ST", "São Tomé and Príncipe"),
    ("SX", "Sint Maarten"),
    ("SZ", "Eswatini"),
    ("TC", "Turks and Caicos Islands"),
    ("TF", "French Southern Territories"),
    ("UM", "United States Minor Outlying Islands"),
    ("VC", "Saint Vincent and the Grenadines"),
    ("VG", "British Virgin Islands"),
    ("VI", "United States Virgin Islands"),
    ("WS", "Samoa"),
];

/// Last parts of zone ids whose usual spelling is not the part with its underscores as spaces.
const CITIES: &[(&str, &str)] = &[
    ("Araguaina", "Araguaína"),
    ("Asuncion", "Asunción"),
    ("Bahia_Banderas", "Bahía de Banderas"),
    ("Belem", "Belém"),
    ("Bogota", "Bogotá"),
    ("Busingen", "Büsingen"),
    ("Canary", "Canary Islands"),
    ("Cancun", "Cancún"),
    ("Casey", "Casey Station"),
    ("Cayman", "Cayman Islands"),
    ("Chagos", "Chagos Archipelago"),
    ("Chatham", "Chatham Islands"),
    ("Chisinau", "Chișinău"),
    ("Christmas", "Christmas Island"),
    ("Ciudad_Juarez", "Ciudad Juárez"),
    ("Cocos", "Cocos (Keeling) Islands"),
    ("Comoro", "Comoros"),
    ("Cordoba", "Córdoba"),
    ("Cuiaba", "Cuiabá"),
    ("Curacao", "Curaçao"),
    ("Davis", "Davis Station"),
    ("DumontDUrville", "Dumont d'Urville Station"),
    ("Easter", "Easter Island"),
    ("Eirunepe", "Eirunepé"),
    ("El_Aaiun", "El Aaiún"),
    ("Faroe", "Faroe Islands"),
    ("Galapagos", "Galápagos Islands"),
    ("Gambier", "Gambier Islands"),
    ("Ho_Chi_Minh", "Ho Chi Minh City"),
    ("Lindeman", "Lindeman Island"),
    ("Lome", "Lomé"),
    ("Lord_Howe", "Lord Howe Island"),
    ("Lower_Princes", "Lower Prince's Quarter"),
    ("Maceio", "Maceió"),
    ("Macquarie", "Macquarie Island"),
    ("Mahe", "Mahé"),
    ("Marquesas", "Marquesas Islands"),
    ("Mawson", "Mawson Station"),
    ("Mazatlan", "Mazatlán"),
    ("McMurdo", "McMurdo Station"),
    ("Merida", "Mérida"),
    ("Midway", "Midway Atoll"),
    ("Ndjamena", "N'Djamena"),
    ("Noronha", "Fernando de Noronha"),
    ("Norfolk", "Norfolk Island"),
    ("Noumea", "Nouméa"),
    ("Palmer", "Palmer Station"),
    ("Reunion", "Réunion"),
    ("Rio_Gallegos", "Río Gallegos"),
    ("Rothera", "Rothera Station"),
    ("Santarem", "Santarém"),
    ("Sao_Paulo", "São Paulo"),
    ("Sao_Tome", "São Tomé"),
    ("St_Barthelemy", "Saint Barthélemy"),
    ("St_Helena", "Saint Helena"),
    ("St_Johns", "St. John's"),
    ("St_Kitts", "Saint Kitts"),
    ("St_Lucia", "Saint Lucia"),
    ("St_Thomas", "Saint Thomas"),
    ("St_Vincent", "Saint Vincent"),
    ("Syowa", "Syowa Station"),
    ("Tirane", "Tirana"),
    ("Troll", "Troll Station"),
    ("Tucuman", "Tucumán"),
    ("Urumqi", "Ürümqi"),
    ("Vatican", "Vatican City"),
    ("Vostok", "Vostok Station"),
    ("Wake", "Wake Island"),
    ("Zurich", "Zürich"),
];

/// Zones whose place is not "city, country".
const PLACES: &[(&str, &str)] = &[
    ("Atlantic/South_Georgia", "South Georgia"),
    ("Indian/Chagos", "Chagos Archipelago"),
    // The table lists two codes in alphabetical order and takes no side; neither does this name.
    ("Europe/Simferopol", "Simferopol, Crimea"),
];

fn find(list: &[(&str, &'static str)], key: &str) -> Option<&'static str> {
    list.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
}

/// The English name of a country in running text, from its code and its name in `iso3166.tab`.
pub(super) fn country(code: &str, listed: &str) -> String {
    find(COUNTRIES, code).map_or_else(|| listed.replace(" & ", " and ").replace('’', "'"), str::to_owned)
}

/// The name of a zone's principal location: `America/Sao_Paulo` is `São Paulo`.
pub(super) fn city(zone: &str) -> String {
    let last = zone.rsplit('/').next().unwrap_or(zone);
    find(CITIES, last).map_or_else(|| last.replace('_', " "), str::to_owned)
}

/// The place a page is about: `Berlin, Germany`, `Knox, Indiana, United States`, `Bermuda`.
pub(super) fn place(zone: &str, city: &str, country: &str) -> String {
    if let Some(place) = find(PLACES, zone) {
        return place.to_owned();
    }
    if city == country {
        return city.to_owned();
    }
    // Three-part ids of the United States name the state in the middle.
    match zone.split('/').collect::<Vec<_>>()[..] {
        [_, state, _] if country == "United States" => {
            format!("{city}, {}, {country}", state.replace('_', " "))
        }
        _ => format!("{city}, {country}"),
    }
}

/// A place with its preposition, as a sentence needs it: `in Berlin`, `on Easter Island`, `at Casey Station`.
pub(super) fn located(city: &str, place: &str) -> String {
    let plural = city.ends_with(" Islands") || ["Azores", "Maldives", "Chagos Archipelago"].contains(&city);
    let preposition = match () {
        () if plural => "in the",
        () if city.ends_with(" Island") => "on",
        () if city.ends_with(" Station") => "at",
        () => "in",
    };
    format!("{preposition} {place}")
}
