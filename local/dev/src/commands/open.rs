//! `open`: the console, in the browser.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::shells::setting;
use cloud::folder::Folder;
use cloud::progress::tell;
use cloud::service::on_path;

/// Opens it with what this system opens addresses with.
pub(crate) fn open(folder: &Folder) -> Result<()> {
    let address = setting(folder, "CONSOLE_URL")?;
    tell(format_args!("  {address}"));
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    if on_path(opener).is_none() {
        bail!("there is no {opener} here: open the address above in a browser");
    }
    Command::new(opener).arg(&address).stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    Ok(())
}
