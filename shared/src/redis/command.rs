//! Commands are values, so that mechanisms can be combined into one batch without knowing each other.

use super::{Calls, Replies};

/// What to ask Redis, and what the reply means.
///
/// Tuples of up to four commands, `Option`s and `Vec`s of commands are commands too.
pub trait Command {
    /// The typed answer, which exists whether Redis answers or not.
    type Output;

    /// Adds what is to be sent: any number of calls, none included.
    fn calls(&self, calls: &mut Calls);

    /// Takes as many replies as [`Command::calls`] added calls, in the same order.
    fn read(self, replies: &mut Replies) -> Self::Output;

    /// Adds what takes back the effect that `output` tells of: for a command that was sent with a request which was
    /// then refused. Nothing, where nobody would miss anything.
    fn undo(_output: Self::Output, _calls: &mut Calls)
    where
        Self: Sized,
    {
    }
}

impl<C: Command> Command for Option<C> {
    type Output = Option<C::Output>;

    fn calls(&self, calls: &mut Calls) {
        if let Some(command) = self {
            command.calls(calls);
        }
    }

    fn read(self, replies: &mut Replies) -> Self::Output {
        self.map(|command| command.read(replies))
    }

    fn undo(output: Self::Output, calls: &mut Calls) {
        if let Some(output) = output {
            C::undo(output, calls);
        }
    }
}

impl<C: Command> Command for Vec<C> {
    type Output = Vec<C::Output>;

    fn calls(&self, calls: &mut Calls) {
        for command in self {
            command.calls(calls);
        }
    }

    fn read(self, replies: &mut Replies) -> Self::Output {
        self.into_iter().map(|command| command.read(replies)).collect()
    }

    fn undo(output: Self::Output, calls: &mut Calls) {
        for output in output {
            C::undo(output, calls);
        }
    }
}

impl Command for () {
    type Output = ();

    fn calls(&self, _: &mut Calls) {}

    fn read(self, _: &mut Replies) {}
}

macro_rules! tuple_of_commands {
    ($($name:ident),+) => {
        impl<$($name: Command),+> Command for ($($name,)+) {
            type Output = ($($name::Output,)+);

            #[expect(non_snake_case, reason = "the type parameters name the variables")]
            fn calls(&self, calls: &mut Calls) {
                let ($($name,)+) = self;
                $($name.calls(calls);)+
            }

            #[expect(non_snake_case, reason = "the type parameters name the variables")]
            fn read(self, replies: &mut Replies) -> Self::Output {
                let ($($name,)+) = self;
                ($($name.read(replies),)+)
            }

            #[expect(non_snake_case, reason = "the type parameters name the variables")]
            fn undo(output: Self::Output, calls: &mut Calls) {
                let ($($name,)+) = output;
                $($name::undo($name, calls);)+
            }
        }
    };
}

tuple_of_commands!(A);
tuple_of_commands!(A, B);
tuple_of_commands!(A, B, C);
tuple_of_commands!(A, B, C, D);
