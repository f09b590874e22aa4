//! The provider as a program.

use std::io::Write;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use shared::payments::Secret;
use tokio::net::TcpListener;

use super::serve::{Settings, serve};
use super::webhooks;

/// A payment provider that speaks Stripe's language and fails on command; see GET /_control.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The port on 127.0.0.1; 0 for a free one, which is printed
    #[arg(long)]
    port: u16,
    /// The folder of its journal
    #[arg(long)]
    data: PathBuf,
    /// Where events go; without it there are none
    #[arg(long)]
    webhook_url: Option<String>,
    /// The shop's secret key (from the environment, where `ps` does not show it)
    #[arg(long, env = "PAYMENTS_KEY", hide_env_values = true)]
    secret_key: String,
    /// The secret that events are signed with
    #[arg(long, env = "PAYMENTS_WEBHOOK_SECRET", hide_env_values = true)]
    webhook_secret: String,
}

/// Serves until it is killed.
pub async fn run(arguments: Arguments) -> Result<()> {
    let address = (Ipv4Addr::LOCALHOST, arguments.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on 127.0.0.1:{}; choose another --port", arguments.port))?;
    // Whoever reads along may go away; the provider stays.
    let _ = writeln!(std::io::stdout(), "payments on http://{}", listener.local_addr()?);
    let settings = Settings {
        data: arguments.data,
        secret_key: Secret::new(&arguments.secret_key),
        webhooks: webhooks::Settings::new(arguments.webhook_url, Secret::new(&arguments.webhook_secret)),
    };
    serve(listener, settings).await
}
