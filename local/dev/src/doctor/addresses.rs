//! Where the three servers are, from the file that becomes the secret of a deployment, or from the command line.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub(super) struct Addresses {
    pub(super) database: String,
    pub(super) database_direct: String,
    pub(super) redis: String,
}

impl Addresses {
    pub(super) fn read(from: &[String]) -> Result<Self> {
        let addresses = match from {
            [file] => Self::of_file(file)?,
            [database, direct, redis] => {
                Self { database: database.clone(), database_direct: direct.clone(), redis: redis.clone() }
            }
            _ => bail!("say where they are: a file as docs/external.md shows it, or three URLs"),
        };
        let Self { database, database_direct, redis } = addresses;
        Ok(Self { database: from_here(&database), database_direct: from_here(&database_direct), redis })
    }

    fn of_file(file: &str) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
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

/// With the authority's certificate where it is before a layer brings it to the functions.
fn from_here(url: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infrastructure/certificates/");
    url.replace("sslrootcert=/opt/", &format!("sslrootcert={folder}"))
}
