//! What the gate checks, in order: what is quick and fails often first.

use super::count::Counter;
use super::step::Step;

/// Before there is a cloud.
pub(super) const WITHOUT_CLOUD: &[Step] = &[
    Step {
        name: "Formatting",
        command: &["cargo", "fmt", "--all", "--check"],
        counter: Counter::One,
        advice: "cargo fmt puts it right.",
        needs_cloud: false,
    },
    Step {
        name: "Unused dependencies",
        command: &["cargo", "machete"],
        counter: Counter::One,
        advice: "Remove them from the Cargo.toml that the output names.",
        needs_cloud: false,
    },
    Step {
        name: "Licences, bans, sources",
        command: &[
            "cargo",
            "deny",
            "--log-level=error",
            "--workspace",
            "check",
            "--hide-inclusion-graph",
            "licenses",
            "bans",
            "sources",
        ],
        counter: Counter::One,
        advice: "deny.toml says what is allowed and why.",
        needs_cloud: false,
    },
    Step {
        name: "Guards that mutation breaks",
        // pytest brings tomli there for Python before 3.11.
        command: &[".dev/tools/policy/bin/python", "tests/mutation/run", "--check"],
        counter: Counter::One,
        advice: "A guard's text has changed: put tests/mutation/guards right, and run tests/mutation/run on it.",
        needs_cloud: false,
    },
    Step {
        name: "Lints",
        command: &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        counter: Counter::One,
        advice: "Correct them, or #[expect] one with its reason.",
        needs_cloud: false,
    },
    Step {
        name: "Lints: as each function has it",
        command: &["tests/feature-sets"],
        counter: Counter::One,
        advice: "Give what only a feature uses the #[cfg] of that feature.",
        needs_cloud: false,
    },
    Step {
        name: "Documentation",
        command: &["cargo", "doc", "--workspace", "--no-deps", "--document-private-items"],
        counter: Counter::One,
        advice: "A link in a doc comment leads nowhere, or a public item has none.",
        needs_cloud: false,
    },
    Step {
        name: "Templates: cfn-lint",
        command: &[
            "cfn-lint",
            "--include-checks",
            "I",
            "--include-experimental",
            "--append-rules",
            "cfn_lint_serverless.rules",
            "--template",
            "template.yaml",
            "infrastructure/*.yaml",
        ],
        counter: Counter::One,
        advice: "Its rule's number is in the output; a suppression needs a reason.",
        needs_cloud: false,
    },
    Step {
        name: "Templates: sam validate",
        command: &["sam", "validate", "--lint", "--region", "us-east-1"],
        counter: Counter::One,
        advice: "template.yaml is not what SAM expects.",
        needs_cloud: false,
    },
    Step {
        name: "Templates: checkov",
        command: &["checkov", "--config-file", ".checkov.yaml", "--directory", ".", "--compact", "--quiet"],
        counter: Counter::One,
        advice: "A suppression stands in .checkov.yaml, with its reason.",
        needs_cloud: false,
    },
    Step {
        name: "Templates: policy",
        command: &[".dev/tools/policy/bin/python", "-m", "pytest", "-p", "no:cacheprovider", "tests/policy"],
        counter: Counter::Pytest,
        advice: "The failed test's name says what must hold.",
        needs_cloud: false,
    },
    Step {
        name: "Templates: rehearsal",
        command: &["tests/deploy/rehearse"],
        counter: Counter::One,
        advice: "A reference, an output, a permission or a command of docs/operations.md leads nowhere: the output names it.",
        needs_cloud: false,
    },
];

/// With a cloud.
pub(super) const WITH_CLOUD: &[Step] = &[
    Step {
        name: "Tests",
        command: &["cargo", "nextest", "run", "--workspace", "--no-fail-fast"],
        counter: Counter::Nextest,
        advice: "One alone, against your own cloud: ./dev up --detach; cargo nextest run NAME",
        needs_cloud: true,
    },
    Step {
        name: "Tests on other servers",
        command: &["tests/matrix/run"],
        counter: Counter::One,
        advice: "It passes on this machine's Postgres and Redis and not on another version: the output names test and log.",
        needs_cloud: false,
    },
    Step {
        name: "Dependencies compiled once",
        command: &["tests/units"],
        counter: Counter::One,
        advice: "The output names the features on which builds disagree: add them to shared/features/Cargo.toml.",
        needs_cloud: false,
    },
    Step {
        name: "Documentation's examples",
        command: &["cargo", "test", "--workspace", "--doc"],
        counter: Counter::Rustdoc,
        advice: "An example in a doc comment does not do what it says.",
        needs_cloud: false,
    },
    Step {
        name: "Sample events",
        command: &["tests/contract/events"],
        counter: Counter::One,
        advice: "events/README.md says what each is answered; the output says what it was.",
        needs_cloud: true,
    },
    Step {
        name: "Contract",
        command: &["tests/contract/run"],
        counter: Counter::One,
        advice: "A route answered what openapi.yaml does not say; the output has a curl line that shows it.",
        needs_cloud: true,
    },
    Step {
        name: "Console in a browser",
        command: &["tests/console/run"],
        counter: Counter::Pytest,
        advice: "The failed test's name says what a visitor must see; PICTURES=FOLDER keeps what was seen.",
        needs_cloud: true,
    },
    Step {
        name: "Other people's clients",
        command: &["tests/clients/run"],
        counter: Counter::One,
        advice: "A linter, a generated client or an audit found fault with openapi.yaml or with an answer.",
        needs_cloud: true,
    },
    // The seed is fixed, so that a failure can be met again. Nights run longer, with seeds of their own.
    Step {
        name: "Chaos",
        command: &["./dev", "chaos", "--minutes", "0.4", "--seed", "1"],
        counter: Counter::One,
        advice: "A promise of docs/checkout.md was broken; the output says which, and by which order.",
        needs_cloud: false,
    },
    Step {
        name: "Fuzzing the encoder",
        command: &["tests/fuzz/run"],
        counter: Counter::One,
        advice: "An argument left its literal, or came back changed: the output has it.",
        needs_cloud: false,
    },
];
