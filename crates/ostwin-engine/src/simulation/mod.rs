//! The whole engine on a simulated clock, with simulated sessions and seeded faults.
//!
//! A seed stands for a plan, the behaviour of every session, and everything that goes wrong: the
//! engine dies at any operation on a file, the power goes, posts arrive late, twice, half or under a
//! false name, file events get lost, people decide in between. The engine, its recovery and core's
//! files are the real ones; only what stands behind [`World`](crate::world::World) is played.
//!
//! Everything runs on one thread whose clock stands still until nothing is left to do, so a seed
//! always means the same course. `OSTWIN_SIM_SEED=<n>` plays one seed and tells what happens;
//! `OSTWIN_SIM_PLANS=<n>` says how many seeds are played in all.

mod case;
mod clock;
mod model;
mod people;
mod run;
mod session;
mod stage;
mod world;

use std::sync::atomic::{AtomicBool, Ordering};

use ostwin_core::env;

use case::Case;

/// How many seeds are played unless somebody says otherwise.
const PLANS: u64 = 2_000;
/// By how many tests: they run beside each other.
const SHARES: u64 = 8;
/// What a seed is about repeats after so many: see [`Case`].
const KINDS: u64 = 16;

/// A seed has failed: the other shares need not go on where they run in the same process.
static HAS_FAILED: AtomicBool = AtomicBool::new(false);

/// The share that a seed belongs to: each has some of every kind, and takes as long.
fn share_of(seed: u64) -> u64 {
    seed / KINDS % SHARES
}

/// Plays one share of the seeds.
fn play(share: u64) {
    let number = |name: &str| env::var(name).and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("OSTWIN_SIM_SEED") {
        if share_of(seed) == share {
            check(seed, true);
        }
        return;
    }
    let plans = number("OSTWIN_SIM_PLANS").unwrap_or(PLANS);
    for seed in (0..plans).filter(|seed| share_of(*seed) == share) {
        if HAS_FAILED.load(Ordering::Relaxed) {
            return;
        }
        check(seed, false);
    }
}

fn check(seed: u64, tells: bool) {
    if let Err(broken) = run::check(&Case::of(seed), tells) {
        HAS_FAILED.store(true, Ordering::Relaxed);
        panic!(
            "seed {seed}: {broken}\nto see it again: OSTWIN_SIM_SEED={seed} cargo nextest run -p \
             ostwin-engine --no-capture simulation::share_{}",
            share_of(seed)
        );
    }
}

macro_rules! shares {
    ($($name:ident: $share:literal),*) => {
        $(#[test]
        fn $name() {
            play($share);
        })*
    };
}

shares! {
    share_0: 0, share_1: 1, share_2: 2, share_3: 3, share_4: 4, share_5: 5, share_6: 6, share_7: 7
}
