//! Vectors as whole numbers: a byte for each dimension, which is a quarter of the memory and loses
//! less than a hundredth of a cosine.

use crate::embedder::Model;

/// A vector as whole numbers, and the factor that gives it unit length.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantized {
    pub(crate) values: Vec<i8>,
    pub(crate) factor: f32,
}

impl Quantized {
    /// The vector, its largest part stretched to 127; none if it has no direction.
    pub(crate) fn of(vector: &[f32]) -> Option<Self> {
        let largest = vector.iter().fold(0.0_f32, |largest, part| largest.max(part.abs()));
        let sound = largest > 0.0 && vector.iter().all(|part| part.is_finite());
        if !sound {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "within -127 and 127 by the scale")]
        let values: Vec<i8> =
            vector.iter().map(|part| (part / largest * 127.0).round() as i8).collect();
        let square: i32 = values.iter().map(|part| i32::from(*part) * i32::from(*part)).sum();
        let factor = 1.0 / (square as f32).sqrt();
        Some(Self { values, factor })
    }

    /// The vector of a text that this model can make nothing of.
    pub(crate) fn none(model: &Model) -> Self {
        Self { values: vec![0; model.dimensions], factor: 0.0 }
    }

    /// The cosine between this vector and one with these values, as bytes, and this factor.
    pub(crate) fn cosine(&self, values: &[u8], factor: f32) -> f32 {
        dot(&self.values, values) as f32 * self.factor * factor
    }
}

/// A plain loop over pairs of small numbers, which the compiler turns into vector instructions.
fn dot(a: &[i8], b: &[u8]) -> i32 {
    let products = a.iter().zip(b).map(|(a, b)| i16::from(*a) * i16::from(b.cast_signed()));
    products.map(i32::from).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let length = |v: &[f32]| v.iter().map(|part| part * part).sum::<f32>().sqrt();
        product / (length(a) * length(b))
    }

    fn bytes(vector: &Quantized) -> Vec<u8> {
        vector.values.iter().map(|value| value.cast_unsigned()).collect()
    }

    #[test]
    fn what_has_no_direction_is_no_vector() {
        assert_eq!(Quantized::of(&[]), None);
        assert_eq!(Quantized::of(&[0.0, 0.0]), None);
        assert_eq!(Quantized::of(&[1.0, f32::NAN]), None);
        assert_eq!(Quantized::of(&[f32::INFINITY, 1.0]), None);
        let one = Quantized::of(&[0.5, 0.0]).unwrap();
        assert_eq!(one.values, [127, 0]);
        assert!((one.cosine(&bytes(&one), one.factor) - 1.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn a_cosine_is_kept_to_a_hundredth(
            a in prop::collection::vec(-1.0_f32..1.0, 64),
            b in prop::collection::vec(-1.0_f32..1.0, 64),
        ) {
            let (qa, qb) = (Quantized::of(&a).unwrap(), Quantized::of(&b).unwrap());
            let kept = qa.cosine(&bytes(&qb), qb.factor);
            prop_assert!((kept - cosine(&a, &b)).abs() < 0.01, "{kept} {}", cosine(&a, &b));
        }
    }
}
