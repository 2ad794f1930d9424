//! Skills in the open SKILL.md format: where they are found, which a session gets, and how they are
//! installed.
