//! `.dev/env`: what was started, under the names that the functions read.

use anyhow::{Context, Result, ensure};
use shared::auth::token::Role;

use crate::cloud::{Cloud, OWNER};
use crate::demo;
use crate::key_value;
use crate::service::Service;
use crate::services::IMPORTS_BUCKET;
use lambda::aws::AWS_REGION;

/// The queue that checkout falls back to, by its logical name in template.yaml.
const DEFERRED_CHARGES: &str = "DeferredCharges";

/// The queue of files that are to be imported.
const IMPORTS: &str = "Imports";

/// Writes the file.
pub fn write(cloud: &Cloud) -> Result<()> {
    let env = of(cloud)?;
    for (name, value) in &env {
        // Such values would need quotes, and every reader of the file would have to understand them.
        let plain = !value.contains(|c: char| c.is_whitespace() || "=#'\"`$\\".contains(c));
        ensure!(plain, "the value of {name} has a character that cargo-lambda cannot read");
    }
    key_value::write(&cloud.folder.env(), env)
}

/// All names with their values.
fn of(cloud: &Cloud) -> Result<Vec<(&'static str, String)>> {
    let queue = cloud.template.queue(DEFERRED_CHARGES);
    let queue = queue.with_context(|| format!("template.yaml has no queue {DEFERRED_CHARGES}"))?;
    let imports = cloud.template.queue(IMPORTS);
    let imports = imports.with_context(|| format!("template.yaml has no queue {IMPORTS}"))?;
    let owner = cloud.secrets.owner_password();
    let mut env = vec![
        ("API_URL", cloud.http(Service::Functions)?),
        ("FUNCTIONS_PORT", cloud.port(Service::Functions)?.to_string()),
        ("DATABASE_URL", cloud.database_url()?),
        ("DATABASE_DIRECT_URL", cloud.database_direct_url()?),
        ("REDIS_URL", format!("redis://127.0.0.1:{}", cloud.port(Service::Redis)?)),
        ("AWS_REGION", AWS_REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_ENDPOINT_URL_SQS", cloud.http(Service::Sqs)?),
        ("DEFERRED_CHARGES_QUEUE_URL", cloud.queue_url(&queue.name)?),
        ("IMPORTS_QUEUE_URL", cloud.queue_url(&imports.name)?),
        ("IMPORTS_URL", format!("{}/{IMPORTS_BUCKET}", cloud.http(Service::Sqs)?)),
        ("PAYMENTS_URL", cloud.http(Service::Payments)?),
        // The double takes as many as come. One that nobody reaches, so that what is counted is what counts on AWS.
        ("PAYMENTS_RATE_LIMIT", "10000".to_owned()),
        ("PAYMENTS_KEY", cloud.secrets.payments_key().to_owned()),
        ("PAYMENTS_WEBHOOK_SECRET", cloud.secrets.payments_webhook_secret().to_owned()),
        ("TOKEN_PUBLIC_KEY", cloud.secrets.token_public_key()?),
        ("TOKEN_PRIVATE_KEY", cloud.secrets.token_private_key().to_owned()),
        ("POWERTOOLS_SERVICE_NAME", "millrace".to_owned()),
        ("POWERTOOLS_METRICS_NAMESPACE", "Millrace".to_owned()),
        ("CUSTOMER_EMAIL", demo::CUSTOMER.email.to_owned()),
        ("CUSTOMER_PASSWORD", demo::PASSWORD.to_owned()),
        ("CUSTOMER_TOKEN", cloud.secrets.access_token(demo::CUSTOMER.id, Role::Customer)?),
        ("LEAVER_TOKEN", cloud.secrets.access_token(demo::LEAVER, Role::Customer)?),
        ("ADMIN_EMAIL", demo::ADMINISTRATOR.email.to_owned()),
        ("ADMIN_PASSWORD", demo::PASSWORD.to_owned()),
        ("ADMIN_TOKEN", cloud.secrets.access_token(demo::ADMINISTRATOR.id, Role::Administrator)?),
    ];
    if !cloud.wishes.no_console {
        env.push(("CONSOLE_URL", cloud.http(Service::Console)?));
    }
    if Service::Pgbouncer.is_available() {
        let port = cloud.port(Service::Pgbouncer)?;
        env.push(("PGBOUNCER_ADMIN_URL", format!("postgres://{OWNER}:{owner}@127.0.0.1:{port}/pgbouncer")));
    }
    Ok(env)
}
