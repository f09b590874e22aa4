//! What template.yaml says about functions, queues and event sources, so that nothing is configured twice.

mod functions;
mod yaml;

use std::path::Path;

use anyhow::{Context, Result};
use saphyr::{LoadableYamlNode, Yaml};

pub use functions::{Function, Route};
use yaml::{at, binary, number, reference, scalar, text_at};

/// Functions, queues, and what invokes functions besides HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// In the template's order, as all here.
    pub functions: Vec<Function>,
    /// Dead-letter queues too.
    pub queues: Vec<Queue>,
    /// Queues that invoke functions.
    pub sources: Vec<QueueSource>,
    /// Times that invoke functions.
    pub schedules: Vec<Schedule>,
}

/// An SQS queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Its logical name in the template.
    pub id: String,
    /// Its name on the local SQS server.
    pub name: String,
    /// How long a received message is hidden.
    pub visibility_seconds: u32,
    /// Where it goes after too many receives.
    pub redrive: Option<Redrive>,
}

/// Where a message goes that was received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The dead-letter queue's logical name.
    pub target: String,
    /// After so many receives.
    pub max_receives: u32,
}

/// A queue that invokes a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSource {
    /// The folder under functions/.
    pub function: String,
    /// The queue's logical name.
    pub queue: String,
    /// Messages of one invocation, at most.
    pub batch_size: u32,
    /// Batches in flight at once.
    pub concurrency: u32,
    /// Whether the answer names the messages that failed; otherwise a batch fails or succeeds as one.
    pub reports_failures: bool,
}

/// A schedule that invokes a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The folder under functions/.
    pub function: String,
    /// `rate(1 minute)`, `cron(…)`
    pub expression: String,
    /// The payload, where the template gives one.
    pub input: Option<String>,
}

impl Template {
    /// Reads template.yaml in a repository's root.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join("template.yaml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("cannot understand {}", path.display()))
    }

    fn parse(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text)?;
        let document = documents.first().context("it is empty")?;
        let resources = at(document, &["Resources"]).and_then(Yaml::as_mapping);
        let resources = resources.context("there is no Resources section")?;
        let mut template = Self::default();
        for (id, resource) in resources {
            let id = id.as_str().unwrap_or_default();
            match text_at(resource, &["Type"]) {
                Some("AWS::SQS::Queue") => template.queues.push(queue(document, id, resource)),
                Some("AWS::Serverless::Function") => template.add_function(document, id, resource)?,
                _ => {}
            }
        }
        Ok(template)
    }

    /// A queue by its logical name.
    pub fn queue(&self, id: &str) -> Option<&Queue> {
        self.queues.iter().find(|queue| queue.id == id)
    }

    /// A function by its name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }

    fn add_function(&mut self, document: &Yaml<'_>, id: &str, resource: &Yaml<'_>) -> Result<()> {
        self.functions.extend(functions::function(document, resource));
        let Some(events) = at(resource, &["Properties", "Events"]).and_then(Yaml::as_mapping) else {
            return Ok(());
        };
        for event in events.values() {
            let kind = text_at(event, &["Type"]).unwrap_or_default();
            let property = |name| at(event, &["Properties", name]);
            let function =
                || binary(resource).with_context(|| format!("{id} does not say which binary it runs"));
            match kind {
                "SQS" => self.sources.push(QueueSource {
                    function: function()?,
                    queue: reference(property("Queue"))
                        .with_context(|| format!("{id}: its event names no queue"))?,
                    batch_size: number(document, property("BatchSize")).unwrap_or(10),
                    concurrency: number(
                        document,
                        at(event, &["Properties", "ScalingConfig", "MaximumConcurrency"]),
                    )
                    .unwrap_or(2),
                    reports_failures: property("FunctionResponseTypes")
                        .and_then(Yaml::as_sequence)
                        .is_some_and(|types| {
                            types.iter().any(|name| name.as_str() == Some("ReportBatchItemFailures"))
                        }),
                }),
                "ScheduleV2" | "Schedule" => self.schedules.push(Schedule {
                    function: function()?,
                    expression: scalar(property("ScheduleExpression").or_else(|| property("Schedule")))
                        .with_context(|| format!("{id}: its schedule has no expression"))?,
                    input: scalar(property("Input")),
                }),
                _ => {}
            }
        }
        Ok(())
    }
}

