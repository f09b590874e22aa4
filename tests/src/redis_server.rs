//! The cloud's Redis, asked by a test itself.

use redis::aio::MultiplexedConnection;

use crate::broken::Broken;
use crate::cloud::env;

pub(crate) async fn connection_to_redis() -> MultiplexedConnection {
    let client = redis::Client::open(env("REDIS_URL")).expect("an address of a Redis");
    client.get_multiplexed_async_connection().await.expect("Redis answers")
}

/// A command for what no function does.
pub async fn ask_redis(command: &[&str]) {
    let mut asked = redis::cmd(command[0]);
    asked.arg(&command[1..]);
    asked.exec_async(&mut connection_to_redis().await).await.expect("a command that Redis accepts");
}

/// Redis answers and takes no writes, as one that lost its replicas or is about to become one.
pub async fn redis_takes_no_writes() -> Broken {
    let replicas = async |least: &str| ask_redis(&["CONFIG", "SET", "min-replicas-to-write", least]).await;
    let broken = Broken::until(async move || {
        replicas("0").await;
        Ok(())
    });
    replicas("1").await;
    broken
}
