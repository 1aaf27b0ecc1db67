//! Comments that allow a finding: `# kubeseal: allow RULE, RULE — reason` on its line or on the line above it;
//! `# kubeseal: allow-file RULE` for the whole file.

use manifest::{Place, escaped};

use super::Finding;
use super::rule::Rule;

const MARK: &str = "kubeseal: allow";

/// What the comments of one file allow.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    file: Vec<Rule>,
    /// Lines from 1 on which the rule is allowed.
    lines: Vec<(usize, Rule)>,
    unknown: Vec<(Place, String)>,
}

impl Allowed {
    pub(super) fn of(text: &str) -> Self {
        let mut allowed = Allowed::default();
        // Lines of comments before a line that is none belong to it.
        let mut waiting: Vec<Rule> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let rules = allowed.comment(number, line);
            let is_comment = line.trim_start().starts_with('#');
            waiting.extend(&rules);
            if !is_comment {
                allowed.lines.extend(waiting.drain(..).map(|rule| (number, rule)));
            }
        }
        allowed
    }

    /// The rules that a comment in this line allows for a line; those for the file are kept at once.
    fn comment(&mut self, number: usize, line: &str) -> Vec<Rule> {
        let Some((before, words)) = line.split_once(MARK) else {
            return Vec::new();
        };
        let is_comment = before
            .trim_end()
            .strip_suffix('#')
            .is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']) || before.trim_start().is_empty());
        if !is_comment {
            return Vec::new();
        }
        let (whole_file, words) = match words.strip_prefix("-file") {
            Some(words) => (true, words),
            None => (false, words),
        };
        // The list ends where the reason begins.
        let (mut rules, mut goes_on) = (Vec::new(), true);
        for word in words.split_whitespace() {
            if !goes_on {
                break;
            }
            goes_on = word.ends_with(',');
            for id in word.split(',').filter(|id| !id.is_empty()) {
                match Rule::from_id(id) {
                    Some(rule) => rules.push(rule),
                    None => self.unknown.push((place(number, before), escaped(id))),
                }
            }
        }
        if whole_file {
            self.file.append(&mut rules);
        }
        rules
    }

    /// Whether there is no comment that allows anything.
    pub(super) fn is_empty(&self) -> bool {
        self.file.is_empty() && self.lines.is_empty()
    }

    pub(super) fn allows(&self, rule: Rule, line: Option<usize>) -> bool {
        self.file.contains(&rule) || line.is_some_and(|line| self.lines.contains(&(line, rule)))
    }

    /// A finding for each word that is not a rule.
    pub(super) fn unknown(&self, file: &str) -> impl Iterator<Item = Finding> {
        self.unknown.iter().map(move |(place, id)| Finding {
            rule: Rule::UnknownId,
            file: file.to_owned(),
            place: Some(*place),
            message: format!("there is no rule \"{id}\""),
            fix: Some("kubeseal lint --rules shows them all".to_owned()),
        })
    }
}

fn place(line: usize, before: &str) -> Place {
    Place {
        document: 1,
        line,
        column: before.trim_end().chars().count(),
        item: None,
    }
}
