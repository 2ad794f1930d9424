//! What installing, updating and removing do to the project, and what a death in the middle
//! leaves.

use ostwin_core::layout::SkillStaging;

use super::super::staging::{Change, Intent, in_staging};
use super::*;

const TESTING: &str = ".agents/skills/testing/SKILL.md";

fn update(world: &World, force: bool) -> Result<Report, InstallError> {
    world.installer().update(&world.shelf(), &name("testing"), force, false)
}

fn remove(world: &World, force: bool) -> Result<InstalledSkill, InstallError> {
    world.installer().remove(&world.shelf(), &name("testing"), force)
}

#[test]
fn a_folder_is_installed_whole_and_recorded() {
    let world = World::new();
    let source = world.skill("testing", "version: 1.2\n");
    world.write("sources/testing/scripts/run.sh", "#!/bin/sh\n");
    world.write("sources/testing/.git/config", "not taken");
    world.write("sources/testing/.hidden", "not taken");
    let script = world.dir.path().join("sources/testing/scripts/run.sh");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs_err::set_permissions(&script, mode).unwrap();

    let looked = Request { dry_run: true, ..Request::new(source.clone()) };
    let before = world.project();
    let seen = world.installer().install(&world.shelf(), &looked).unwrap();
    assert_eq!(world.project(), before, "a dry run changes nothing");

    let done = world.install(&source).unwrap();
    assert_eq!(Report { dry_run: false, ..seen }, done);
    assert_eq!((done.outcome, done.version.as_deref()), (Outcome::Added, Some("1.2")));
    assert_eq!(done.left_out, [".hidden"]);
    let files: Vec<_> = done.files.iter().map(|f| (f.path.as_str(), f.executable)).collect();
    assert_eq!(files, [("SKILL.md", false), ("scripts/run.sh", true)]);
    let path = world.layout().skills().join("testing/scripts/run.sh");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs_err::metadata(path).unwrap().permissions());
    assert_eq!(mode & 0o7777, 0o755);
    assert_eq!(world.content(TESTING), Some(document("testing", "version: 1.2\n")));
    let entry = &world.recorded()[0];
    assert_eq!((entry.sha256.as_str(), entry.files), (done.sha256.as_str(), 2));
    assert_eq!(entry.installed_by.to_string(), "human");
    let listed = installed(&world.shelf()).unwrap();
    assert_eq!(listed[0].state, State::Intact);
    assert_eq!(world.project().keys().filter(|path| path.contains(".installing")).count(), 0);

    let lock = world.content(".agents/skills.lock.json");
    assert_eq!(world.install(&source).unwrap().outcome, Outcome::Unchanged);
    assert_eq!(world.content(".agents/skills.lock.json"), lock, "nothing new is recorded");
}

#[test]
fn what_somebody_made_or_changed_is_replaced_only_by_force() {
    let world = World::new();
    let source = world.skill("testing", "");
    world.write("project/.agents/skills/testing/SKILL.md", document("testing", "tags: mine\n"));
    let before = world.project();
    let foreign = world.install(&source).unwrap_err();
    assert!(matches!(&foreign, InstallError::Conflict { conflict: Conflict::Foreign, .. }));
    assert!(matches!(remove(&world, false), Err(InstallError::Conflict { .. })));
    assert!(matches!(update(&world, true), Err(InstallError::NotInstalled { .. })));
    assert_eq!(world.project(), before);
    let replaced = world.force(&source).unwrap();
    assert_eq!(replaced.outcome, Outcome::Replaced);
    assert_eq!(world.content(TESTING), Some(document("testing", "")));

    world.write("project/.agents/skills/testing/more.md", "mine");
    world.skill("testing", "tags: new\n");
    let before = world.project();
    for refused in [world.install(&source).unwrap_err(), update(&world, false).unwrap_err()] {
        let InstallError::Conflict { conflict, .. } = refused else { panic!("{refused}") };
        assert_eq!(conflict, Conflict::Edited);
    }
    assert!(matches!(remove(&world, false), Err(InstallError::Conflict { .. })));
    assert_eq!(world.project(), before);
    assert_eq!(installed(&world.shelf()).unwrap()[0].state, State::Edited);
    assert_eq!(update(&world, true).unwrap().outcome, Outcome::Replaced);
    assert_eq!(world.content(TESTING), Some(document("testing", "tags: new\n")));
    assert_eq!(world.content(".agents/skills/testing/more.md"), None);

    world.write("other/testing/SKILL.md", document("testing", "tags: other\n"));
    let elsewhere = world.install(&world.source("./other/testing")).unwrap_err().to_string();
    assert!(elsewhere.contains("was installed from"), "{elsewhere}");
}

