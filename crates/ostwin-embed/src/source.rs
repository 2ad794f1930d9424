//! Which encoder is wanted.

use std::path::PathBuf;

use ostwin_core::embedding::Problem;

use crate::bundled::Bundled;
use crate::encoder::Encoder;
use crate::endpoint::Endpoint;
use crate::static_model::Static;

/// Where an encoder comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The one that is built in.
    Bundled,
    /// A folder with a static model.
    Static {
        /// The folder.
        path: PathBuf,
    },
    /// A service with `/v1/embeddings`.
    Endpoint {
        /// Its base address.
        url: String,
        /// The model that is asked for.
        model: String,
        /// What it wants to know us by.
        key: Option<String>,
    },
}

impl Source {
    /// Loads the encoder, or reaches the service.
    ///
    /// # Errors
    /// There is none: what is wrong, and which setting to look at.
    pub fn open(self) -> Result<Box<dyn Encoder>, Problem> {
        Ok(match self {
            Self::Bundled => Box::new(Bundled::load()?),
            Self::Static { path } => Box::new(Static::load(&path)?),
            Self::Endpoint { url, model, key } => Box::new(Endpoint::connect(&url, &model, key)?),
        })
    }
}
