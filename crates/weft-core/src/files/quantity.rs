//! Amounts as people write them: `4GiB`, `125MB/s`, `1Gbit/s`, or a plain integer in the base
//! unit. A bare decimal must never pass: 1.5 of what?

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Bytes(pub u64);

/// A number of bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct BytesPerSecond(pub u64);

/// Decimal and binary multiples of a byte.
const BYTES: [(&str, f64); 9] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1_024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// Networks are sold in decimal bits.
const BITS: [(&str, f64); 4] = [("bit", 0.125), ("kbit", 125.0), ("Mbit", 125e3), ("Gbit", 125e6)];

trait Quantity: Sized {
    const EXPECTED: &'static str;
    fn from_base(base: u64) -> Self;
    fn factor(unit: &str) -> Option<f64>;
}

fn find(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

impl Quantity for Bytes {
    const EXPECTED: &'static str = "a number of bytes such as 1073741824, 512MB or 4GiB";

    fn from_base(base: u64) -> Self {
        Self(base)
    }

    fn factor(unit: &str) -> Option<f64> {
        find(&BYTES, unit)
    }
}

impl Quantity for BytesPerSecond {
    const EXPECTED: &'static str = "bytes per second such as 125000000, 125MB/s or 1Gbit/s";

    fn from_base(base: u64) -> Self {
        Self(base)
    }

    fn factor(unit: &str) -> Option<f64> {
        let unit = unit.strip_suffix("/s")?;
        find(&BYTES, unit).or_else(|| find(&BITS, unit))
    }
}

/// The amount in base units; none where the text is no amount or the amount no integer in `u64`.
fn parse<Q: Quantity>(text: &str) -> Option<Q> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let number: f64 = text[..end].parse().ok()?;
    let base = (number * Q::factor(text[end..].trim_start())?).round();
    (base < u64::MAX as f64).then(|| Q::from_base(base as u64))
}

struct QuantityVisitor<Q>(PhantomData<Q>);

impl<Q: Quantity> Visitor<'_> for QuantityVisitor<Q> {
    type Value = Q;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(Q::EXPECTED)
    }

    fn visit_u64<E: Error>(self, base: u64) -> Result<Q, E> {
        Ok(Q::from_base(base))
    }

    fn visit_i64<E: Error>(self, base: i64) -> Result<Q, E> {
        u64::try_from(base)
            .map(Q::from_base)
            .map_err(|_| E::custom(format_args!("expected {}, found `{base}`", Q::EXPECTED)))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Q, E> {
        Err(E::custom(format_args!("expected {}, found `{number}`", Q::EXPECTED)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Q, E> {
        parse(text)
            .ok_or_else(|| E::custom(format_args!("expected {}, found `{text}`", Q::EXPECTED)))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for BytesPerSecond {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_read() {
        let size = |text: &str| serde_saphyr::from_str::<Bytes>(text).map(|bytes| bytes.0).ok();
        let rate = |text: &str| serde_saphyr::from_str::<BytesPerSecond>(text).map(|r| r.0).ok();
        assert_eq!(size("4096"), Some(4_096));
        assert_eq!(size("4GiB"), Some(4 << 30));
        assert_eq!(size("1.5 MB"), Some(1_500_000));
        assert_eq!(rate("1Gbit/s"), Some(125_000_000));
        assert_eq!(rate("125MB/s"), Some(125_000_000));
        assert_eq!(rate("7"), Some(7));
        for wrong in ["-1", "4.5", "4G", "4GB/s", "GiB", "1e30TB", "[1]", "1.2.3MB"] {
            assert_eq!(size(wrong), None, "{wrong} was read as a size");
        }
        for wrong in ["1Gbit", "1GB", "-5"] {
            assert_eq!(rate(wrong), None, "{wrong} was read as a rate");
        }
    }

    #[test]
    fn a_wrong_size_is_answered_with_what_belongs_there() {
        let error = serde_saphyr::from_str::<Bytes>("4 gigs").expect_err("no size");
        let expected =
            "expected a number of bytes such as 1073741824, 512MB or 4GiB, found `4 gigs`";
        assert!(error.to_string().contains(expected), "{error}");
    }
}
