//! Scripts that say something about the client, and a command that calls them.

use shared::redis::{Call, Calls, Command, Replies, Script};

pub(crate) static ECHO: Script = Script::new("test.echo", "return ARGV[1]");
pub(crate) static OTHER: Script = Script::new("test.other", "return 'other ' .. ARGV[1]");
pub(crate) static BROKEN: Script = Script::new("test.broken", "return redis.call('HGET', 'no hash')");
pub(crate) static COUNT: Script = Script::new("test.count", "return redis.call('INCR', KEYS[1])");

/// A script call that answers `None` without Redis.
pub(crate) struct Ask(Call);

impl Command for Ask {
    type Output = Option<String>;

    fn calls(&self, calls: &mut Calls) {
        calls.push(self.0.clone());
    }

    fn read(self, replies: &mut Replies) -> Option<String> {
        replies.next()
    }
}

pub(crate) fn ask(script: &'static Script, argument: &str) -> Ask {
    ask_on("key", script, argument)
}

pub(crate) fn ask_on(key: &str, script: &'static Script, argument: &str) -> Ask {
    Ask(script.on([key]).arg(argument))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with answers")]
pub(crate) fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}
