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
        self.change_with(&Keys::default(), set)
    }

    fn guard(&self) -> PathBuf {
        self.dir.path().join("vault.lock")
    }

    fn change_with(&self, keys: &Keys, set: &[(&str, &str, &str)]) -> Result<(), VaultError> {
        change(&self.store, &self.path(), &self.guard(), keys, |vault| {
            set.iter().try_for_each(|(server, key, value)| vault.set(server, key, value))
        })
    }

    fn reseal(&self, keys: &Keys, form: Form, new: &Keys) -> Result<Form, VaultError> {
        reseal(&self.store, &self.path(), &self.guard(), keys, form, new)
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn mode(&self) -> u32 {
        std::fs::metadata(self.path()).unwrap().permissions().mode() & 0o777
    }

    /// A new identity in a file of its own.
    fn identity(&self, name: &str) -> Keys {
        let file = self.dir.path().join(name);
        new_identity(&file).unwrap();
        Keys::identity(&file)
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
    let vault = Vault::read(&place.path(), &Keys::default()).unwrap().unwrap();
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
        let error = Vault::read(&place.path(), &Keys::default()).unwrap_err().to_string();
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
        let error = Vault::read(&place.path(), &Keys::default()).unwrap_err().to_string();
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

fn passphrase(text: &str) -> Keys {
    Keys::default().and_passphrase(text.to_owned()).unwrap().quickly()
}

fn value(place: &Place, keys: &Keys, key: &str) -> Option<String> {
    let vault = Vault::read(&place.path(), keys).unwrap().unwrap();
    vault.get("github", key).map(str::to_owned)
}

#[test]
fn one_that_is_sealed_to_an_identity_stays_so_and_opens_for_it_alone() {
    let place = Place::new();
    place.change(&[("github", "token", "ghp-first")]).unwrap();
    let (mine, other) = (place.identity("mine.txt"), place.identity("other.txt"));
    assert_eq!(place.reseal(&Keys::default(), Form::Identity, &mine).unwrap(), Form::Plain);
    assert_eq!(Form::read(&place.path()).unwrap(), Some(Form::Identity));
    assert_eq!(place.mode(), 0o600);
    assert!(place.text().starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    let before = place.text();
    place.change_with(&mine, &[("github", "other", "ghp-second")]).unwrap();
    assert!(place.text() != before && !place.text().contains("ghp"));
    assert_eq!(place.mode(), 0o600);
    assert_eq!(value(&place, &mine, "token").as_deref(), Some("ghp-first"));
    assert_eq!(value(&place, &mine, "other").as_deref(), Some("ghp-second"));

    let kept = place.text();
    for (keys, problem) in [
        (&Keys::default(), "`OSTWIN_VAULT_IDENTITY` has to name"),
        (&passphrase("not one at all"), "`OSTWIN_VAULT_IDENTITY` has to name"),
        (&other, "other.txt` does not open"),
        (&Keys::identity(&place.dir.path().join("none.txt")), "it does not exist"),
        (&Keys::identity(&place.path()), "only lines with an `AGE-SECRET-KEY-1...`"),
    ] {
        let error = Vault::read(&place.path(), keys).unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
        assert!(place.change_with(keys, &[("a", "b", "another-value")]).is_err());
        assert!(place.reseal(keys, Form::Plain, &Keys::default()).is_err());
        assert_eq!(place.text(), kept);
    }
    assert_eq!(place.reseal(&mine, Form::Plain, &Keys::default()).unwrap(), Form::Identity);
    assert_eq!(value(&place, &Keys::default(), "token").as_deref(), Some("ghp-first"));
    assert_eq!(place.mode(), 0o600);
}

#[test]
fn one_that_is_sealed_by_a_passphrase_stays_so() {
    let place = Place::new();
    place.change(&[("github", "token", "ghp-first")]).unwrap();
    let right = passphrase("correct horse");
    place.reseal(&Keys::default(), Form::Passphrase, &right).unwrap();
    assert_eq!(Form::read(&place.path()).unwrap(), Some(Form::Passphrase));
    place.change_with(&right, &[("github", "token", "ghp-second")]).unwrap();
    assert_eq!(value(&place, &right, "token").as_deref(), Some("ghp-second"));
    assert_eq!(Form::read(&place.path()).unwrap(), Some(Form::Passphrase));
    let kept = place.text();
    for (keys, problem) in [
        (&Keys::default(), "which is asked for on a terminal only"),
        (&passphrase("wrong horse"), "the passphrase does not open"),
    ] {
        let error = Vault::read(&place.path(), keys).unwrap_err().to_string();
        assert!(error.contains(problem) && !error.contains("horse"), "{error}");
        assert!(place.change_with(keys, &[("a", "b", "another-value")]).is_err());
        assert_eq!(place.text(), kept);
    }
    assert_eq!(format!("{right:?}"), "Keys { identity: None, passphrase: true, .. }");
    let error = Keys::default().and_passphrase("short".to_owned()).unwrap_err().to_string();
    assert_eq!(error, "a passphrase has at least 8 characters");
}

#[test]
fn one_that_is_sealed_and_damaged_is_named_and_left_alone() {
    let place = Place::new();
    place.change(&[("github", "token", "ghp-first")]).unwrap();
    let mine = place.identity("mine.txt");
    place.reseal(&Keys::default(), Form::Identity, &mine).unwrap();
    let whole = place.text();
    let cut = whole.len() * 2 / 3;
    for text in ["-----BEGIN AGE ENCRYPTED FILE-----\nAAAA\n", &whole[..cut]] {
        place.write(text.as_bytes(), 0o600);
        let error = Vault::read(&place.path(), &mine).unwrap_err();
        assert!(matches!(error, VaultError::Malformed { .. }), "{error}");
        assert!(place.change_with(&mine, &[("a", "b", "another-value")]).is_err());
        assert_eq!(place.text(), text);
    }
}

#[test]
fn an_identity_that_others_can_read_is_refused() {
    let place = Place::new();
    place.change(&[("github", "token", "ghp-first")]).unwrap();
    let mine = place.identity("mine.txt");
    let file = place.dir.path().join("mine.txt");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = place.reseal(&Keys::default(), Form::Identity, &mine).unwrap_err().to_string();
    assert!(error.contains("mine.txt` has mode 644"), "{error}");
    assert_eq!(value(&place, &Keys::default(), "token").as_deref(), Some("ghp-first"));
    assert!(new_identity(&file).is_err(), "one that is there is never replaced");
}

#[test]
fn there_is_nothing_to_seal_without_a_vault() {
    let place = Place::new();
    let error = place.reseal(&Keys::default(), Form::Plain, &Keys::default()).unwrap_err();
    assert!(error.to_string().contains("there is no vault"), "{error}");
    assert_eq!(Form::read(&place.path()).unwrap(), None);
}

#[test]
fn the_projects_wins_over_the_users_and_all_values_are_secret() {
    let dir = tempfile::tempdir().unwrap();
    let layout = Layout::new(dir.path().join("project"));
    let config = dir.path().join("config");
    let store = Store { durability: Durability::Os, ..Store::default() };
    let set = |path: &Path, server: &str, value: &str| {
        let guard = path.with_extension("lock");
        change(&store, path, &guard, &Keys::default(), |vault| vault.set(server, "k", value))
            .unwrap();
    };
    set(&layout.vault(), "both", "of-the-project");
    set(&layout::user_vault(&config), "both", "of-the-user");
    set(&layout::user_vault(&config), "mine", "only-the-users");
    let vaults = Vaults::read(&layout, Some(&config), &Keys::default()).unwrap();
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
