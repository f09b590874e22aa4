//! The local payment provider is killed while it charges, and must not forget what it told anyone.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use provider::{Control, Fault, Kind, Operation};
use shared::payments::{Intent, IntentStatus, Money, Outcome, Payments, Reply, Secret, Settings};
use tokio::time::Instant;
use uuid::Uuid;

struct Provider {
    process: Child,
    url: String,
    payments: Payments,
}

impl Provider {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_dev"))
            .args(["payments", "--port", "0", "--data"])
            .arg(data)
            .env("PAYMENTS_KEY", "sk_test_millrace")
            .env("PAYMENTS_WEBHOOK_SECRET", "whsec_millrace")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the provider starts");
        let stdout = process.stdout.take().expect("a pipe");
        let line = BufReader::new(stdout).lines().next().expect("a line").expect("a line");
        let url = line.rsplit(' ').next().expect("a URL").to_owned();
        let settings = Settings { base_url: url.clone(), secret_key: Secret::new("sk_test_millrace") };
        Self { process, url, payments: Payments::new(&settings).expect("settings") }
    }

    fn control(&self) -> Control {
        Control::new(&self.url).expect("a client")
    }

    /// SIGKILL: nothing is written, closed or said on the way out.
    fn kill(&self) {
        let process = Pid::from_raw(self.process.id().try_into().expect("a pid"));
        kill(process, Signal::SIGKILL).expect("killed");
    }

    async fn confirm(&self, order: Uuid, intent: &str) -> Reply<Intent> {
        self.payments.confirm_intent(order, intent, 1, None, soon()).await
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn paid(reply: &Reply<Intent>) -> bool {
    matches!(&reply.outcome, Outcome::Answered(intent) if intent.status == IntentStatus::Succeeded)
}

#[tokio::test]
async fn it_forgets_no_charge_and_no_key_when_it_is_killed() {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("payments-killed-{}", Uuid::now_v7()));
    let provider = &Provider::start(&data);
    let price = Money { amount: 1_999, currency: "eur".to_owned() };
    let mut orders = Vec::new();
    for order in (0..200).map(|_| Uuid::now_v7()) {
        let reply = provider.payments.create_intent(order, &price, "pm_card_visa", soon()).await;
        let Outcome::Answered(intent) = reply.outcome else { panic!("{reply:?}") };
        orders.push((order, intent.id));
    }

    // Killed when the first half is answered, with the other half under way: a quarter of all waits in any case.
    let (first, second) = orders.split_at(100);
    for (order, intent) in first {
        assert!(paid(&provider.confirm(*order, intent).await));
    }
    let (operation, times) = (Some(Operation::Confirm), Some(50));
    let slow = Fault { operation, times, delay_ms: 4_000, ..Fault::once(Kind::Delay) };
    provider.control().fault(&slow).await.expect("ordered");
    let mut under_way: FuturesUnordered<_> = second
        .iter()
        .map(|(order, intent)| async move { (*order, intent, provider.confirm(*order, intent).await) })
        .collect();
    let mut answers = Vec::new();
    while let Some(answer) = under_way.next().await {
        answers.push(answer);
        if answers.len() == 20 {
            provider.kill();
        }
    }
    assert!(answers.iter().any(|(_, _, answer)| !paid(answer)), "nothing was under way when it was killed");

    let provider = Provider::start(&data);
    for (order, intent) in first {
        let again = provider.confirm(*order, intent).await;
        assert!(paid(&again) && again.replayed, "{again:?}");
    }
    for (order, intent, answer) in answers {
        let again = provider.confirm(order, intent).await;
        assert!(paid(&again), "{again:?}");
        assert!(again.replayed || !paid(&answer), "answered before the kill, forgotten after it");
    }
    let charges = provider.control().ledger().await.expect("a ledger").charges;
    let mut charged: Vec<_> = charges.iter().filter_map(|charge| charge.order_id.as_deref()).collect();
    charged.sort_unstable();
    assert_eq!(charged.len(), 200);
    charged.dedup();
    assert_eq!(charged.len(), 200, "an order was charged twice");
    std::fs::remove_dir_all(&data).expect("the folder goes");
}
