//! The folders that are searched.

use std::path::{Path, PathBuf};

use ostwin_core::ids::RoleName;
use ostwin_core::layout::{self, Layout, RolePaths, RoomPaths};
use serde::Serialize;

/// Where a skill was found, from near to far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// In the room's own `skills/`.
    Room,
    /// In the folder of a role of the project: for this role only.
    Role,
    /// In the project's `skills/`.
    Project,
    /// In the user's own `skills/`.
    User,
    /// Inside the binary.
    Shipped,
}

impl Tier {
    /// The tier in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Role => "role",
            Self::Project => "project",
            Self::User => "user",
            Self::Shipped => "shipped",
        }
    }
}

/// One folder of skills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its tier.
    pub tier: Tier,
    /// The role whose skills these are, in [`Tier::Role`].
    pub role: Option<RoleName>,
    /// The folder.
    pub dir: PathBuf,
}

/// The folders that are searched, in order; the shipped skills come behind them all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The folders.
    pub folders: Vec<Place>,
}

impl Places {
    /// What a session of `role` finds, in `room` if it is in one.
    pub fn of_session(
        layout: &Layout,
        room: Option<&RoomPaths>,
        role: &RoleName,
        home: Option<&Path>,
    ) -> Self {
        let room = room.map(|room| Place { tier: Tier::Room, role: None, dir: room.skills() });
        let role = of_role(layout, role.clone());
        let folders = room.into_iter().chain([role, of_project(layout)]);
        Self { folders: folders.chain(home.map(of_user)).collect() }
    }

    /// Everything outside of rooms: what each role of the project has, the project, the user.
    /// `layout` is none outside of a project.
    pub fn everywhere(layout: Option<&Layout>, home: Option<&Path>) -> Self {
        let mut folders = Vec::new();
        if let Some(layout) = layout {
            let mut roles: Vec<RoleName> = std::fs::read_dir(layout.roles())
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|entry| RoleName::new(entry.file_name().to_str()?).ok())
                .collect();
            roles.sort();
            folders.extend(roles.into_iter().map(|role| of_role(layout, role)));
            folders.push(of_project(layout));
        }
        folders.extend(home.map(of_user));
        Self { folders }
    }

    /// Every tier with its place, in order, for people.
    pub fn searched(&self) -> Vec<String> {
        let folders = self.folders.iter();
        folders
            .map(|place| format!("{} `{}`", place.tier.as_str(), place.dir.display()))
            .chain(["the shipped skills".to_owned()])
            .collect()
    }
}

fn of_role(layout: &Layout, role: RoleName) -> Place {
    let dir = RolePaths::new(&layout.roles(), &role).skills();
    Place { tier: Tier::Role, role: Some(role), dir }
}

fn of_project(layout: &Layout) -> Place {
    Place { tier: Tier::Project, role: None, dir: layout.skills() }
}

fn of_user(home: &Path) -> Place {
    Place { tier: Tier::User, role: None, dir: layout::user_skills(home) }
}
