//! The end of a sign-in, which needs no password.

use crate::auth::RefreshToken;
use crate::database::{Database, Statement};
use crate::error::Result;

static SIGN_OUT: Statement = Statement::new("accounts.sign_out", include_str!("sign_out.sql"));

/// Ends the sign-in that this token belongs to.
pub async fn sign_out(database: &Database, token: &RefreshToken) -> Result<()> {
    database.execute(SIGN_OUT.bind(token.sign_in())).await?;
    Ok(())
}
