//! What is counted and measured. Each name is a member of the line, and most are metrics in CloudWatch as well;
//! `docs/operations.md` says what to do about them.

macro_rules! metrics {
    ($(#[$about:meta])* $kind:ident { $($(#[$meaning:meta])* $name:ident,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $kind {
            $($(#[$meaning])* $name,)+
        }

        impl $kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What the line and CloudWatch call it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

metrics! {
    /// Something that happened, any number of times in one invocation.
    Counter {
        /// The environment's first invocation.
        ColdStart,
        /// A read was served from the cache: a hit, a stale value, or another's fill that was awaited.
        CacheHit,
        /// A read went to the origin.
        CacheMiss,
        /// Of the hits: served after its time, because another refreshes it or the origin fails.
        CacheStale,
        /// Of the hits: another caller's fill was awaited.
        CacheWaited,
        /// A value was there, and this caller was to refresh it.
        CacheRefreshed,
        /// Of the misses: what was read was stored.
        CacheFilled,
        /// Of the misses: what was read was not stored, because an update, a takeover or an eviction came between.
        CacheFillDropped,
        /// Of the misses: the wait for another's fill became too long.
        CacheGaveUp,
        /// Of the misses: Redis was away.
        CacheDegraded,
        /// Of the misses: the origin failed, and there was nothing to serve instead.
        CacheFailed,
        /// An invalidation that Redis did not confirm; the order sweeper sends it again.
        InvalidationLost,
        /// The limiter let the request through.
        RateAllowed,
        /// The request was refused with 429. Once for each request.
        RateLimited,
        /// The limiter decided without Redis.
        RateDegraded,
        /// A login waited a second, because of too many wrong passwords of its account.
        LoginSlowed,
        /// A breaker let a call through.
        BreakerAllowed,
        /// A breaker let a call through to find out whether to close.
        BreakerProbed,
        /// A breaker did not let a call through.
        BreakerDenied,
        /// A breaker decided without Redis.
        BreakerDegraded,
        /// A call behind a breaker failed.
        BreakerFailed,
        /// A call behind a breaker was slow.
        BreakerSlow,
        /// A report opened a breaker.
        BreakerOpened,
        /// A report closed a breaker.
        BreakerClosed,
        /// Redis was away, left alone, or did not answer in time. Once for each request.
        RedisAway,
        /// A batch that Redis did not answer.
        RedisFailed,
        /// A batch that was not sent, because Redis was away a moment ago.
        RedisLeftAlone,
        /// Exchanges with Redis.
        RedisRoundTrips,
        /// Connections opened to Redis.
        RedisConnected,
        /// Statements and pings sent to Postgres.
        DatabaseRoundTrips,
        /// Connections opened to Postgres.
        DatabaseConnected,
        /// Idle connections to Postgres that the other side had closed.
        DatabaseDiscarded,
        /// Postgres did not answer, or not in time: no connection, a lost one, a time limit.
        DatabaseAway,
        /// Calls to the payment provider.
        ProviderCalls,
        /// Calls that the payment provider refused because there were too many.
        ProviderLimited,
        /// Calls that were put off before the provider would have refused them, while somebody waited for the answer.
        ProviderHeldBack,
        /// Messages sent to SQS.
        QueueSent,
        /// Messages that SQS did not take. No order is lost by it.
        QueueFailed,
        /// Orders that are charged later.
        DeferredOrders,
        /// Orders that another try will not help: an ERROR names each, and the reason.
        OperatorNeeded,
        /// Refunds of paid orders that somebody made at the provider.
        RefundsElsewhere,
        /// Events of the payment provider whose signature none of our secrets has made.
        EventsRefused,
        /// Files of products that could not be read at all.
        FilesUnread,
    }
}

metrics! {
    /// Time spent waiting for something, in one invocation. What is waited for at once counts once.
    Timer {
        /// Postgres, the wait for a connection included.
        DatabaseTime,
        /// A connection to Postgres.
        PoolWait,
        /// Another's fill of the cache, the looks at it aside.
        CacheWait,
        /// Redis.
        RedisTime,
        /// The payment provider.
        ProviderTime,
        /// SQS.
        QueueTime,
    }
}

metrics! {
    /// How things stand.
    Gauge {
        /// Seconds for which the oldest order that waits for us has waited; 0 if none waits.
        OldestUnfinishedOrder,
        /// Open connections to Postgres, of those it allows.
        DatabaseConnectionsUsed,
        /// Blocks that Postgres found in its memory, of those it needed.
        DatabaseMemoryHits,
        /// What db-insights suggests to do about the database.
        DatabaseSuggestions,
    }
}

impl Counter {
    /// Whether an invocation counts it once, however often it happens.
    pub(super) const fn is_once(self) -> bool {
        matches!(self, Self::ColdStart | Self::RateLimited | Self::RedisAway)
    }

    /// Whether it is a member of the line and no metric: no graph and no alarm looks at it, and a metric is paid for.
    pub(super) const fn is_no_metric(self) -> bool {
        matches!(
            self,
            Self::CacheWaited
                | Self::CacheRefreshed
                | Self::CacheFilled
                | Self::CacheFillDropped
                | Self::CacheGaveUp
                | Self::RateAllowed
                | Self::BreakerAllowed
                | Self::BreakerProbed
                | Self::BreakerDegraded
                | Self::RedisLeftAlone
                | Self::RedisRoundTrips
                | Self::DatabaseRoundTrips
                | Self::DatabaseDiscarded
                | Self::QueueSent
        )
    }
}

impl Gauge {
    pub(super) const fn unit(self) -> &'static str {
        match self {
            Self::OldestUnfinishedOrder => "Seconds",
            Self::DatabaseConnectionsUsed | Self::DatabaseMemoryHits => "Percent",
            Self::DatabaseSuggestions => "Count",
        }
    }
}
