//! The controller's rights are sufficient and minimal: no request is denied, and when each verb of each rule is removed in turn,
//! the API server's audit log, or the client that the rule is for, shows what is missing.

mod clients;
mod controller;

use anyhow::{Context, Result, bail};
use harness::cluster::Request;
use serde_json::{Value, json};

/// A verb of a rule of a role; with `name`, for the object of that name alone.
#[derive(Clone, Debug)]
struct Right {
    role: Value,
    rule: usize,
    resource: String,
    verb: String,
    name: Option<String>,
}

impl Right {
    /// All rights of a role, one by one.
    fn of(role: &Value) -> Result<Vec<Right>> {
        let texts = |list: &Value| -> Vec<String> {
            let list = list.as_array().cloned().unwrap_or_default();
            list.iter().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
        };
        let mut rights = Vec::new();
        for (rule, found) in role["rules"].as_array().context("rules")?.iter().enumerate() {
            let resources = texts(&found["resources"]);
            let [resource] = &resources[..] else {
                bail!("{resources:?}: one resource a rule, so that each can be taken away");
            };
            let mut names: Vec<_> = texts(&found["resourceNames"]).into_iter().map(Some).collect();
            if names.is_empty() {
                names.push(None);
            }
            for (verb, name) in texts(&found["verbs"])
                .into_iter()
                .flat_map(|verb| names.iter().map(move |name| (verb.clone(), name.clone())))
            {
                rights.push(Right {
                    role: role.clone(),
                    rule,
                    resource: resource.clone(),
                    verb,
                    name,
                });
            }
        }
        Ok(rights)
    }

    /// The role as it is without this right, in `namespace` if it is not the one of the role.
    fn left(&self, namespace: Option<&str>) -> Value {
        let mut role = self.role.clone();
        let rules = role["rules"].as_array_mut().into_iter().flatten();
        let mut left: Vec<Value> = Vec::new();
        for (index, rule) in rules.enumerate() {
            let without = |field: &str, gone: &str| {
                let mut rule = rule.clone();
                let kept = rule[field].as_array_mut();
                kept.into_iter().for_each(|list| list.retain(|text| text != gone));
                Some(rule).filter(|rule| rule[field] != json!([]))
            };
            if index != self.rule {
                left.push(rule.clone());
                continue;
            }
            left.extend(without("verbs", &self.verb));
            if let Some(name) = &self.name {
                let mut others = without("resourceNames", name);
                others.iter_mut().for_each(|rule| rule["verbs"] = json!([self.verb]));
                left.extend(others);
            }
        }
        role["rules"] = left.into();
        if let Some(namespace) = namespace {
            role["metadata"]["namespace"] = namespace.into();
        }
        role
    }

    /// Whether this is the request that is denied without it.
    fn is_missed_by(&self, request: &Request, namespace: Option<&str>) -> bool {
        let within = namespace.is_none_or(|namespace| request.object.split('/').next() == Some(namespace));
        request.code == 403 && request.verb == self.verb && request.resource == self.resource && within
    }

    fn told(&self) -> String {
        format!("{} {} ({})", self.verb, self.resource, self.role["metadata"]["name"])
    }
}

/// The roles of these objects that a subject is bound to.
fn roles(objects: &[Value], is_subject: impl Fn(&Value) -> bool) -> Vec<&Value> {
    let bound: Vec<&Value> = objects
        .iter()
        .filter(|object| object["subjects"].as_array().into_iter().flatten().any(&is_subject))
        .map(|binding| &binding["roleRef"])
        .collect();
    let is_bound = |role: &Value| {
        let mut references = bound.iter();
        references.any(|found| found["kind"] == role["kind"] && found["name"] == role["metadata"]["name"])
    };
    objects
        .iter()
        .filter(|object| object["rules"].is_array() && is_bound(object))
        .collect()
}
