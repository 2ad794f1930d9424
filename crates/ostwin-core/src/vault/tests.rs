use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::store::Durability;

struct Place {
    dir: tempfile::TempDir,
    store: Store,
}

impl Place {
    fn new() -> Self {
        let store = Store { durability: Durability::Os, ..Store::default() };
        Self { dir: tempfile::tempdir().unwrap(), store }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("vault.json")
    }

    fn change(&self, set: &[(&str, &str, &str)]) -> Result<(), VaultError> {
        let guard = self.dir.path().join("vault.lock");
        change(&self.store, &self.path(), &guard, |vault| {
            set.iter().try_for_each(|(server, key, value)| vault.set(server, key, value))
        })
    }

    fn write(&self, bytes: &[u8], mode: u32) {
        fs::replace_private(&self.path(), bytes, Durability::Os).unwrap();
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(), permissions).unwrap();
    }
}

#[test]
fn what_is_set_is_there_and_nobody_else_can_read_it() {
    let place = Place::new();
    place.change(&[("github", "token", "ghp-first"), ("db", "url", "db://x")]).unwrap();
    place.change(&[("github", "token", "ghp-second")]).unwrap();
    let mode = std::fs::metadata(place.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let vault = Vault::read(&place.path()).unwrap().unwrap();
    assert_eq!(vault.names().collect::<Vec<_>>(), [("db", "url"), ("github", "token")]);
    assert_eq!(vault.get("github", "token"), Some("ghp-second"));
    assert_eq!(vault.get("github", "other"), None);
    let text = std::fs::read_to_string(place.path()).unwrap();
    assert!(text.starts_with("{\n  \"schema_version\": 1,"), "{text}");
    assert_eq!(format!("{vault:?}"), r#"{("db", "url"), ("github", "token")}"#);
}

#[test]
fn one_that_others_can_read_is_refused_and_left_alone() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o644, 0o610] {
        place.write(br#"{"a":{"b":"secret-value"}}"#, mode);
        let error = Vault::read(&place.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("has mode {mode:03o}")), "{error}");
        assert!(error.contains("chmod 600"), "{error}");
        assert!(place.change(&[("a", "c", "another-value")]).is_err());
        let kept = std::fs::read_to_string(place.path()).unwrap();
        assert_eq!(kept, r#"{"a":{"b":"secret-value"}}"#);
    }
}

#[test]
fn one_that_cannot_be_read_is_named_without_its_content_and_never_replaced() {
    let place = Place::new();
    for (text, problem) in [
        (r#"{"a":{"b":"s3cr3t-x"}"#, "no JSON"),
        (r#"["s3cr3t-x"]"#, "an object of servers"),
        (r#"{"a":"s3cr3t-x"}"#, "`a` is no object of keys"),
        (r#"{"a":{"b":["s3cr3t-x"]}}"#, "`a/b` is no text"),
        (r#"{"schema_version":2,"a":{"b":"s3cr3t-x"}}"#, "schema version is 2"),
    ] {
        place.write(text.as_bytes(), 0o600);
        let error = Vault::read(&place.path()).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains("vault.json"), "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
        assert!(place.change(&[("a", "c", "another-value")]).is_err());
        assert_eq!(std::fs::read_to_string(place.path()).unwrap(), text);
    }
}

#[test]
fn what_cannot_be_a_name_or_be_kept_secret_changes_nothing() {
    let place = Place::new();
    for (server, key, value) in [
        ("", "k", "long-enough"),
        ("../x", "k", "long-enough"),
        ("schema_version", "k", "long-enough"),
        ("a", "b/c", "long-enough"),
        ("a", "b", "short"),
        ("a", "b", "nul-\0-in-it"),
    ] {
        assert!(place.change(&[(server, key, value)]).is_err(), "{server}/{key}");
    }
    assert!(!place.path().exists());
}

#[test]
fn an_encrypted_one_is_refused_and_left_alone() {
    let place = Place::new();
    let sealed = "-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n";
    place.write(sealed.as_bytes(), 0o600);
    let error = Vault::read(&place.path()).unwrap_err().to_string();
    assert!(error.contains("is encrypted, and this version cannot open it"), "{error}");
    assert!(place.change(&[("a", "b", "secret-value")]).is_err());
    assert_eq!(std::fs::read_to_string(place.path()).unwrap(), sealed);
}

#[test]
fn the_projects_wins_over_the_users_and_all_values_are_secret() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path().join("project"));
    let config = dir.path().join("config");
    let store = Store { durability: Durability::Os, ..Store::default() };
    let set = |path: &Path, server: &str, value: &str| {
        let guard = path.with_extension("lock");
        change(&store, path, &guard, |vault| vault.set(server, "k", value)).unwrap();
    };
    set(&layout.vault(), "both", "of-the-project");
    set(&layout::user_vault(&config), "both", "of-the-user");
    set(&layout::user_vault(&config), "mine", "only-the-users");
    let vaults = Vaults::read(&layout, Some(&config)).unwrap();
    assert_eq!(vaults.get("both", "k"), Some("of-the-project"));
    assert_eq!(vaults.get("mine", "k"), Some("only-the-users"));
    let names: Vec<_> =
        vaults.names().into_iter().map(|(s, _, path)| (s, path.to_owned())).collect();
    let user = layout::user_vault(&config);
    assert_eq!(names, [("both".to_owned(), layout.vault()), ("mine".to_owned(), user)]);
    let secrets = vaults.secrets();
    let values: Vec<&str> = secrets.iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["of-the-project", "of-the-user", "only-the-users"]);
}
