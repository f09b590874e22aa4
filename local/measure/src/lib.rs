//! What things cost and whether they hold: measurements of a cloud, and their reports.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@bench`] | `./dev bench`: what one request of each endpoint costs, beside `floor/` and the Node.js of `node/` |
//! | [`load`] | `./dev load`: many users for minutes, and what they notice |
//! | `goal`, `usage` | verdicts, and what processes have used, for the reports |

pub mod bench;
mod goal;
pub mod load;
mod usage;