#[test]
fn a_link_in_the_place_of_a_skill_is_not_followed() {
    let world = World::new();
    let source = world.skill("testing", "");
    world.write("precious/SKILL.md", document("testing", "tags: precious\n"));
    fs::create_dirs(&world.layout().skills()).unwrap();
    let link = world.layout().skills().join("testing");
    std::os::unix::fs::symlink(world.dir.path().join("precious"), &link).unwrap();
    assert!(matches!(world.install(&source), Err(InstallError::Conflict { .. })));
    world.force(&source).unwrap();
    assert!(!link.is_symlink());
    let kept = std::fs::read_to_string(world.dir.path().join("precious/SKILL.md")).unwrap();
    assert!(kept.contains("precious"));
}

#[test]
fn updating_and_removing_follow_the_lock_file() {
    let world = World::new();
    let source = world.skill("testing", "version: 1\n");
    world.install(&source).unwrap();
    assert_eq!(update(&world, false).unwrap().outcome, Outcome::Unchanged);
    world.skill("testing", "version: 2\n");
    let updated = update(&world, false).unwrap();
    assert_eq!(updated.outcome, Outcome::Replaced);
    assert_eq!(updated.replaced.unwrap().version.as_deref(), Some("1"));
    assert_eq!(world.recorded()[0].version.as_deref(), Some("2"));
    // The source holds another skill now.
    world.write("sources/testing/SKILL.md", document("other", ""));
    assert!(matches!(update(&world, false), Err(InstallError::OtherSkill { .. })));
    fs::remove_dir_all(&world.dir.path().join("sources")).unwrap();
    assert!(matches!(update(&world, false), Err(InstallError::Nothing { .. })));
    assert_eq!(remove(&world, false).unwrap().version.as_deref(), Some("2"));
    assert_eq!((world.content(TESTING), world.recorded()), (None, vec![]));
    assert!(matches!(remove(&world, true), Err(InstallError::NotInstalled { .. })));
}

#[test]
fn a_role_and_a_user_have_places_of_their_own() {
    let world = World::new();
    let source = world.skill("testing", "");
    let request = Request::new(source);
    let qa = Shelf::of_project(world.layout(), Some("qa".parse().unwrap()));
    world.installer().install(&qa, &request).unwrap();
    assert!(world.content(".agents/roles/qa/skills/testing/SKILL.md").is_some());
    let user = Shelf::of_user(world.dir.path().join("home"));
    world.installer().install(&user, &request).unwrap();
    assert!(world.dir.path().join("home/.agents/skills/testing/SKILL.md").is_file());
    assert_eq!(world.content(TESTING), None);
    assert_eq!(world.recorded().len(), 1);
    assert!(matches!(remove(&world, false), Err(InstallError::NotInstalled { .. })));
    world.installer().remove(&qa, &name("testing"), false).unwrap();
    assert_eq!(world.recorded(), []);
}

#[test]
fn versions_and_hashes_are_held_to() {
    let world = World::new();
    let source = world.skill("testing", "version: 1.2\n");
    let before = world.project();
    let ask = |version: Option<&str>, sha256: Option<&str>| {
        let request = Request {
            version: version.map(str::to_owned),
            sha256: sha256.map(str::to_owned),
            dry_run: true,
            ..Request::new(source.clone())
        };
        world.installer().install(&world.shelf(), &request)
    };
    let sha256 = ask(Some("1.2"), None).unwrap().sha256;
    assert!(ask(None, Some(&sha256.to_uppercase())).is_ok());
    assert!(matches!(ask(Some("1.3"), None), Err(InstallError::OtherVersion { .. })));
    assert!(matches!(ask(None, Some(&"0".repeat(64))), Err(InstallError::OtherContent { .. })));
    assert!(matches!(ask(None, Some("abc")), Err(InstallError::BadHash { .. })));
    assert_eq!(world.project(), before);
}

#[test]
fn the_folder_that_it_would_go_to_is_no_source() {
    let world = World::new();
    world.write("project/.agents/skills/testing/SKILL.md", document("testing", ""));
    let source = world.source("./project/.agents/skills/testing");
    assert!(matches!(world.force(&source), Err(InstallError::InPlace { .. })));
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let world = World::new();
    let source = world.skill("testing", "version: 1\n");
    world.install(&source).unwrap();
    world.skill("testing", "version: 2\n");
    // A folder where the lock file's replacement has to go.
    let lock = world.layout().skills_lock();
    let old = std::fs::read(&lock).unwrap();
    fs::remove_file(&lock).unwrap();
    std::fs::create_dir(&lock).unwrap();
    assert!(world.force(&source).is_err());
    std::fs::remove_dir(&lock).unwrap();
    fs::replace_hint(&lock, &old).unwrap();
    assert_eq!(world.content(TESTING), Some(document("testing", "version: 1\n")));
    assert_eq!(installed(&world.shelf()).unwrap()[0].state, State::Intact);
}

