//! Where the three servers are, from the file that becomes the secret of a deployment, or from the command line.

use std::fs;

use anyhow::{Context, Result, bail};
use cloud::given;
use serde_json::Value;

pub(super) struct Addresses {
    pub(super) database: String,
    pub(super) database_direct: String,
    pub(super) redis: String,
}

impl Addresses {
    pub(super) fn read(from: &[String]) -> Result<Self> {
        let addresses = match from {
            // One URL alone, with its password, would be called a file that cannot be read.
            [file] if !is_url(file) => Self::of_file(file)?,
            [database, direct, redis] => {
                Self { database: database.clone(), database_direct: direct.clone(), redis: redis.clone() }
            }
            _ => bail!("name a file like the one in docs/external.md, or three URLs"),
        };
        let Self { database, database_direct, redis } = addresses;
        Ok(Self { database: from_here(&database), database_direct: from_here(&database_direct), redis })
    }

    fn of_file(file: &str) -> Result<Self> {
        let text = fs::read_to_string(given::file(file)).with_context(|| format!("cannot read {file}"))?;
        // serde's own text could quote a password.
        let Ok(said) = serde_json::from_str::<Value>(&text) else { bail!("{file} is not JSON") };
        let address = |name: &str| {
            let address = said.get(name).and_then(Value::as_str).map(str::to_owned);
            address
                .with_context(|| format!("{file} has no {name}; docs/external.md shows the three it needs"))
        };
        Ok(Self {
            database: address("DatabaseUrl")?,
            database_direct: address("DatabaseDirectUrl")?,
            redis: address("RedisUrl")?,
        })
    }
}

fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// With the authority's certificate where it is before a layer brings it to the functions.
fn from_here(url: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infrastructure/certificates/");
    url.replace("sslrootcert=/opt/", &format!("sslrootcert={folder}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_and_not_three_urls_is_told_the_way_out_and_no_password() {
        let url = "postgres://u:sekret@h/db".to_owned();
        for from in [vec![url.clone()], vec![url.clone(), url.clone()], vec![url.clone(); 4]] {
            let refused = Addresses::read(&from).err().map(|error| format!("{error:#}")).unwrap_or_default();
            assert_eq!(refused, "name a file like the one in docs/external.md, or three URLs", "{from:?}");
        }
        let refused = Addresses::read(&["no-such-file".to_owned()]).err().expect("there is none");
        assert!(refused.to_string().contains("no-such-file"), "{refused}");
    }
}
