//! How the plans of a project are checked: by its roles, its registry and the known settings.

use ostwin_core::config::{self, Config};
use ostwin_core::env;
use ostwin_core::layout::Layout;
use ostwin_core::plan::ParseOptions;

use super::{RolePlaces, list_roles};

/// How plans are read and checked in a project with these settings.
pub fn plan_options(layout: &Layout, config: &Config) -> ParseOptions {
    let places = RolePlaces::of(layout, None, env::home().as_deref());
    ParseOptions {
        known_config_keys: Some(config::known_keys()),
        // A registry that cannot be read is an error of the run, and no reason to doubt the plan.
        known_roles: places.as_ref().ok().map(|places| {
            list_roles(places).into_iter().map(|role| role.name.to_string()).collect()
        }),
        dynamic_roles: config.dynamic_roles,
        registry: places.ok().map(|places| places.registry.1),
    }
}
