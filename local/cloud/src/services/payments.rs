//! The local payment provider.

use anyhow::Result;

use super::answers::answers;
use crate::cloud::Cloud;
use crate::process::Program;
use crate::service::Service;

pub(super) fn program(cloud: &Cloud) -> Result<Program> {
    let port = cloud.port(Service::Payments)?.to_string();
    let data = cloud.folder.data().join("payments").display().to_string();
    let webhooks = format!("{}/api/webhooks/payments", cloud.http(Service::Functions)?);
    let mut program = Program::new(
        &cloud.launcher,
        ["payments", "--port", &port, "--data", &data, "--webhook-url", &webhooks],
    );
    program.environment = vec![
        ("PAYMENTS_KEY", cloud.secrets.payments_key().to_owned()),
        ("PAYMENTS_WEBHOOK_SECRET", cloud.secrets.payments_webhook_secret().to_owned()),
    ];
    Ok(program)
}

pub(super) async fn ask(cloud: &Cloud) -> Result<()> {
    answers(&format!("{}/_control", cloud.http(Service::Payments)?)).await
}
