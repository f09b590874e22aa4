//! The user that Postgres and `PgBouncer` run as when we are root, which both refuse to be.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

use crate::folder::Folder;

/// An unprivileged user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user's number.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
}

impl Account {
    /// `None` when we are an ordinary user and servers can simply run as ourselves.
    pub fn for_servers() -> Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        for name in ["postgres", "nobody"] {
            if let Some(user) =
                User::from_name(name).with_context(|| format!("cannot look up the user {name}"))?
            {
                return Ok(Some(Self { uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        bail!("Postgres refuses to run as root, and this machine has neither a user `postgres` nor `nobody`")
    }

    fn may_write(&self, path: &Path) -> bool {
        let mut test = Command::new("test");
        test.arg("-w").arg(path).uid(self.uid).gid(self.gid).stdin(Stdio::null());
        test.status().is_ok_and(|status| status.success())
    }
}

/// A folder that the servers' user owns. It lies in the cloud's own folder, or, where that user may not go (a clone
/// under /root), in /var/tmp.
pub fn servers_folder(folder: &Folder, account: Option<&Account>) -> Result<PathBuf> {
    let inside = folder.data().join("servers");
    let outside = Path::new("/var/tmp").join(format!("millrace-{:08x}", folder.fingerprint()));
    make_private(&inside, account)?;
    match account {
        Some(account) if !account.may_write(&inside) => {
            make_private(&outside, Some(account))?;
            Ok(outside)
        }
        _ => Ok(inside),
    }
}

/// Removes what [`servers_folder`] made outside the cloud's own folder.
pub fn remove_outside(folder: &Folder) -> Result<()> {
    let outside = Path::new("/var/tmp").join(format!("millrace-{:08x}", folder.fingerprint()));
    if outside.exists() {
        fs::remove_dir_all(&outside).with_context(|| format!("cannot remove {}", outside.display()))?;
    }
    Ok(())
}

fn make_private(path: &Path, account: Option<&Account>) -> Result<()> {
    let make = || {
        fs::create_dir_all(path)?;
        // /var/tmp is everybody's: a link planted there must not be followed by root.
        if !fs::symlink_metadata(path)?.is_dir() {
            return Err(std::io::Error::other("it is not a folder"));
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        account.map_or(Ok(()), |account| chown(path, Some(account.uid), Some(account.gid)))
    };
    make().with_context(|| format!("cannot make {}", path.display()))
}

/// Writes a file that only the servers' user may read.
pub fn write_for(account: Option<&Account>, path: &Path, text: &str) -> Result<()> {
    crate::key_value::write_private(path, text)?;
    if let Some(account) = account {
        chown(path, Some(account.uid), Some(account.gid))
            .with_context(|| format!("cannot hand {} to the servers' user", path.display()))?;
    }
    Ok(())
}
