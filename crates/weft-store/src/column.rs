//! Columns of samples: how a run of values becomes few bytes and values again.
//!
//! Values are rounded to 12 significant bits before they are packed: an error of at most 2⁻¹², a
//! fortieth of a percent, far below what a monitor can tell, and whole numbers up to 4,096 stay exact.
//! Gaps and censored samples are bitmaps, present only where there are any.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};
use weft_core::series::Series;

/// Bits of the mantissa that are kept beside the leading one.
const KEPT_BITS: u32 = 11;
const DROPPED_BITS: u32 = f32::MANTISSA_DIGITS - 1 - KEPT_BITS;

/// A value as it is kept: rounded to 12 significant bits. What is not finite is no value.
pub fn rounded(value: f32) -> Option<f32> {
    if !value.is_finite() {
        return None;
    }
    let half = 1_u32 << (DROPPED_BITS - 1);
    let bits = value.to_bits().saturating_add(half) & !((1 << DROPPED_BITS) - 1);
    let kept = f32::from_bits(bits);
    Some(if kept.is_finite() { kept } else { value })
}

/// A packed run of values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Values and gaps together.
    pub count: usize,
    /// The values, without the gaps.
    pub body: Vec<u8>,
    /// One bit per step that has a value; none where all have.
    pub present: Option<Vec<u8>>,
    /// One bit per step that is censored; none where no step is.
    pub censored: Option<Vec<u8>>,
}

/// Packs values with their gaps and marks; none where pco cannot, which it can.
pub fn pack(values: &[(Option<f32>, bool)]) -> Option<Column> {
    let kept: Vec<Option<f32>> = values.iter().map(|(value, _)| value.and_then(rounded)).collect();
    let dense: Vec<f32> = kept.iter().flatten().copied().collect();
    let body = simple_compress(&dense, &ChunkConfig::default()).ok()?;
    let is_whole = dense.len() == values.len();
    let present = (!is_whole).then(|| bits(kept.iter().map(Option::is_some)));
    let is_marked = values.iter().any(|(_, censored)| *censored);
    let censored = is_marked.then(|| bits(values.iter().map(|(_, censored)| *censored)));
    Some(Column { count: values.len(), body, present, censored })
}

/// Unpacks a column; none where its parts do not belong together.
pub fn unpack(column: &Column) -> Option<Vec<(Option<f32>, bool)>> {
    let dense: Vec<f32> = simple_decompress(&column.body).ok()?;
    let is = |map: &Option<Vec<u8>>, index: usize, otherwise: bool| match map {
        Some(bytes) => bytes.get(index / 8).map(|byte| byte >> (index % 8) & 1 == 1),
        None => Some(otherwise),
    };
    let mut next = dense.iter();
    let mut values = Vec::with_capacity(column.count);
    for index in 0..column.count {
        let value = if is(&column.present, index, true)? { Some(*next.next()?) } else { None };
        values.push((value, is(&column.censored, index, false)?));
    }
    next.next().is_none().then_some(values)
}

/// The values of a series with their marks.
pub fn values(series: &Series) -> Vec<(Option<f32>, bool)> {
    series.iter().enumerate().map(|(index, value)| (value, series.is_censored(index))).collect()
}

fn bits(flags: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, flag) in flags.enumerate() {
        if index % 8 == 0 {
            bytes.push(0);
        }
        bytes[index / 8] |= u8::from(flag) << (index % 8);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_column_comes_back(values in prop::collection::vec((prop::option::of(0.0_f32..1e12), any::<bool>()), 0..600)) {
            let column = pack(&values).expect("packed");
            let found = unpack(&column).expect("unpacked");
            prop_assert_eq!(found.len(), values.len());
            for ((value, censored), (kept, mark)) in values.iter().zip(&found) {
                prop_assert_eq!(censored, mark);
                match (value, kept) {
                    (None, None) => {}
                    (Some(value), Some(kept)) => {
                        let error = (f64::from(*value) - f64::from(*kept)).abs();
                        prop_assert!(error <= f64::from(*value) / 4_096.0, "{} for {}", kept, value);
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
        }

        #[test]
        fn rubbish_is_no_column(body in prop::collection::vec(any::<u8>(), 0..200), count in 0_usize..50) {
            let column = Column { count, body, present: None, censored: None };
            let _ = unpack(&column);
        }
    }

    #[test]
    fn whole_numbers_stay_exact_and_nonsense_is_a_gap() {
        for value in 0..=4_096 {
            assert_eq!(rounded(value as f32), Some(value as f32));
        }
        assert_eq!(rounded(f32::NAN), None);
        assert_eq!(rounded(f32::INFINITY), None);
        assert_eq!(rounded(f32::MAX), Some(f32::MAX), "rounding never makes a value infinite");
    }
}
