//! What customers do: the mix of requests, and what each is about.

use std::time::Duration;

use anyhow::Result;

use crate::traffic::{Invocation, Traffic};

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Journey {
    /// Looks at a product.
    Product,
    /// Looks at the front page's list.
    Featured,
    /// Searches.
    Search,
    /// Looks at their own orders.
    Orders,
    /// Buys.
    Checkout,
    /// Logs in.
    Login,
}

/// How long a user thinks between two requests, on average.
pub const THINK: Duration = Duration::from_secs(10);
/// More environments than are busy on average: arrivals come in bursts, and an environment that starts is busy too.
const HEADROOM: f64 = 3.0;
/// A function is never given fewer.
const LEAST: usize = 4;

impl Journey {
    /// All of them, the most frequent first.
    pub const ALL: [Self; 6] =
        [Self::Product, Self::Featured, Self::Search, Self::Orders, Self::Checkout, Self::Login];

    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Featured => "featured list",
            Self::Search => "search",
            Self::Orders => "order list",
            Self::Checkout => "checkout",
            Self::Login => "login",
        }
    }

    /// Per cent of all requests.
    pub fn share(self) -> u32 {
        match self {
            Self::Product => 70,
            Self::Featured => 10,
            Self::Search => 8,
            Self::Orders => 6,
            Self::Checkout => 4,
            Self::Login => 2,
        }
    }

    fn function(self) -> &'static str {
        match self {
            Self::Product => "get-product",
            Self::Featured => "featured-products",
            Self::Search => "search-products",
            Self::Orders => "list-orders",
            Self::Checkout => "checkout",
            Self::Login => "login",
        }
    }

    /// How long a request keeps an environment busy here, generously: there is no network between it and its servers,
    /// as in docs/operations.md. A checkout may wait for the provider, here as there.
    fn busy(self) -> Duration {
        Duration::from_millis(match self {
            Self::Product | Self::Featured | Self::Orders => 3,
            Self::Search => 10,
            Self::Checkout => 700,
            Self::Login => 20,
        })
    }

    /// The journey for a number from 0 to 1.
    pub fn pick(draw: f64) -> Self {
        let mut below = 0.0;
        let chosen = Self::ALL.into_iter().find(|journey| {
            below += f64::from(journey.share()) / 100.0;
            draw < below
        });
        chosen.unwrap_or(Self::Product)
    }

    /// The event of this user's request.
    pub fn event(self, traffic: &Traffic, user: u64, draw: f64) -> Result<Invocation> {
        match self {
            Self::Product => traffic.product(user, product(draw, traffic.products())),
            Self::Featured => traffic.featured(user),
            Self::Search => traffic.search(user, &words(draw)),
            Self::Orders => traffic.orders(user),
            Self::Checkout => traffic.checkout(user, product(draw, traffic.products())),
            Self::Login => traffic.login(user),
        }
    }
}

/// The most environments that a function may need for so many users: those that are busy on average, and headroom.
/// `None` for functions that customers do not call themselves.
pub fn environments(function: &str, users: u64) -> Option<usize> {
    let journey = Journey::ALL.into_iter().find(|journey| journey.function() == function)?;
    let rate = per_second(users) * f64::from(journey.share()) / 100.0;
    let needed = (rate * journey.busy().as_secs_f64() * HEADROOM).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and above zero")]
    Some((needed as usize).max(LEAST))
}

/// The product of a number from 0 to 1. The k-th most wanted is wanted 1/k times as often as the first (Zipf), as page
/// views of shops are: of 10,000 products, 8 in a hundred requests are for the first and half for the first hundred.
fn product(draw: f64, products: u64) -> u64 {
    // An odd step of 7919, a prime, so that the most wanted products are not one another's neighbours in the index.
    rank(draw, products) * 7919 % products
}

/// From 0, distributed as 1/(rank + 1): the logarithm is uniform.
fn rank(draw: f64, most: u64) -> u64 {
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    let rank = f64::from(most + 1).powf(draw).floor() - 1.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to the number of products"
    )]
    (rank as u64).min(u64::from(most.saturating_sub(1)))
}

/// What is searched for: a material and a thing, some more often than others; 600 searches are possible.
const MATERIALS: &str = "oak,walnut,beech,bamboo,cork,linen,cotton,wool,leather,canvas,steel,copper,brass,iron,enamel,\
    glass,porcelain,stoneware,marble,slate";
const THINGS: &str = "chair,table,lamp,shelf,bowl,mug,teapot,kettle,vase,tray,basket,blanket,cushion,apron,backpack,\
    wallet,notebook,clock,mirror,stool,bench,jug,planter,toolbox,lantern,bookend,coat rack,bread box,pepper mill,\
    water bottle";

fn words(draw: f64) -> String {
    let rank = usize::try_from(rank(draw, 600)).unwrap_or_default();
    let word = |words: &'static str, at| words.split(',').nth(at).unwrap_or_default();
    format!("{} {}", word(MATERIALS, rank % 20), word(THINGS, rank / 20))
}

/// Requests that so many users send, once all are there.
pub fn per_second(users: u64) -> f64 {
    f64::from(u32::try_from(users).unwrap_or(u32::MAX)) / THINK.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from 0 to 1, evenly.
    fn draws(count: u32) -> impl Iterator<Item = f64> {
        (0..count).map(move |number| (f64::from(number) + 0.5) / f64::from(count))
    }

    #[test]
    fn of_a_hundred_requests_each_journey_gets_its_share() {
        assert_eq!(Journey::ALL.iter().map(|journey| journey.share()).sum::<u32>(), 100);
        for journey in Journey::ALL {
            let picked = draws(1000).filter(|draw| Journey::pick(*draw) == journey).count();
            assert_eq!(
                picked,
                10 * usize::try_from(journey.share()).unwrap_or_default(),
                "{}",
                journey.name()
            );
        }
    }

    #[test]
    fn a_hundred_products_of_ten_thousand_get_half_of_the_requests() {
        let ranks: Vec<_> = draws(10_000).map(|draw| rank(draw, 10_000)).collect();
        let below = |most: u64| ranks.iter().filter(|rank| **rank < most).count();
        assert!((700..800).contains(&below(1)) && (4_950..5_050).contains(&below(100)), "{}", below(1));
        assert_eq!((rank(0.0, 10_000), rank(1.0, 10_000)), (0, 9_999));
    }

    #[test]
    fn every_product_is_one_of_those_that_are_there() {
        let all: std::collections::BTreeSet<_> = (0..10_000).map(|rank| rank * 7919 % 10_000).collect();
        assert_eq!(all.len(), 10_000);
        assert!(draws(1000).all(|draw| product(draw, 10_000) < 10_000));
    }

    #[test]
    fn six_hundred_searches_are_possible_and_each_is_two_words() {
        let all: std::collections::BTreeSet<_> = draws(100_000).map(words).collect();
        assert_eq!(all.len(), 600);
        assert!(all.iter().all(|words| !words.starts_with(' ') && !words.ends_with(' ')), "{all:?}");
        assert!(all.contains("oak chair") && all.contains("slate water bottle"));
    }

    #[test]
    fn environments_grow_with_the_users_and_only_for_what_customers_call() {
        assert_eq!(environments("get-product", 10_000), Some(7));
        assert_eq!(environments("checkout", 10_000), Some(84));
        assert_eq!(environments("get-product", 100), Some(LEAST));
        assert_eq!(environments("order-sweeper", 10_000), None);
    }
}
