//! Repeated measurements of one thing.

use std::time::{Duration, Instant};

/// Durations of the same work, sorted; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// These durations.
    pub(crate) fn new(mut durations: Vec<Duration>) -> Self {
        if durations.is_empty() {
            durations.push(Duration::ZERO);
        }
        durations.sort_unstable();
        Self(durations)
    }

    /// How long `work` takes the first and only time.
    ///
    /// # Errors
    /// The work failed.
    pub(crate) fn once<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<Self, E> {
        let start = Instant::now();
        std::hint::black_box(work()?);
        Ok(Self::new(vec![start.elapsed()]))
    }

    /// Does what times itself once to warm up, then `times` times.
    ///
    /// # Errors
    /// The work failed.
    pub(crate) fn told<E>(
        times: usize,
        mut work: impl FnMut() -> Result<Duration, E>,
    ) -> Result<Self, E> {
        work()?;
        (0..times).map(|_| work()).collect::<Result<_, E>>().map(Self::new)
    }

    /// Does `work` once to warm up, then `times` times.
    ///
    /// # Errors
    /// The work failed.
    pub(crate) fn take<T, E>(
        times: usize,
        mut work: impl FnMut() -> Result<T, E>,
    ) -> Result<Self, E> {
        std::hint::black_box(work()?);
        let mut durations = Vec::with_capacity(times);
        for _ in 0..times {
            let start = Instant::now();
            std::hint::black_box(work()?);
            durations.push(start.elapsed());
        }
        Ok(Self::new(durations))
    }

    /// The shortest.
    pub(crate) fn min(&self) -> Duration {
        self.0.first().copied().unwrap_or_default()
    }

    /// The one that 99 of 100 do not exceed.
    pub(crate) fn p99(&self) -> Duration {
        self.0.get(self.0.len() * 99 / 100).copied().unwrap_or_default()
    }

    /// The longest.
    pub(crate) fn max(&self) -> Duration {
        self.0.last().copied().unwrap_or_default()
    }

    /// The one in the middle; of an even number, the longer of the two.
    pub(crate) fn median(&self) -> Duration {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends() {
        let millis = |list: &[u64]| Samples::new(list.iter().map(|ms| ms_of(*ms)).collect());
        let odd = millis(&[5, 1, 3]);
        assert_eq!((odd.min(), odd.median(), odd.max()), (ms_of(1), ms_of(3), ms_of(5)));
        assert_eq!(millis(&[4, 2]).median(), ms_of(4));
        assert_eq!(millis(&[]).median(), Duration::ZERO);
        let many = Samples::new((1..=200).map(ms_of).collect());
        assert_eq!((millis(&[7]).p99(), many.p99()), (ms_of(7), ms_of(199)));
    }

    fn ms_of(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }
}