/// What a process leaves that dies in `work`: its folder, with a lock that nobody holds.
fn dies(world: &World, work: impl FnOnce(&SkillStaging)) {
    let agents = world.layout().agents();
    let kept = in_staging(&agents, |staging| {
        work(staging);
        let aside = agents.join("kept");
        assert!(fs::claim(staging.dir(), &aside).unwrap());
        Ok((aside, staging.dir().to_owned()))
    });
    let (aside, dir) = kept.unwrap();
    assert!(fs::claim(&aside, &dir).unwrap());
}

fn recorded_as(world: &World, change: Change, version: &str, staging: &SkillStaging) {
    let mut skill = world.recorded()[0].clone();
    skill.version = Some(version.to_owned());
    let path = world.layout().skills().join("testing");
    if path.exists() {
        let tree = super::super::read::read_folder(&path, None).unwrap();
        skill.sha256 = tree.sha256();
    }
    Intent { change, skill }.write(staging, &world.store).unwrap();
}

#[test]
fn who_comes_next_finishes_or_undoes_what_was_cut_off() {
    let world = World::new();
    let other = world.skill("other", "");
    let tidy = || {
        world.install(&other).unwrap();
        remove_other(&world);
        let left = SkillStaging::list(&world.layout().agents()).unwrap();
        assert_eq!(left, []);
    };
    let source = world.skill("testing", "version: 1\n");
    world.install(&source).unwrap();
    let skills = world.layout().skills().join("testing");

    // Before anything was touched.
    let before = world.project();
    dies(&world, |staging| {
        fs::create_dirs(&staging.fresh(&name("testing"))).unwrap();
    });
    tidy();
    assert_eq!(world.project(), before);

    // Swapped in and not recorded: it is recorded.
    dies(&world, |staging| {
        world.write("project/.agents/skills/testing/SKILL.md", document("testing", "version: 2\n"));
        recorded_as(&world, Change::Install, "2", staging);
    });
    assert_eq!(installed(&world.shelf()).unwrap()[0].state, State::Edited);
    tidy();
    assert_eq!(world.recorded()[0].version.as_deref(), Some("2"));
    assert_eq!(installed(&world.shelf()).unwrap()[0].state, State::Intact);

    // The old one moved away and the new one not yet there: the old one is put back.
    let before = world.project();
    dies(&world, |staging| {
        recorded_as(&world, Change::Install, "3", staging);
        fs::create_dirs(staging.aside(&name("testing")).parent().unwrap()).unwrap();
        assert!(fs::claim(&skills, &staging.aside(&name("testing"))).unwrap());
    });
    assert_eq!(installed(&world.shelf()).unwrap()[0].state, State::Missing);
    tidy();
    assert_eq!(world.project(), before);

    // A removal that had not begun is none.
    dies(&world, |staging| recorded_as(&world, Change::Remove, "2", staging));
    tidy();
    assert_eq!(world.project(), before);

    // One that had begun is finished.
    dies(&world, |staging| {
        recorded_as(&world, Change::Remove, "2", staging);
        fs::remove_dir_all(&skills).unwrap();
    });
    tidy();
    assert_eq!((world.content(TESTING), world.recorded()), (None, vec![]));
}

fn remove_other(world: &World) {
    world.installer().remove(&world.shelf(), &name("other"), false).unwrap();
}

#[test]
fn who_is_at_work_is_not_disturbed() {
    let world = World::new();
    let source = world.skill("testing", "");
    in_staging(&world.layout().agents(), |staging| {
        fs::create_dirs(&staging.fetched()).unwrap();
        // Somebody who has made a folder and is about to lock it.
        let young = SkillStaging::new(&world.layout().agents(), 1);
        fs::create_dirs(young.dir()).unwrap();
        world.install(&source)?;
        assert!(staging.fetched().exists() && young.dir().exists());
        fs::remove_dir_all(young.dir())?;
        Ok(())
    })
    .unwrap();
    assert_eq!(SkillStaging::list(&world.layout().agents()).unwrap(), []);
}
