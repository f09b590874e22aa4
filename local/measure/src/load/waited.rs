//! Orders that were put off: how long they waited, and whether all were charged in the end.

use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use cloud::service::Service;
use cloud::{Cloud, DATABASE};

/// Of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waited {
    /// Orders that were put off.
    pub(super) orders: u64,
    /// Of which: charged since.
    pub(super) charged: u64,
    /// Half of these waited no longer, from when they were placed.
    pub(super) median: Duration,
    pub(super) longest: Duration,
}

impl Waited {
    /// Of the orders that were placed since then.
    pub(super) async fn since(cloud: &Cloud, begun: OffsetDateTime) -> Result<Self> {
        let sql = format!(
            "with put_off as (
                select (select min(at) from order_history where order_id = id and event = 'paid') - created_at as wait
                from orders
                where created_at >= to_timestamp({})
                    and exists (select from order_history where order_id = id and event = 'deferred')
            )
            select count(*), count(wait),
                coalesce(percentile_disc(0.5) within group (order by extract(epoch from wait) * 1000)::bigint, 0),
                coalesce(max(extract(epoch from wait) * 1000)::bigint, 0)
            from put_off",
            begun.unix_timestamp()
        );
        let row = cloud.sql(Service::Postgres, DATABASE, &sql).await?;
        let numbers = row.split('|').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [orders, charged, median, longest] = numbers[..] else {
            anyhow::bail!("four numbers, not {row}")
        };
        let ms = Duration::from_millis;
        Ok(Self { orders, charged, median: ms(median), longest: ms(longest) })
    }
}
