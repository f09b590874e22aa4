//! Accounts, by the statements alone: a sign-in is over for good once it has ended.

use shared::accounts::{
    self, Account, Email, by_email, erase, first_administrator, register, sign_in, sign_out,
};
use shared::auth::token::{Issuer, Role};
use shared::auth::{RefreshToken, User};
use shared::database::Statement;
use shared::error::Kind;

use crate::checkout::Shop;

static HOLD: Statement =
    Statement::new("test.hold", "update users set password_hash = 'other', epoch = epoch + 1");
static PROMOTE: Statement = Statement::new("test.promote", "update users set role = 'administrator'");
static HOLD_ALL: Statement = Statement::new("test.hold_all", "select from users for update");
static LEFT: Statement = Statement::new(
    "test.left",
    "select count(*) from users where role = 'administrator' and erased_at is null",
);

impl Shop {
    /// Somebody who has registered, with the first refresh token.
    async fn ada(&self) -> (Account, RefreshToken) {
        let (email, token) = (Email::parse("ada@example.com").expect("an address"), first());
        let registered = register(&self.functions, &issuer(), &email, "a hash".to_owned(), &token).await;
        registered.expect("registers");
        let account = by_email(&self.functions, "ADA@example.com").await.expect("answers");
        (account.expect("is there"), token)
    }

    async fn signs_in(&self, account: &Account, token: &RefreshToken) -> bool {
        sign_in(&self.functions, &issuer(), account, None, token).await.expect("answers").is_some()
    }

    async fn changes_password(&self, account: &Account, hash: &str, token: &RefreshToken) -> bool {
        let changed =
            accounts::change_password(&self.functions, &issuer(), account, hash.to_owned(), token).await;
        changed.expect("answers").is_some()
    }

    async fn refreshes(&self, token: &RefreshToken, next: &RefreshToken) -> bool {
        accounts::refresh(&self.functions, &issuer(), token, next).await.expect("answers").is_some()
    }

    async fn is_good(&self, token: &RefreshToken) -> bool {
        self.refreshes(token, &token.next().expect("randomness")).await
    }
}

fn issuer() -> Issuer {
    Issuer::new(&"9d".repeat(32)).expect("a key")
}

fn first() -> RefreshToken {
    RefreshToken::first().expect("randomness")
}

#[tokio::test]
async fn a_used_refresh_token_ends_its_sign_in_and_no_other() {
    let shop = Shop::open().await;
    let (account, token) = shop.ada().await;
    let other = first();
    assert!(shop.signs_in(&account, &other).await);
    let next = token.next().expect("randomness");
    assert!(shop.refreshes(&token, &next).await);
    assert!(!shop.is_good(&token).await);
    assert!(!shop.is_good(&next).await);
    assert!(shop.is_good(&other).await);
}

#[tokio::test]
async fn each_address_that_a_deployment_names_opens_one_administrators_account_unless_somebody_has_it() {
    let shop = Shop::open().await;
    shop.ada().await;
    for (address, is_new) in [
        ("first@example.com", true),
        ("First@example.com", false),
        ("second@example.com", true),
        ("ada@example.com", false),
    ] {
        let email = Email::parse(address).expect("an address");
        let opened = first_administrator(&shop.owner, &email, "a hash".to_owned()).await.expect("answers");
        assert_eq!(opened, is_new, "{address}");
    }
    for (address, role) in [
        ("first@example.com", Role::Administrator),
        ("second@example.com", Role::Administrator),
        ("ada@example.com", Role::Customer),
    ] {
        let account = by_email(&shop.functions, address).await.expect("answers").expect("is there");
        assert_eq!(account.role, role, "{address}");
    }
}

#[tokio::test]
async fn a_new_password_and_leaving_end_every_sign_in() {
    let shop = Shop::open().await;
    let (account, token) = shop.ada().await;
    let new = first();
    assert!(shop.changes_password(&account, "new", &new).await);
    // The old one is not good for that a second time.
    assert!(!shop.changes_password(&account, "newer", &first()).await);
    assert!(!shop.signs_in(&account, &first()).await);
    assert!(!shop.is_good(&token).await);
    let last = new.next().expect("randomness");
    assert!(shop.refreshes(&new, &last).await);
    erase(&shop.functions, &User::of_shop(account.id, account.role)).await.expect("erases");
    assert!(!shop.is_good(&last).await);
    assert!(by_email(&shop.functions, "ada@example.com").await.expect("answers").is_none());
}

