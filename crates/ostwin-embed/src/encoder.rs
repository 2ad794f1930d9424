//! What every encoder does.

use ostwin_core::embedding::{Code, Problem};
use sha2::{Digest, Sha256};

/// Turns texts into vectors.
pub trait Encoder: Send {
    /// The model's name: safe in a file's name, and another one whenever the vectors would be
    /// others.
    fn name(&self) -> &str;

    /// How many numbers a vector has.
    fn dimensions(&self) -> usize;

    /// A vector for each text, in their order: of unit length, or all zeros if the encoder knows
    /// no word of the text.
    ///
    /// # Errors
    /// The encoder failed, or is a service that gave no usable answer.
    fn encode(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Problem>;
}

/// Brings a vector to unit length; zeros stay zeros.
///
/// # Errors
/// A number is not finite.
pub(crate) fn unit(mut vector: Vec<f32>) -> Result<Vec<f32>, Problem> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() {
        let problem = "the encoder gave a vector with a number that is not finite";
        return Err(Problem::new(Code::Unavailable, problem));
    }
    if length > 0.0 {
        for number in &mut vector {
            // Back to the precision it came with.
            *number = (f64::from(*number) / length) as f32;
        }
    }
    Ok(vector)
}

/// `words`, made safe for a file's name, and the start of a hash of what the vectors depend on.
pub(crate) fn file_safe_name(words: &str, fingerprint: &[u8]) -> String {
    const LONGEST: usize = 48;
    let mut name = String::new();
    for char in words.chars().map(|char| char.to_ascii_lowercase()) {
        let char = if char.is_ascii_alphanumeric() { char } else { '-' };
        if char != '-' || !name.is_empty() && !name.ends_with('-') {
            name.push(char);
        }
    }
    name.truncate(LONGEST);
    let name = if name.is_empty() { "model" } else { name.trim_end_matches('-') };
    let hash = Sha256::digest(fingerprint);
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_get_unit_length() {
        assert_eq!(unit(vec![3.0, 4.0]).unwrap(), [0.6, 0.8]);
        assert_eq!(unit(vec![0.0, 0.0]).unwrap(), [0.0, 0.0]);
        assert_eq!(unit(vec![f32::MAX, 0.0]).unwrap(), [1.0, 0.0]);
        assert_eq!(unit(vec![f32::NAN, 0.0]).unwrap_err().code, Code::Unavailable);
        assert_eq!(unit(vec![f32::INFINITY]).unwrap_err().code, Code::Unavailable);
    }

    #[test]
    fn names_are_safe_and_tell_models_apart() {
        let name = file_safe_name("../Örg/Model v2!", b"one");
        assert_eq!(name, "rg-model-v2-7692c3ad3540");
        assert_ne!(name, file_safe_name("../Örg/Model v2!", b"two"));
        assert_eq!(file_safe_name("", b"one"), "model-7692c3ad3540");
        assert_eq!(file_safe_name("…", b"one"), "model-7692c3ad3540");
        assert_eq!(file_safe_name(&"x".repeat(100), b"one").len(), 48 + 13);
    }
}
