//! Whether something speaks HTTP.

use std::time::Duration;

use anyhow::Result;

/// Any HTTP answer is a sign of life.
pub(super) async fn answers(url: &str) -> Result<()> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).build()?;
    client.get(url).send().await?;
    Ok(())
}
