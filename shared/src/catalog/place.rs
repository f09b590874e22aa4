//! Where a product stands among those that a search found.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::ProductId;

/// The product after which a page begins (keyset pagination): unlike an offset it costs the same on every page, and a
/// product that comes or goes shifts nothing. By the order of the search: its step, then what sells, then the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which of the statement's steps has found it.
    pub(super) step: i16,
    /// How well it sold then.
    pub(super) popularity: i16,
    /// Which it is.
    pub(super) id: ProductId,
}

impl Place {
    const STEPS: i16 = 12;
    const MOST_POPULAR: i16 = 30;

    /// Before the first.
    pub(super) fn before_all() -> Self {
        Self { step: 0, popularity: Self::MOST_POPULAR + 1, id: ProductId(Uuid::nil()) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [step, popularity] = [self.step, self.popularity].map(i16::to_be_bytes);
        let bytes = [&step[..], &popularity, self.id.0.as_bytes()].concat();
        formatter.write_str(&BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const REFUSAL: &str = "must be the next_cursor of the page before";
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| REFUSAL)?;
        let bytes: [u8; 20] = bytes.try_into().map_err(|_| REFUSAL)?;
        let [step, popularity] = [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(i16::from_be_bytes);
        if (0..Self::STEPS).contains(&step) && (0..=Self::MOST_POPULAR).contains(&popularity) {
            Ok(Self { step, popularity, id: ProductId(Uuid::from_slice(&bytes[4..]).map_err(|_| REFUSAL)?) })
        } else {
            Err(REFUSAL)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_journey_to_the_caller_and_back() {
        for (step, popularity) in [(0, 30), (3, 16), (5, 0)] {
            let place = Place { step, popularity, id: ProductId::new() };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
    }

    #[test]
    fn a_forged_place_is_refused_and_not_believed() {
        let outside = [(Place::STEPS, 0), (-1, 0), (0, 31), (0, -1)]
            .map(|(step, popularity)| Place { step, popularity, id: ProductId::new() }.to_string());
        for forged in ["", "abc", "!!!!", &"A".repeat(26), &"A".repeat(28), &"_".repeat(27)] {
            assert!(forged.parse::<Place>().is_err(), "{forged}");
        }
        assert!(outside.iter().all(|forged| forged.parse::<Place>().is_err()));
    }
}
