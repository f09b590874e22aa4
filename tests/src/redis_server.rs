//! The cloud's Redis, asked by a test itself.

use redis::Connection;

use crate::broken::Broken;
use crate::cloud::env;

/// It blocks, for what takes no time here: the crate's other kind of connection is asked for by nobody else.
pub(crate) fn connection_to_redis() -> Connection {
    let client = redis::Client::open(env("REDIS_URL")).expect("an address of a Redis");
    client.get_connection().expect("Redis answers")
}

/// A command for what no function does.
pub fn ask_redis(command: &[&str]) {
    let mut asked = redis::cmd(command[0]);
    asked.arg(&command[1..]);
    asked.exec(&mut connection_to_redis()).expect("a command that Redis accepts");
}

/// What the caches' keys begin with.
const CACHES: [&str; 3] = ["cache:product:", "cache:featured:", "cache:{search}"];

/// Redis answers, and refuses whatever asks for a key of this cache, as by a rule of its access list.
pub fn redis_refuses(cache: &str) -> Broken {
    let broken = Broken::until(async move || {
        ask_redis(&["ACL", "SETUSER", "default", "allkeys"]);
        Ok(())
    });
    assert!(CACHES.contains(&cache), "{cache} is not among {CACHES:?}");
    let others = CACHES.iter().filter(|other| **other != cache).map(|other| format!("~{other}*"));
    let mut rules = ["ACL", "SETUSER", "default", "resetkeys", "~[^c]*"].map(str::to_owned).to_vec();
    rules.extend(others);
    ask_redis(&rules.iter().map(String::as_str).collect::<Vec<_>>());
    broken
}
