//! The pages of `docs/recipes`: their commands are typed, what comes out is unsealed, and the tools' own definitions judge what
//! refers to it. Each page is a test.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod fixture;
mod moving;
mod page;

use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow};
use harness::implementation::repository;
use libtest_mimic::{Arguments, Trial};

use fixture::Kitchen;
use page::Page;

/// The tools, as their pages are called.
const TOOLS: [&str; 10] = [
    "aiven-operator",
    "confluent-for-kubernetes",
    "external-secrets",
    "jenkins-x",
    "jikkou",
    "julieops",
    "koperator",
    "lenses",
    "strimzi",
    "vault",
];

fn main() {
    let arguments = Arguments::from_args();
    let kitchen = Arc::new(OnceLock::<Result<Kitchen>>::new());
    let trial = |name: &'static str, test: fn(&str, &Kitchen) -> Result<()>| {
        let kitchen = kitchen.clone();
        Trial::test(name, move || {
            let started = kitchen.get_or_init(Kitchen::start).as_ref();
            let outcome = started
                .map_err(|error| anyhow!("{error:#}"))
                .and_then(|kitchen| test(name, kitchen));
            outcome.map_err(|error| format!("{error:#}").into())
        })
    };
    let mut trials: Vec<Trial> = TOOLS.into_iter().map(|tool| trial(tool, cook)).collect();
    trials.push(trial("moving from External Secrets", |_, kitchen| {
        moving::from_external_secrets(kitchen)
    }));
    libtest_mimic::run(&arguments, trials).exit();
}

fn cook(tool: &str, kitchen: &Kitchen) -> Result<()> {
    kitchen.cook(&Page::read(&repository().join(format!("docs/recipes/{tool}.md")))?)
}
