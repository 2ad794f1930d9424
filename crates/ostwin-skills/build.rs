//! The shipped skills are part of the crate: a change of one builds it again.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../.agents/skills");
}
