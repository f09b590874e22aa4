//! A supplier, whose files are imported while everything fails; and what of them has to stand in the catalogue.
//!
//! One file after another, each with all products of the one before and some more, at other prices; now and then the
//! next one takes the place of one that is still being read. The lines of the shop's own products say a stock that is
//! none of theirs: whatever customers took must not come back, which the audit sees as for every other stock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};

use super::audit::Figure;
use super::chronicle::{Span, Violation};
use super::dice::Dice;
use super::queue::Queue;
use super::shop;
use super::world::World;
use cloud::Cloud;
use cloud::service::Service;
use cloud::services::{IMPORTS_BUCKET, SIGNED};

/// Products of the first file, and how many more each has than the one before.
const FIRST: u32 = 150;
const MORE: u32 = 10;
/// So that a file is several batches.
const DESCRIPTION: usize = 3_500;
/// Between two looks at how far a file is.
const LOOK: Duration = Duration::from_millis(300);
/// A message whose invocation died comes again after so many looks in vain. The queue's own six minutes are longer than
/// a run.
const LOOKS: u32 = 8;
/// Within this time the last file is read once faults have ended.
const LIMIT: Duration = Duration::from_secs(90);

/// Whoever sends the files.
pub(super) struct Supplier {
    client: Client,
    bucket: String,
    queue: Queue,
    dice: Dice,
    file: File,
    /// From when the file was made until it was read to its end, or nobody waited for that any more.
    read: Span,
    /// Files that were read to the end.
    finished: usize,
}

/// A file, by its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct File {
    number: u32,
    /// Which it was put in the place of: its name.
    name: u32,
}

/// A product of the supplier's in the books.
#[derive(Debug, Deserialize)]
struct Supplied {
    sku: String,
    name: String,
    price: i64,
    /// None where it has no stock at all, not even of none.
    stock: Option<i64>,
}

impl File {
    fn skus(self) -> impl Iterator<Item = String> {
        (0..FIRST + MORE * self.number).map(|product| format!("supplied-{product}"))
    }

    fn product(self) -> (String, i64) {
        (format!("Goods of file {}", self.number), i64::from(1_000 + self.number))
    }

    fn key(self) -> String {
        format!("products/supplier-{}.csv", self.name)
    }

    fn text(self) -> String {
        let (name, price) = self.product();
        let words = "Supplied. ".repeat(DESCRIPTION / 10);
        let mut text = "sku,name,description,amount,currency,stock\n".to_owned();
        for sku in self.skus() {
            writeln!(text, "{sku},{name},{words},{price},usd,{}", self.number).ok();
        }
        for product in 1..=shop::PRODUCTS {
            writeln!(
                text,
                "own-{product},Product {product},Of file {}.,{},usd,999",
                self.number,
                100 + 35 * product
            )
            .ok();
        }
        writeln!(text, "supplied-bad-{},{name},{words},1.99,usd,", self.number).ok();
        text
    }
}

