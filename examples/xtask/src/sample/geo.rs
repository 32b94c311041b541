//! Points on the globe.

use anyhow::{Context, Result, ensure};

/// A point in decimal degrees, north and east positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) latitude: f64,
    pub(super) longitude: f64,
}

impl Point {
    /// Reads ISO 6709 as the tables write it: `+5230+01322` or `+513030-0000731`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let split = text.rfind(['+', '-']).context("no sign in the coordinates")?;
        let (latitude, longitude) = text.split_at(split);
        Ok(Self {
            latitude: degrees(latitude, 2)?,
            longitude: degrees(longitude, 3)?,
        })
    }

    /// Great-circle distance in kilometres on a sphere of the mean radius of the Earth, 6371.0 km (IUGG).
    pub(super) fn km_to(self, other: Self) -> f64 {
        let (a, b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |x: f64, y: f64| ((y - x).to_radians() / 2.0).sin().powi(2);
        let h = half(self.latitude, other.latitude) + a.cos() * b.cos() * half(self.longitude, other.longitude);
        2.0 * 6371.0 * h.sqrt().min(1.0).asin()
    }

    /// `52°30′ N, 13°22′ E`, to the nearest minute of arc.
    pub(super) fn human(self) -> String {
        let part = |value: f64, positive: char, negative: char| {
            let minutes = (value.abs() * 60.0).round() as u32;
            format!(
                "{}°{:02}′ {}",
                minutes / 60,
                minutes % 60,
                if value < 0.0 { negative } else { positive }
            )
        };
        format!("{}, {}", part(self.latitude, 'N', 'S'), part(self.longitude, 'E', 'W'))
    }
}

/// `±DDMM`, `±DDMMSS` for two digits of degrees; one more for three.
fn degrees(text: &str, digits: usize) -> Result<f64> {
    let body = text.get(1..).context("empty coordinate")?;
    ensure!(
        body.len() == digits + 2 || body.len() == digits + 4,
        "a coordinate of odd length: {text}"
    );
    ensure!(body.bytes().all(|b| b.is_ascii_digit()), "not digits: {text}");
    let number = |range: std::ops::Range<usize>| body.get(range).map_or(Ok(0.0), str::parse::<f64>);
    let value = number(0..digits)? + number(digits..digits + 2)? / 60.0 + number(digits + 2..digits + 4)? / 3600.0;
    Ok(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_iso_6709_are_read() {
        let berlin = Point::parse("+5230+01322").unwrap();
        assert_eq!(berlin.human(), "52°30′ N, 13°22′ E");
        let london = Point::parse("+513030-0000731").unwrap();
        assert!((london.latitude - 51.508_333).abs() < 1e-5 && (london.longitude + 0.125_277).abs() < 1e-5);
        assert!(Point::parse("+52301322").is_err() && Point::parse("").is_err());
    }

    #[test]
    fn distance_is_the_great_circle() {
        let (berlin, paris) = (
            Point::parse("+5230+01322").unwrap(),
            Point::parse("+4852+00220").unwrap(),
        );
        assert_eq!(berlin.km_to(paris).round(), 875.0);
        assert!(berlin.km_to(berlin) < 1e-9);
        // A quarter of a great circle: from the equator to the pole.
        let (equator, pole) = (
            Point::parse("+0000+00000").unwrap(),
            Point::parse("+9000+00000").unwrap(),
        );
        assert!((equator.km_to(pole) - 6371.0 * std::f64::consts::FRAC_PI_2).abs() < 1e-6);
    }
}
