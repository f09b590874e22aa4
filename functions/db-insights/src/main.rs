//! Every hour, and whenever somebody asks: where the database's time goes, and what could be done about it.

use serde::Serialize;
use serde_json::Value;
use shared::app::App;
use shared::error::Result;
use shared::events;
use shared::insights::{self, Insights, Suggestion};
use shared::telemetry::{self, Gauge};
use shared::time_limit::TimeLimit;
use time::OffsetDateTime;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), events::Fatal> {
    events::serve(db_insights).await
}

#[derive(Serialize)]
struct Report {
    /// What to do, the most urgent first.
    suggestions: Vec<Suggestion>,
    #[serde(flatten)]
    insights: Insights,
}

async fn db_insights(app: App, _event: Value, _limit: TimeLimit) -> Result<Report> {
    let insights = insights::gather(&app.database).await?;
    let suggestions = insights::advise(&insights, OffsetDateTime::now_utc());
    for Suggestion { about, advice, evidence } in &suggestions {
        tracing::warn!(about, advice, evidence, "{about}: {advice} {evidence}");
    }
    measure(&insights, suggestions.len());
    Ok(Report { suggestions, insights })
}

fn measure(Insights { server, .. }: &Insights, suggestions: usize) {
    telemetry::set(Gauge::DatabaseConnectionsUsed, server.connections_percent());
    telemetry::set(Gauge::DatabaseMemoryHits, server.memory_percent());
    telemetry::set(Gauge::DatabaseSuggestions, suggestions as u64);
}
