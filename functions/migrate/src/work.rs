//! What is asked of the database, within a time limit, whatever happens.

use shared::accounts::{self, Email};
use shared::auth::{SigningKey, password};
use shared::aws::presign::Signer;
use shared::aws::secrets::Rotating;
use shared::config;
use shared::database::migrations::{self, Step};
use shared::database::{Database as Handle, Settings as Database};
use shared::edge::Edge;
use shared::time_limit::TimeLimit;

/// Why something was not done. Holds no secret: operators read it in CloudFormation's events.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What this function is told by its environment.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) database: Database,
    /// How the functions reach it. Its role sets its own limits where the owner may not.
    pub(crate) functions: Option<Database>,
    /// The one that access tokens are signed with. Everybody else learns its public key from this function's answer.
    pub(crate) token_private_key: String,
    /// What CloudFront shows, where it is in front. Everybody else learns its hash.
    pub(crate) edge_secret: Option<String>,
    /// Who runs the shop first, if anybody was named, and the password to begin with.
    pub(crate) administrator: Option<(Email, String)>,
}

impl Settings {
    /// `DATABASE_DIRECT_URL`, `DATABASE_URL`, `DATABASE_IAM_AUTH`, `REQUIRE_TLS`, and, themselves or as `…_ARN`,
    /// `TOKEN_PRIVATE_KEY` and `EDGE_SECRET`, and, where there is an `ADMINISTRATOR_EMAIL`, `ADMINISTRATOR_PASSWORD`.
    pub(crate) async fn from_env() -> Result<Self, Failure> {
        let database = database("DATABASE_DIRECT_URL")?;
        let functions =
            if config::is_set("DATABASE_URL") { Some(self::database("DATABASE_URL")?) } else { None };
        let token_private_key = secret("TOKEN_PRIVATE_KEY").await?;
        let behind_cloudfront = config::is_set("EDGE_SECRET") || config::is_set("EDGE_SECRET_ARN");
        let edge_secret = if behind_cloudfront { Some(secret("EDGE_SECRET").await?) } else { None };
        let administrator = if config::is_set("ADMINISTRATOR_EMAIL") {
            let email = config::required("ADMINISTRATOR_EMAIL")?;
            let email = Email::parse(&email).map_err(|why| format!("ADMINISTRATOR_EMAIL {why}"))?;
            Some((email, secret("ADMINISTRATOR_PASSWORD").await?))
        } else {
            None
        };
        Ok(Self { database, functions, token_private_key, edge_secret, administrator })
    }

    /// The steps that [`migrate`](Self::migrate) would take.
    pub(crate) async fn pending(&self) -> Result<Vec<Step>, Failure> {
        Ok(migrations::pending(&self.database).await?)
    }

    /// Brings the schema up to date, and sees to it that somebody can run the shop. In a task of its own, so that a
    /// panic is an answer as well.
    pub(crate) async fn migrate(&self, limit: TimeLimit) -> Result<Vec<Step>, Failure> {
        let (database, functions) = (self.database.clone(), self.functions.clone());
        let administrator = self.administrator.clone();
        let mut work = tokio::spawn(async move {
            let steps = migrations::run(&database).await?;
            if let Some(left) = migrations::settle(&database, functions.as_ref()).await? {
                tracing::warn!("{left}");
            }
            if let Some((email, password)) = administrator {
                welcome(database, &email, password).await?;
            }
            Ok::<_, Failure>(steps)
        });
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

/// Opens the first administrator's account, unless the address has one: that is left as it is, whoever's it is.
async fn welcome(database: Database, email: &Email, password: String) -> Result<(), Failure> {
    let hash = password::hash(password).await?;
    if accounts::first_administrator(&Handle::new(database), email, hash).await? {
        tracing::info!("the first administrator's account is open; its password has to be changed first");
    }
    Ok(())
}

fn database(setting: &'static str) -> Result<Database, Failure> {
    let named = |error| format!("{setting}: {error}");
    let mut database = Database::new(&config::required(setting)?).map_err(named)?;
    if config::enabled("REQUIRE_TLS")? {
        database = database.verified().map_err(named)?;
    }
    if config::enabled("DATABASE_IAM_AUTH")? {
        database = database.iam(Signer::of_function()?).map_err(named)?;
    }
    Ok(database)
}

async fn secret(setting: &'static str) -> Result<String, Failure> {
    let secret = Rotating::of_setting(setting, |secret| Ok(secret.to_owned()));
    let secret = secret.get().await.map_err(|error| error.to_string())?;
    Ok((*secret).clone())
}
