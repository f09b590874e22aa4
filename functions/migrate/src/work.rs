//! What is asked of the database, within a time limit, whatever happens.

use shared::auth::SigningKey;
use shared::config;
use shared::database::Settings as Database;
use shared::database::migrations::{self, Step};
use shared::edge::Edge;
use shared::presign::Signer;
use shared::secrets::Rotating;
use shared::time_limit::TimeLimit;

/// Why something was not done. Holds no secret: operators read it in CloudFormation's events.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What this function is told by its environment.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) database: Database,
    /// The one that access tokens are signed with. Everybody else learns its public key from this function's answer.
    pub(crate) token_private_key: String,
    /// What CloudFront shows, where it is in front. Everybody else learns its hash.
    pub(crate) edge_secret: Option<String>,
}

impl Settings {
    /// `DATABASE_DIRECT_URL`, `DATABASE_IAM_AUTH`, and, themselves or as `…_ARN`, `TOKEN_PRIVATE_KEY` and
    /// `EDGE_SECRET`.
    pub(crate) async fn from_env() -> Result<Self, Failure> {
        let database = Database::new(&config::required("DATABASE_DIRECT_URL")?)?;
        let database = if config::enabled("DATABASE_IAM_AUTH")? {
            database.iam(Signer::of_function()?)?
        } else {
            database
        };
        let token_private_key = secret("TOKEN_PRIVATE_KEY").await?;
        let behind_cloudfront = config::is_set("EDGE_SECRET") || config::is_set("EDGE_SECRET_ARN");
        let edge_secret = if behind_cloudfront { Some(secret("EDGE_SECRET").await?) } else { None };
        Ok(Self { database, token_private_key, edge_secret })
    }

    /// The steps that [`migrate`](Self::migrate) would take.
    pub(crate) async fn pending(&self) -> Result<Vec<Step>, Failure> {
        Ok(migrations::pending(&self.database).await?)
    }

    /// Brings the schema up to date. In a task of its own, so that a panic is an answer as well.
    pub(crate) async fn migrate(&self, limit: TimeLimit) -> Result<Vec<Step>, Failure> {
        let database = self.database.clone();
        let mut work = tokio::spawn(async move { migrations::run(&database).await });
        let Ok(ended) = tokio::time::timeout_at(limit.instant(), &mut work).await else {
            // Closes the connection: the step under way is rolled back, and the lock is free for the next try.
            work.abort();
            return Err("the migration did not end within the function's time limit".into());
        };
        let steps = ended.map_err(|_| "the migration panicked; the log says where")??;
        for Step { version, description } in &steps {
            tracing::info!(version, description, "migration {version}, {description}, ran");
        }
        Ok(steps)
    }

    /// What `TOKEN_PUBLIC_KEY` must be.
    pub(crate) fn token_public_key(&self) -> Result<String, Failure> {
        Ok(SigningKey::new(&self.token_private_key)?.public_key())
    }

    /// What `EDGE_SECRET_HASHES` must be; empty where there is no CloudFront.
    pub(crate) fn edge_secret_hashes(&self) -> Result<String, Failure> {
        Ok(self.edge_secret.as_deref().map(Edge::hashes_of).transpose()?.unwrap_or_default())
    }
}

async fn secret(setting: &'static str) -> Result<String, Failure> {
    let secret = Rotating::of_setting(setting, |secret| Ok(secret.to_owned()));
    let secret = secret.get().await.map_err(|error| error.cause().unwrap_or_default())?;
    Ok((*secret).clone())
}
