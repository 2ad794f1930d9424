//! Roles: where each is, and what is not in order about it.

use std::path::{Path, PathBuf};

use ostwin_runner::roles::{ListedRole, RoleError, RoleFinding, RoleListing, RoleSeverity};
use serde::Serialize;

use super::line::{Line, Style};
use super::{table, text};

/// One role as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Listed {
    /// The role.
    pub(crate) name: String,
    /// Its tier.
    pub(crate) tier: &'static str,
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// The file with its prompt, if it can be read.
    pub(crate) prompt_file: Option<PathBuf>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// What it can do.
    pub(crate) capabilities: Vec<String>,
    /// A nearer tier has one of this name.
    pub(crate) shadowed: bool,
    /// Why it cannot be read.
    pub(crate) problem: Option<String>,
}

impl Listed {
    pub(crate) fn of(read: Result<ListedRole, RoleError>, role: RoleListing) -> Self {
        let (read, problem) = match read {
            Ok(read) => (Some(read), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let (prompt_file, spec) = read.map(|read| (read.prompt_file, read.spec)).unzip();
        let spec = spec.unwrap_or_default();
        Self {
            name: role.name.to_string(),
            tier: role.tier.as_str(),
            dir: role.dir,
            prompt_file,
            description: spec.description,
            capabilities: spec.capabilities,
            shadowed: role.shadowed,
            problem,
        }
    }
}

/// The list as a table. Files in the project are named from its root on.
pub(crate) fn list(listed: &[Listed], root: &Path, width: Option<usize>) -> String {
    let row = |role: &Listed| {
        let said = match (&role.problem, &role.description) {
            (Some(problem), _) => format!("broken: {problem}"),
            (None, description) => description.clone().unwrap_or_default(),
        };
        vec![
            role.name.clone(),
            role.tier.to_owned(),
            if role.shadowed { "hidden".to_owned() } else { String::new() },
            from_root(&role.dir, root),
            said,
        ]
    };
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    table::table(&["role", "tier", "", "folder", "is for"], &rows, width)
}

/// What is not in order, one line each.
pub(crate) fn findings(findings: &[RoleFinding], root: &Path) -> Vec<Line> {
    let line = |finding: &RoleFinding| {
        let (style, word) = match finding.severity {
            RoleSeverity::Error => (Style::Red, "error"),
            RoleSeverity::Warning => (Style::Yellow, "warning"),
        };
        let place = format!(": {} ({}): ", finding.role, finding.tier.as_str());
        let problem = text::one_line(&finding.problem);
        let file = from_root(&finding.file, root);
        let named = problem.contains(&finding.file.display().to_string());
        let mut line = Line::new().with(style, word).with(Style::Plain, place + &problem);
        if !named {
            line.push(Style::Dim, format!("  [{file}]"));
        }
        line
    };
    findings.iter().map(line).collect()
}

fn from_root(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_stand_beside_their_tiers() {
        let one = |name: &str, tier, dir: &str, shadowed, problem: Option<&str>| Listed {
            name: name.to_owned(),
            tier,
            dir: PathBuf::from(dir),
            prompt_file: None,
            description: Some("Reviews.".to_owned()),
            capabilities: Vec::new(),
            shadowed,
            problem: problem.map(str::to_owned),
        };
        let listed = [
            one("qa", "project", "/p/.agents/roles/qa", false, None),
            one("qa", "shipped", "built in/qa", true, None),
            one("x", "user", "/h/.agents/roles/x", false, Some("x/role.json:1:1: no JSON")),
        ];
        insta::assert_snapshot!(list(&listed, Path::new("/p"), None), @r"
        ROLE  TIER             FOLDER              IS FOR
        qa    project          .agents/roles/qa    Reviews.
        qa    shipped  hidden  built in/qa         Reviews.
        x     user             /h/.agents/roles/x  broken: x/role.json:1:1: no JSON
        ");
    }
}
