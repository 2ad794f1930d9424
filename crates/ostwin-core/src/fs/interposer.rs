//! Standing between the project's code and its files: how the simulation makes faults.
//!
//! An [`Interposer`] is asked before every operation that changes files and hears of it afterwards.
//! It can let the thread's process die there, with or without a torn line, and it can act as
//! another process that happens to get its turn at that moment. It is per thread, exists in debug
//! builds only, and costs one branch where none is installed.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use super::FsError;
use super::recorder::Op;

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out.
    Happens,
    /// The process dies in the middle of it: of an appended line the first half is written.
    /// Anything else does not happen at all.
    Torn,
    /// The process has died before it.
    Dead,
}

/// Whoever stands between.
pub trait Interposer {
    /// `verb` is about to be done to `path`. What is done to files in here is heard of in the same
    /// way, so whoever plays another process in here has to know that it does.
    fn before(&self, verb: &'static str, path: &Path) -> Fate;

    /// It was done.
    fn after(&self, op: &Op);
}

thread_local! {
    static INSTALLED: RefCell<Option<Rc<dyn Interposer>>> = const { RefCell::new(None) };
}

/// Runs `work` with `interposer` in between.
pub fn interposed<R>(interposer: Rc<dyn Interposer>, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<Rc<dyn Interposer>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            INSTALLED.set(self.0.take());
        }
    }
    let _restore = Restore(INSTALLED.replace(Some(interposer)));
    work()
}

/// What becomes of `verb` on `path`.
pub(crate) fn fate(verb: &'static str, path: &Path) -> Fate {
    installed().map_or(Fate::Happens, |interposer| interposer.before(verb, path))
}

/// Fails if the process has died before `verb` on `path`.
pub(crate) fn before(verb: &'static str, path: &Path) -> Result<(), FsError> {
    match fate(verb, path) {
        Fate::Happens => Ok(()),
        Fate::Torn | Fate::Dead => Err(died(verb, path)),
    }
}

/// The error of an operation of a process that has died.
pub(crate) fn died(verb: &'static str, path: &Path) -> FsError {
    FsError::new(verb, path, io::Error::other("the simulated process is dead"))
}

/// Tells of an operation that was done.
pub(crate) fn after(op: impl Fn() -> Op) {
    if let Some(interposer) = installed() {
        interposer.after(&op());
    }
}

fn installed() -> Option<Rc<dyn Interposer>> {
    if cfg!(debug_assertions) { INSTALLED.with_borrow(Clone::clone) } else { None }
}
