//! Which file systems do not report all changes.
//!
//! A change that another machine makes on a network file system raises no event here, and what a
//! FUSE file system reports is up to its program. Such places are polled.

use std::path::Path;

/// Magic numbers as the kernel's `statfs` gives them, for file systems whose content can change
/// behind the kernel's back.
const UNREPORTED: &[(u32, &str)] = &[
    (0x0000_6969, "nfs"),
    (0x0000_517b, "smb"),
    (0xff53_4d42, "cifs"),
    (0xfe53_4d42, "smb2"),
    (0x6573_5546, "fuse"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "ceph"),
    (0x5346_414f, "afs"),
    (0x6b41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x0000_564c, "ncp"),
    (0x0bd0_0bd0, "lustre"),
    (0x4750_4653, "gpfs"),
    (0x0116_1970, "gfs2"),
    (0x7461_636f, "ocfs2"),
    (0x2003_0528, "orangefs"),
    (0x1983_0326, "beegfs"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
    (0x7c7c_6673, "prl_fs"),
];

/// The name of the file system at `path` if it is one whose changes the system does not fully
/// report; `None` for a local disk, or when the system does not say.
pub fn unreported(path: &Path) -> Option<&'static str> {
    kind(path).and_then(name)
}

fn name(kind: u32) -> Option<&'static str> {
    UNREPORTED.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn kind(path: &Path) -> Option<u32> {
    let found = rustix::fs::statfs(path).ok()?;
    // The kernel's magic numbers have 32 bits; the field's width and sign depend on the platform.
    Some(found.f_type as u32)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn kind(_: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_and_local_ones_are_not() {
        assert_eq!(name(0x6969), Some("nfs"));
        assert_eq!(name(0xff53_4d42), Some("cifs"));
        let (ext4, tmpfs, btrfs) = (0xef53, 0x0102_1994, 0x9123_683e);
        assert_eq!([ext4, tmpfs, btrfs].map(name), [None; 3]);
    }

    #[test]
    fn proc_is_local_and_a_missing_path_is_unknown() {
        assert_eq!(kind(Path::new("/proc")), Some(0x9fa0));
        assert_eq!(unreported(Path::new("/proc")), None);
        assert_eq!(unreported(Path::new("/no/such/place")), None);
    }
}
