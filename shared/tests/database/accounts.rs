//! Accounts, by the statements alone: a sign-in is over for good once it has ended.

use shared::accounts::{
    Account, Email, by_email, change_password, erase, first_administrator, refresh, register, sign_in,
    sign_out,
};
use shared::auth::token::Role;
use shared::auth::{RefreshToken, User};
use shared::database::Database;
use shared::database::Statement;
use shared::error::Kind;

use crate::servers::{Servers, until};

static WAITING: Statement =
    Statement::new("test.waiting", "select count(*) from pg_stat_activity where wait_event_type = 'Lock'");
static HOLD: Statement =
    Statement::new("test.hold", "update users set password_hash = 'other', epoch = epoch + 1");
static PROMOTE: Statement = Statement::new("test.promote", "update users set role = 'administrator'");
static HOLD_ALL: Statement = Statement::new("test.hold_all", "select from users for update");
static LEFT: Statement = Statement::new(
    "test.left",
    "select count(*) from users where role = 'administrator' and erased_at is null",
);

struct Shop {
    functions: Database,
    owner: Database,
    observer: Database,
    _servers: Servers,
}

impl Shop {
    async fn open() -> Self {
        let servers = Servers::start().await;
        let functions = Database::new(servers.pooled().connections(4));
        let (owner, observer) = (Database::new(servers.owner()), Database::new(servers.owner()));
        Self { functions, owner, observer, _servers: servers }
    }

    /// Somebody who has registered, with the first refresh token.
    async fn ada(&self) -> (Account, RefreshToken) {
        let (email, token) = (Email::parse("ada@example.com").expect("an address"), first());
        register(&self.functions, &email, "a hash".to_owned(), &token).await.expect("registers");
        let account = by_email(&self.functions, "ADA@example.com").await.expect("answers");
        (account.expect("is there"), token)
    }

    async fn is_good(&self, token: &RefreshToken) -> bool {
        let next = token.next().expect("randomness");
        refresh(&self.functions, token, &next).await.expect("answers").is_some()
    }
}

fn first() -> RefreshToken {
    RefreshToken::first().expect("randomness")
}

#[tokio::test]
async fn a_used_refresh_token_ends_its_sign_in_and_no_other() {
    let shop = Shop::open().await;
    let (account, token) = shop.ada().await;
    let other = first();
    assert!(sign_in(&shop.functions, &account, None, &other).await.expect("answers"));
    let next = token.next().expect("randomness");
    assert!(refresh(&shop.functions, &token, &next).await.expect("answers").is_some());
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
    assert!(change_password(&shop.functions, &account, "new".to_owned(), &new).await.expect("answers"));
    // The old one is not good for that a second time.
    assert!(
        !change_password(&shop.functions, &account, "newer".to_owned(), &first()).await.expect("answers")
    );
    assert!(!sign_in(&shop.functions, &account, None, &first()).await.expect("answers"));
    assert!(!shop.is_good(&token).await);
    let last = new.next().expect("randomness");
    assert!(refresh(&shop.functions, &new, &last).await.expect("answers").is_some());
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
        users
            .push(register(&shop.functions, &email, "a hash".to_owned(), &first()).await.expect("registers"));
    }
    let leave = async |user| erase(&shop.functions, &User::of_shop(user, Role::Administrator)).await;
    // By the books a customer, whatever a token of before says.
    leave(users.pop().expect("cy")).await.expect("erases");
    shop.owner.execute(&PROMOTE).await.expect("promotes");
    let waiting = async || shop.observer.fetch_one::<(i64,)>(&WAITING).await.expect("counts").0 == 2;
    let held = shop.owner.transaction(async |tx| {
        tx.execute(&HOLD_ALL).await?;
        let leaving = users.clone().into_iter().map(|user| {
            let functions = shop.functions.clone();
            tokio::spawn(async move { erase(&functions, &User::of_shop(user, Role::Administrator)).await })
        });
        let leaving: Vec<_> = leaving.collect();
        until("both wait", waiting).await;
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
    let waiting = async || shop.observer.fetch_one::<(i64,)>(&WAITING).await.expect("counts").0 > 0;
    let changing = shop.owner.transaction(async |tx| {
        tx.execute(&HOLD).await?;
        let (functions, account) = (shop.functions.clone(), account);
        let login = tokio::spawn(async move { sign_in(&functions, &account, None, &first()).await });
        until("the login waits", waiting).await;
        Ok::<_, shared::database::Error>(login)
    });
    let login = changing.await.expect("commits");
    assert!(!login.await.expect("no panic").expect("answers"));
}

#[tokio::test]
async fn logging_out_ends_one_sign_in() {
    let shop = Shop::open().await;
    let (account, token) = shop.ada().await;
    let other = first();
    sign_in(&shop.functions, &account, None, &other).await.expect("answers");
    sign_out(&shop.functions, &token).await.expect("answers");
    assert!(!shop.is_good(&token).await);
    assert!(shop.is_good(&other).await);
}