#[tokio::test]
async fn of_the_last_two_administrators_who_leave_at_once_one_stays_and_customers_come_and_go() {
    let shop = Shop::open().await;
    let mut users = Vec::new();
    for name in ["ada", "bob", "cy"] {
        let email = Email::parse(&format!("{name}@example.com")).expect("an address");
        let registered = register(&shop.functions, &issuer(), &email, "a hash".to_owned(), &first()).await;
        registered.expect("registers");
        users.push(by_email(&shop.functions, email.as_str()).await.expect("answers").expect("is there").id);
    }
    let leave = async |user| erase(&shop.functions, &User::of_shop(user, Role::Administrator)).await;
    // By the books a customer, whatever a token of before says.
    leave(users.pop().expect("cy")).await.expect("erases");
    shop.owner.execute(&PROMOTE).await.expect("promotes");
    let held = shop.owner.transaction(async |tx| {
        tx.execute(&HOLD_ALL).await?;
        let leaving = users.clone().into_iter().map(|user| {
            let functions = shop.functions.clone();
            tokio::spawn(async move { erase(&functions, &User::of_shop(user, Role::Administrator)).await })
        });
        let leaving: Vec<_> = leaving.collect();
        shop.so_many_wait(2).await;
        Ok::<_, shared::database::Error>(leaving)
    });
    let mut left = Vec::new();
    for leaving in held.await.expect("commits") {
        left.push(leaving.await.expect("no panic").map_err(|error| error.problem().kind()));
    }
    left.sort_by_key(Result::is_err);
    assert_eq!(left, [Ok(()), Err(Kind::Conflict)]);
    let mut again = Vec::new();
    assert_eq!(shop.owner.fetch_one::<(i64,)>(&LEFT).await.expect("counts").0, 1);
    for user in users {
        // Who has left already is nobody any more, and the last one stays.
        again.push(leave(user).await.expect_err("refused").problem().kind());
    }
    again.sort_by_key(|kind| kind.status());
    assert_eq!(again, [Kind::Unauthorized, Kind::Conflict]);
    assert_eq!(shop.owner.fetch_one::<(i64,)>(&LEFT).await.expect("counts").0, 1);
}

#[tokio::test]
async fn an_identity_providers_administrator_does_not_count_as_one_who_is_left() {
    static OF_A_PROVIDER: Statement = Statement::new(
        "test.of_a_provider",
        "insert into users (id, email, password_hash, role, issuer, subject)
         values (gen_random_uuid(), 'of a provider', '', 'administrator', 'https://id.example.com', 'eve')",
    );
    let shop = Shop::open().await;
    let (account, _) = shop.ada().await;
    shop.owner.execute(&PROMOTE).await.expect("promotes");
    shop.owner.execute(&OF_A_PROVIDER).await.expect("inserts");
    let left = erase(&shop.functions, &User::of_shop(account.id, Role::Administrator)).await;
    assert_eq!(left.map_err(|error| error.problem().kind()), Err(Kind::Conflict));
}

#[tokio::test]
async fn a_login_that_waits_for_a_change_of_the_password_is_one_with_the_wrong_password() {
    let shop = Shop::open().await;
    let (account, _) = shop.ada().await;
    let changing = shop.owner.transaction(async |tx| {
        tx.execute(&HOLD).await?;
        let (functions, account) = (shop.functions.clone(), account);
        let login = async move { sign_in(&functions, &issuer(), &account, None, &first()).await };
        let login = tokio::spawn(login);
        shop.somebody_waits().await;
        Ok::<_, shared::database::Error>(login)
    });
    let login = changing.await.expect("commits");
    assert!(login.await.expect("no panic").expect("answers").is_none());
}

#[tokio::test]
async fn logging_out_ends_one_sign_in() {
    let shop = Shop::open().await;
    let (account, token) = shop.ada().await;
    let other = first();
    shop.signs_in(&account, &other).await;
    sign_out(&shop.functions, &token).await.expect("answers");
    assert!(!shop.is_good(&token).await);
    assert!(shop.is_good(&other).await);
}