fn queue(document: &Yaml<'_>, id: &str, resource: &Yaml<'_>) -> Queue {
    let property = |path: &[&str]| at(at(resource, &["Properties"])?, path);
    let redrive = || {
        Some(Redrive {
            target: reference(property(&["RedrivePolicy", "deadLetterTargetArn"]))?,
            max_receives: number(document, property(&["RedrivePolicy", "maxReceiveCount"]))?,
        })
    };
    Queue {
        id: id.to_owned(),
        name: kebab_case(id),
        visibility_seconds: number(document, property(&["VisibilityTimeout"])).unwrap_or(30),
        redrive: redrive(),
    }
}

/// `DeferredCharges` → `deferred-charges`.
fn kebab_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
Parameters:
  ChargeConcurrency: { Type: Number, Default: 3 }
Globals:
  Function: { MemorySize: 512, Timeout: 10 }
Resources:
  DeferredChargesDeadLetters:
    Type: AWS::SQS::Queue
    Properties: { MessageRetentionPeriod: 1209600 }
  DeferredCharges:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 180
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt DeferredChargesDeadLetters.Arn
        maxReceiveCount: 10
  ChargeWorkerFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties: { Binary: charge-worker }
    Properties:
      CodeUri: .
      Role: !GetAtt [Somewhere, Arn]
      Events:
        Charges:
          Type: SQS
          Properties:
            Queue: !GetAtt DeferredCharges.Arn
            BatchSize: 5
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: { MaximumConcurrency: !Ref ChargeConcurrency }
  OrderSweeperFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/order-sweeper/
      Timeout: 50
      Events:
        ByHand:
          Type: HttpApi
          Properties: { Method: post, Path: "/sweep/{what}" }
        EveryMinute:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
"#;

    #[test]
    fn it_reads_queues_with_their_dead_letter_queues() -> Result<()> {
        let template = Template::parse(TEXT)?;
        let queue = template.queue("DeferredCharges").context("the queue")?;
        assert_eq!((queue.name.as_str(), queue.visibility_seconds), ("deferred-charges", 180));
        let target = "DeferredChargesDeadLetters".to_owned();
        assert_eq!(queue.redrive, Some(Redrive { target, max_receives: 10 }));
        Ok(())
    }

    #[test]
    fn it_reads_which_queue_and_which_schedule_invokes_which_function() -> Result<()> {
        let template = Template::parse(TEXT)?;
        let source = QueueSource {
            function: "charge-worker".to_owned(),
            queue: "DeferredCharges".to_owned(),
            batch_size: 5,
            concurrency: 3,
            reports_failures: true,
        };
        assert_eq!(template.sources, [source]);
        let schedule = Schedule {
            function: "order-sweeper".to_owned(),
            expression: "rate(1 minute)".to_owned(),
            input: None,
        };
        assert_eq!(template.schedules, [schedule]);
        Ok(())
    }

    #[test]
    fn it_reads_the_limits_and_routes_of_functions() -> Result<()> {
        let template = Template::parse(TEXT)?;
        let [worker, sweeper] = template.functions.as_slice() else { panic!("{:?}", template.functions) };
        assert_eq!((worker.name.as_str(), worker.memory_mb), ("charge-worker", 512));
        assert_eq!(worker.time_limit.as_secs(), 10);
        assert_eq!((sweeper.name.as_str(), sweeper.time_limit.as_secs()), ("order-sweeper", 50));
        let route = Route { method: "POST".to_owned(), path: "/sweep/{what}".to_owned() };
        assert_eq!(sweeper.routes, [route]);
        Ok(())
    }

    #[test]
    fn it_says_what_is_wrong_with_a_template_that_is_none() {
        assert!(Template::parse("a: [").is_err());
        assert!(Template::parse("a: b").is_err());
    }
}
