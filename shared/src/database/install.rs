//! Makes a function of each stored statement, at each migration.

use sqlx::postgres::PgConnection;
use sqlx::{Column, Either, Executor, SqlSafeStr, Statement as _, TypeInfo};

use super::direct::run;
use super::error::{Error, Result};
use super::stored::{SCHEMA, digest, function};

/// Name and text of each statement that is declared as [`stored`](super::Statement::stored): those that many requests
/// wait for, and that are best carried out in one way whatever their arguments are.
pub const STORED: &[(&str, &str)] = &[
    ("accounts.by_email", include_str!("../accounts/by_email.sql")),
    ("accounts.refresh", include_str!("../accounts/refresh.sql")),
    ("accounts.sign_in", include_str!("../accounts/sign_in.sql")),
    ("catalog.featured", include_str!("../catalog/featured.sql")),
    ("catalog.find", include_str!("../catalog/find.sql")),
    ("catalog.load", include_str!("../catalog/load.sql")),
    ("catalog.update", include_str!("../catalog/update.sql")),
    ("checkout.cancel", include_str!("../checkout/cancel.sql")),
    ("checkout.claim", include_str!("../checkout/claim.sql")),
    ("checkout.place", include_str!("../checkout/place.sql")),
    ("checkout.settle", include_str!("../checkout/settle.sql")),
    ("orders.due_by_intent", include_str!("../orders/due_by_intent.sql")),
    ("orders.find", include_str!("../orders/find.sql")),
    ("orders.list", include_str!("../orders/list.sql")),
    ("orders.page", include_str!("../orders/page.sql")),
];

/// Until a version of the code that no deployment has named for so long can be taken for gone. If it is not, it sends
/// its statements whole.
const KEPT_FOR: &str = "90 days";

/// Brings the functions up to date, each at once or not at all. Those of other versions stay for [`KEPT_FOR`].
pub(super) async fn install(connection: &mut PgConnection) -> Result<()> {
    let schema =
        format!("create schema if not exists {SCHEMA}; grant usage on schema {SCHEMA} to millrace_app");
    run(connection, schema).await?;
    let mut functions = Vec::new();
    for (name, text) in STORED {
        let function = function(name, digest(text));
        let Shape { arguments, columns } = Shape::of(connection, name, text).await?;
        let create = format!(
            "{SCHEMA}.{function}({arguments}) returns table({columns}) language plpgsql \
             set plan_cache_mode = force_generic_plan as $statement$\n\
             #variable_conflict use_column\nbegin return query\n{text}\n; end $statement$"
        );
        if run(connection, format!("create or replace function {create}")).await.is_err() {
            // A migration has changed the type of a column.
            let drop = format!("drop function if exists {SCHEMA}.{function}({arguments})");
            run(connection, format!("{drop}; create function {create}")).await?;
        }
        functions.push(format!("'{function}'"));
    }
    run(connection, remember(&functions.join(", "))).await
}

/// What a statement takes and gives, as Postgres reads it.
struct Shape {
    arguments: String,
    columns: String,
}

impl Shape {
    #[expect(clippy::disallowed_methods, reason = "a direct connection of the migrator's own")]
    async fn of(connection: &mut PgConnection, name: &'static str, text: &'static str) -> Result<Self> {
        let prepared = connection.prepare(text.into_sql_str()).await;
        let prepared = prepared.map_err(|error| Error::from_sqlx(name, &error))?;
        let Some(Either::Left(arguments)) = prepared.parameters() else {
            return Err(Error::fault(name, "has no types of arguments"));
        };
        if prepared.columns().is_empty() {
            return Err(Error::fault(name, "returns no rows, so it cannot be stored"));
        }
        let columns = prepared.columns().iter();
        Ok(Self {
            arguments: arguments.iter().map(TypeInfo::name).collect::<Vec<_>>().join(", "),
            columns: columns
                .map(|column| format!("\"{}\" {}", column.name(), column.type_info().name()))
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

/// A function's comment is the day of the last migration by a version of the code that calls it.
fn remember(functions: &str) -> String {
    format!(
        "do $$ declare stored record; begin
            for stored in
                select oid::regprocedure as name, proname in ({functions}) as used,
                    obj_description(oid, 'pg_proc')::date < current_date - interval '{KEPT_FOR}' as forgotten
                from pg_proc where pronamespace = '{SCHEMA}'::regnamespace
            loop
                if stored.used then
                    execute format('comment on function %s is %L', stored.name, current_date);
                elsif stored.forgotten then
                    execute format('drop function %s', stored.name);
                end if;
            end loop;
        end $$"
    )
}
