//! The sentence encoder: text to vectors whose angle is nearness of meaning. Heavy to compile, so
//! that one program links it and no other.