impl Supplier {
    pub(super) fn new(world: &World) -> Result<Self> {
        let cloud = world.services.cloud();
        let signed = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(SIGNED))]);
        Ok(Self {
            client: Client::builder().timeout(Duration::from_secs(5)).default_headers(signed).build()?,
            bucket: format!("{}/{IMPORTS_BUCKET}", cloud.http(Service::Sqs)?),
            queue: Queue { sqs: world.queue.sqs.clone(), url: cloud.queue_url("imports")? },
            dice: Dice::new(world.seed, 4),
            file: File::default(),
            read: Span::now(),
            finished: 0,
        })
    }

    /// Sends files until the shop closes. The last one may not be finished then.
    pub(super) async fn supply(&mut self, world: &World) {
        while world.serves() {
            let number = self.file.number + 1;
            self.write(File { number, name: number });
            if self.dice.percent(40) && self.put().await.is_ok() {
                sleep(self.dice.pause(0, 1_500)).await;
                self.write(File { number: number + 1, name: number });
            }
            self.deliver(world.services.cloud(), || world.serves()).await;
        }
    }

    fn write(&mut self, file: File) {
        (self.file, self.read) = (file, Span::now());
    }

    /// Sees to it that the last file is read to its end.
    pub(super) async fn finish(&mut self, cloud: &Cloud) {
        let until = Instant::now() + LIMIT;
        self.deliver(cloud, || Instant::now() < until).await;
    }

    /// Puts the file into the bucket and waits until it is read to its end. Whoever died on it is followed by another,
    /// as the queue would have it later; and a bucket that has lost the file, which S3 would not, gets it again.
    async fn deliver(&mut self, cloud: &Cloud, goes_on: impl Fn() -> bool) {
        self.wait_until_read(cloud, goes_on).await;
        self.read.to = OffsetDateTime::now_utc();
    }

    async fn wait_until_read(&mut self, cloud: &Cloud, goes_on: impl Fn() -> bool) {
        let (mut tag, mut looks) = (None, 0);
        while goes_on() {
            if tag.is_none() {
                tag = self.put().await.ok();
            } else if self.is_lost().await {
                tag = None;
            } else if self.is_finished(cloud, tag.as_deref().unwrap_or_default()).await {
                self.finished += 1;
                return;
            }
            looks += 1;
            if looks % LOOKS == 0 {
                // While the queue is away it has to wait, too.
                self.queue.send(vec![json!({ "key": self.file.key() }).to_string()]).await.ok();
            }
            sleep(LOOK).await;
        }
    }

    /// The tag of the object.
    async fn put(&self) -> Result<String> {
        let answer = self.client.put(self.address()).body(self.file.text()).send().await?;
        ensure!(answer.status().is_success(), "the bucket answered {}", answer.status());
        let tag = answer.headers().get("etag").context("no tag")?;
        Ok(tag.to_str()?.to_owned())
    }

    async fn is_lost(&self) -> bool {
        let answer = self.client.head(self.address()).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::NOT_FOUND)
    }

    async fn is_finished(&self, cloud: &Cloud, tag: &str) -> bool {
        let sql = format!(
            "select count(*) from imports where object = '{}' and etag = '{tag}' and finished_at is not null",
            self.file.key()
        );
        cloud.sql(&sql).await.is_ok_and(|count| count.trim() == "1")
    }

    fn address(&self) -> String {
        format!("{}/{}", self.bucket, self.file.key())
    }

    /// Whether the catalogue is what the last file said.
    pub(super) async fn figure(&self, cloud: &Cloud) -> Result<Figure> {
        let sql = "select coalesce(json_agg(json_build_object( \
                   'sku', sku, 'name', name, 'price', price, 'stock', available)), '[]') \
                   from products left join inventory on product_id = products.id where sku like 'supplied-%'";
        let books = cloud.sql(sql).await?;
        let books: Vec<Supplied> =
            serde_json::from_str(&books).context("the supplier cannot read the books")?;
        Ok(Figure {
            promise: "every good line of the last file is in the catalogue, once, and nothing else of the supplier's",
            checked: if self.finished > 0 { self.file.skus().count() } else { 0 },
            violations: self.file.violations(self.read, &books),
        })
    }
}

impl File {
    /// What is wrong in the books, if the file was read then.
    fn violations(self, read: Span, books: &[Supplied]) -> Vec<Violation> {
        let (name, price) = self.product();
        let expected: BTreeSet<_> = self.skus().collect();
        let mut found = BTreeMap::<&str, Vec<&Supplied>>::new();
        for product in books {
            found.entry(&product.sku).or_default().push(product);
        }
        let mut violations = Vec::new();
        for sku in &expected {
            match found.remove(sku.as_str()).as_deref() {
                // Its stock is of the file that it came with.
                Some([one])
                    if one.name == name
                        && one.price == price
                        && one.stock.is_some_and(|stock| (1..=i64::from(self.number)).contains(&stock)) => {}
                other => violations.push(format!("{sku} of {self:?}: there is {other:?}")),
            }
        }
        violations.extend(found.into_values().map(|others| format!("not in {self:?}: {others:?}")));
        violations.into_iter().map(|what| Violation { what, when: Some(read) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File { number: 2, name: 1 };

    fn books() -> Vec<Supplied> {
        let (name, price) = FILE.product();
        FILE.skus().map(|sku| Supplied { sku, name: name.clone(), price, stock: Some(1) }).collect()
    }

    #[test]
    fn a_catalogue_as_the_last_file_says_is_right_and_any_other_is_not() {
        let read = Span::now();
        assert!(FILE.violations(read, &books()).is_empty());
        let spoilt: [fn(&mut Vec<Supplied>); 7] = [
            |books| drop(books.pop()),
            |books| books[3].price -= 1,
            |books| books[3].name = "Goods of file 1".to_owned(),
            |books| books[3].stock = None,
            |books| books[3].stock = Some(3),
            |books| books[3].sku = books[4].sku.clone(),
            |books| books[3].sku = "supplied-bad-2".to_owned(),
        ];
        for (number, spoil) in spoilt.iter().enumerate() {
            let mut books = books();
            spoil(&mut books);
            let violations = FILE.violations(read, &books);
            assert!(!violations.is_empty(), "{number}");
            assert!(violations.iter().all(|violation| violation.when == Some(read)), "{number}");
        }
    }

    #[test]
    fn a_file_is_several_batches_and_has_what_the_one_before_has() {
        let next = File { number: 3, name: 3 };
        assert!(FILE.text().len() > 2 * 256 * 1024);
        let [older, newer] = [FILE, next].map(|file| file.skus().collect::<BTreeSet<_>>());
        assert!(older.is_subset(&newer) && older != newer);
        assert_eq!(FILE.key(), File { number: 1, name: 1 }.key());
    }
}
