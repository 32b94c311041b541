//! Vectors without a model: texts that share words are near each other.

use std::collections::BTreeMap;

use crate::EmbeddingRequest;

/// Numbers of a vector when nobody asks for a length: enough that the words of a page seldom share one.
const DIMENSIONS: u32 = 256;

/// A vector for each text of the request.
pub(crate) fn vectors(request: &EmbeddingRequest) -> Vec<Vec<f32>> {
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    request.texts.iter().map(|text| vector(text, dimensions)).collect()
}

/// Words, in lower case, each counted by the square root of how often it stands there, at the place and with the sign its hash
/// says; the whole as a unit vector. The same on every machine and in every version.
fn vector(text: &str, dimensions: u32) -> Vec<f32> {
    let dimensions = u64::from(dimensions.max(1));
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    // A text of signs alone is a word of its own.
    if counts.is_empty() {
        counts.insert(text.trim().to_owned(), 1);
    }
    let mut vector = vec![0.0_f32; usize::try_from(dimensions).unwrap_or(1)];
    for (word, count) in counts {
        let hash = fnv(word.as_bytes());
        let at = usize::try_from((hash >> 1) % dimensions).unwrap_or(0);
        let weight = f64::from(count).sqrt() as f32;
        if let Some(number) = vector.get_mut(at) {
            *number += if hash & 1 == 0 { weight } else { -weight };
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    match vector.first_mut() {
        // Two words that cancel each other out.
        Some(first) if length == 0.0 => *first = 1.0,
        _ => vector.iter_mut().for_each(|number| *number /= length),
    }
    vector
}

/// FNV-1a in 64 bits, its bits mixed once more (the last step of MurmurHash3), so that the low ones are as good as the high ones.
fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearness(a: &str, b: &str) -> f32 {
        let (a, b) = (vector(a, DIMENSIONS), vector(b, DIMENSIONS));
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn texts_that_share_words_are_near() {
        let page = "The time in Rome is one hour ahead of London in winter.";
        assert!((nearness(page, &page.to_uppercase()) - 1.0).abs() < 1e-5);
        let like = nearness(page, "In winter the time in Bern is one hour ahead of London, too.");
        let unlike = nearness(page, "Bake bread at home with flour, water and salt.");
        assert!(like > 0.6 && unlike < 0.3, "{like} {unlike}");
        for text in ["!?", "ü", "a b c d e f g h"] {
            let length: f32 = vector(text, 3).iter().map(|number| number * number).sum();
            assert!((length - 1.0).abs() < 1e-5, "{text}");
        }
    }

    /// Written down: other numbers would not compare with those that were stored.
    #[test]
    fn the_numbers_are_the_same_everywhere() {
        let vector = vector("The time in Rome", 8);
        let half = |numbers: [i8; 8]| numbers.map(|number| f32::from(number) / 2.0);
        assert_eq!(vector, half([0, -1, 0, 0, -1, 0, -1, -1]));
    }
}
