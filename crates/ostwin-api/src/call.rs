//! One request: which project it is about, and what all handlers need.

use std::sync::Arc;

use ostwin_core::control::{Decision, Wish};
use ostwin_core::ids::RoomId;
use ostwin_core::room::Room;

use crate::app::App;
use crate::http::Problem;
use crate::project::Served;

/// A request on its way to its handler.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// The project that was named.
    pub(crate) project: Option<Arc<Served>>,
}

impl Call {
    /// The project that is meant: the named one, or the only one.
    pub(crate) fn one(&self) -> Result<&Arc<Served>, Problem> {
        match &self.project {
            Some(project) => Ok(project),
            None => self.app.project(None),
        }
    }

    /// The projects that are meant: the named one, or all.
    pub(crate) fn all(&self) -> &[Arc<Served>] {
        match &self.project {
            Some(project) => std::slice::from_ref(project),
            None => &self.app.projects,
        }
    }

    /// A room of the project that is meant.
    pub(crate) fn room(&self, room: &RoomId) -> Result<(&Arc<Served>, Room), Problem> {
        let served = self.one()?;
        let room = Room::open(&served.project(), room)?;
        Ok((served, room))
    }

    /// What a person wants of a room.
    pub(crate) fn wish(&self, decision: Decision, reason: &str) -> Wish {
        Wish {
            decision,
            reason: reason.to_owned(),
            actor: self.app.actor.clone(),
            program: "dashboard".to_owned(),
        }
    }
}
