//! The tables of the tz database: which zones there are, where they lie, what else they are called.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::{geo::Point, names};

/// The tables, as the release `TABLES_VERSION` has them. All four files are in the public domain.
const ZONE1970: &str = include_str!("../../data/zone1970.tab");
const ZONE: &str = include_str!("../../data/zone.tab");
const ISO3166: &str = include_str!("../../data/iso3166.tab");
const BACKWARD: &str = include_str!("../../data/backward");

/// The tz database release the files under `data/` come from.
pub(super) const TABLES_VERSION: &str = "2026c";

/// One row of `zone1970.tab`: an area whose clocks have agreed since 1970.
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) codes: Vec<String>,
    pub(super) at: Point,
    pub(super) comment: String,
}

pub(super) struct Tables {
    pub(super) zones: Vec<Zone>,
    /// Zone id to its country, by `zone.tab`, which has one country a row.
    by_country: BTreeMap<String, String>,
    countries: BTreeMap<String, String>,
    /// Other name to the zone it stands for.
    links: BTreeMap<String, String>,
}

impl Tables {
    pub(super) fn load() -> Result<Self> {
        let countries = rows(ISO3166)
            .map(|row| match row[..] {
                [code, name] => Ok((code.to_owned(), names::country(code, name))),
                _ => bail!("iso3166.tab: not two columns: {row:?}"),
            })
            .collect::<Result<_>>()?;
        let by_country = rows(ZONE)
            .map(|row| match row[..] {
                [code, _, zone, ..] => Ok((zone.to_owned(), code.to_owned())),
                _ => bail!("zone.tab: fewer than three columns: {row:?}"),
            })
            .collect::<Result<_>>()?;
        let zones = rows(ZONE1970)
            .map(|row| {
                let [codes, at, id, ref comment @ ..] = row[..] else {
                    bail!("zone1970.tab: fewer than three columns: {row:?}");
                };
                Ok(Zone {
                    id: id.to_owned(),
                    codes: codes.split(',').map(str::to_owned).collect(),
                    at: Point::parse(at).with_context(|| format!("zone1970.tab: {id}"))?,
                    comment: comment.first().map_or(String::new(), |c| c.replace('’', "'")),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let mut links = BTreeMap::new();
        for line in BACKWARD.lines().filter(|l| l.starts_with("Link")) {
            let mut words = line.split_whitespace().skip(1);
            if let (Some(target), Some(name)) = (words.next(), words.next()) {
                links.insert(name.to_owned(), target.to_owned());
            }
        }
        ensure!(
            !zones.is_empty() && !links.is_empty(),
            "the tables under data/ are empty"
        );
        Ok(Self {
            zones,
            by_country,
            countries,
            links,
        })
    }

    pub(super) fn country(&self, code: &str) -> Result<&str> {
        self.countries
            .get(code)
            .map(String::as_str)
            .with_context(|| format!("iso3166.tab has no {code}"))
    }

    /// The names that mean the same clock as `zone` since 1970.
    fn names_of<'a>(&'a self, zone: &'a str) -> impl Iterator<Item = &'a str> {
        self.links
            .keys()
            .map(String::as_str)
            .filter(move |name| self.target(name) == zone)
    }

    fn target<'a>(&'a self, mut name: &'a str) -> &'a str {
        // Links may point to links; the file has no cycles (its own checks forbid them), the bound is for a broken copy.
        for _ in 0..8 {
            let Some(next) = self.links.get(name) else {
                break;
            };
            name = next;
        }
        name
    }

    /// Other towns with the same clock, from `zone.tab`: `Copenhagen (Denmark)`.
    pub(super) fn places(&self, zone: &str) -> Result<Vec<String>> {
        let mut places = Vec::new();
        for name in self.names_of(zone) {
            let Some(code) = self.by_country.get(name) else {
                continue;
            };
            let (city, country) = (names::city(name), self.country(code)?);
            places.push(if city == country {
                city
            } else {
                format!("{city} ({country})")
            });
        }
        places.sort();
        Ok(places)
    }

    /// Names that programs accept for the same clock and that are not rows of `zone.tab`: `Asia/Calcutta`.
    pub(super) fn aliases<'a>(&'a self, zone: &'a str) -> Vec<&'a str> {
        self.names_of(zone)
            .filter(|name| !self.by_country.contains_key(*name))
            .collect()
    }
}

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| l.split('\t').collect())
}
