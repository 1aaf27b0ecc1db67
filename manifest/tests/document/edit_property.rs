//! Round trip: in random sources (comments, anchors, CRLF, several documents, JSON, every style of scalar) an edit
//! changes the bytes of what is edited and no other.

use std::fmt::Write as _;

use manifest::edit::{Change, Edit, EditError, edit};
use manifest::read;
use proptest::prelude::*;
use serde_json::Value;

/// How an item's value is written.
#[derive(Debug, Clone, Copy)]
enum Style {
    Plain,
    Single,
    Double,
    TwoLines,
    Folded,
    Literal,
}

/// Whether the value has an anchor, and whether that is used elsewhere.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Anchor {
    None,
    Unused,
    Used,
}

#[derive(Debug, Clone)]
struct Item {
    value: String,
    style: Style,
    anchor: Anchor,
    comment: bool,
    quoted_key: bool,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Block,
    Flow,
    JsonLines,
    JsonOneLine,
}

#[derive(Debug, Clone)]
struct Object {
    form: Form,
    indent: usize,
    annotated: bool,
    comments: bool,
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
struct Source {
    objects: Vec<Object>,
    crlf: bool,
    mark: bool,
    final_break: bool,
}

fn item() -> impl Strategy<Value = Item> {
    let style = prop_oneof![
        Just(Style::Plain),
        Just(Style::Single),
        Just(Style::Double),
        Just(Style::TwoLines),
        Just(Style::Folded),
        Just(Style::Literal)
    ];
    let anchor = prop_oneof![4 => Just(Anchor::None), 1 => Just(Anchor::Unused), 1 => Just(Anchor::Used)];
    (
        "Ag[A-Za-z0-9+/]{6,90}={0,2}",
        style,
        anchor,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(value, style, anchor, comment, quoted_key)| Item {
            value,
            style,
            anchor,
            comment,
            quoted_key,
        })
}

fn source() -> impl Strategy<Value = Source> {
    let form = prop_oneof![3 => Just(Form::Block), 1 => Just(Form::Flow), 1 => Just(Form::JsonLines), 1 => Just(Form::JsonOneLine)];
    let items = prop::collection::vec(item(), 1..5);
    let object = (form, 1usize..6, any::<bool>(), any::<bool>(), items).prop_map(
        |(form, indent, annotated, comments, items)| Object {
            form,
            indent,
            annotated,
            comments,
            items,
        },
    );
    let objects = prop::collection::vec(object, 1..5);
    (objects, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(objects, crlf, mark, final_break)| Source {
        objects,
        crlf,
        mark,
        final_break,
    })
}

/// A stretch of a source; the number of the item that it holds, if one.
type Piece = (String, Option<(usize, usize)>);

impl Source {
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        if self.mark {
            pieces.push(("\u{feff}".to_owned(), None));
        }
        for (number, object) in self.objects.iter().enumerate() {
            if number > 0 {
                pieces.push(("---\n".to_owned(), None));
            }
            object.write(number, &mut pieces);
        }
        // The line break at the end may be missing.
        if !self.final_break
            && let Some((last, _)) = pieces.last_mut()
        {
            *last = last.trim_end_matches('\n').to_owned();
        }
        for (text, _) in &mut pieces {
            if self.crlf {
                *text = text.replace('\n', "\r\n");
            }
        }
        pieces
    }
}

impl Object {
    fn write(&self, number: usize, pieces: &mut Vec<Piece>) {
        let mut plain = |text: String| pieces.push((text, None));
        let name = format!("s{number}");
        match self.form {
            Form::Block => {
                let step = " ".repeat(self.indent);
                if self.comments {
                    plain("# object: {\n\n".to_owned());
                }
                plain(format!("kind: SealedSecret\nmetadata:   # m\n{step}name: '{name}'\n"));
                if self.annotated {
                    plain(format!("{step}annotations:\n{step}{step}a: \"b\" # c\n"));
                }
                plain(format!(
                    "spec:\n{step}template: {{type: x}}\n{step}encryptedData: # e\n"
                ));
                for (at, item) in self.items.iter().enumerate() {
                    if self.comments {
                        pieces.push((format!("{step}{step}# of {at}\n"), None));
                    }
                    pieces.push((item.lines(number, at, &format!("{step}{step}")), Some((number, at))));
                }
                let used = self
                    .items
                    .iter()
                    .enumerate()
                    .filter(|(_, item)| item.anchor == Anchor::Used);
                let used: Vec<_> = used.map(|(at, _)| format!("*x{number}-{at}")).collect();
                pieces.push((format!("{step}other: [{}]\n", used.join(", ")), None));
                if self.comments {
                    pieces.push(("# behind\n\n".to_owned(), None));
                }
            }
            Form::Flow => {
                plain(format!(
                    "{{kind: SealedSecret, metadata: {{name: {name}}}, # c\n  spec: {{encryptedData: {{"
                ));
                self.flow(number, pieces, ", ", ": ", false);
                pieces.push((" }, other: 1}}\n".to_owned(), None));
            }
            Form::JsonOneLine => {
                plain(format!(
                    "{{\"kind\":\"SealedSecret\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"encryptedData\":{{"
                ));
                self.flow(number, pieces, ",", ":", true);
                pieces.push(("}}}\n".to_owned(), None));
            }
            Form::JsonLines => {
                plain(format!(
                    "{{\n\t\"kind\": \"SealedSecret\",\n\t\"metadata\": {{\n\t\t\"name\": \"{name}\"\n\t}},\n\t\"spec\": {{\n\t\t\
                     \"encryptedData\": {{\n\t\t\t"
                ));
                self.flow(number, pieces, ",\n\t\t\t", ": ", true);
                pieces.push(("\n\t\t}\n\t}\n}\n".to_owned(), None));
            }
        }
    }

    fn flow(&self, number: usize, pieces: &mut Vec<Piece>, comma: &str, colon: &str, quoted: bool) {
        for (at, item) in self.items.iter().enumerate() {
            if at > 0 {
                pieces.push((comma.to_owned(), None));
            }
            let quote = if quoted || matches!(item.style, Style::Double) {
                "\""
            } else {
                ""
            };
            let key = if quoted { format!("\"k{at}\"") } else { format!("k{at}") };
            pieces.push((format!("{key}{colon}{quote}{}{quote}", item.value), Some((number, at))));
        }
    }
}

impl Item {
    fn lines(&self, number: usize, at: usize, indent: &str) -> String {
        let mut text = String::from(indent);
        let key = if self.quoted_key {
            format!("'k{at}'")
        } else {
            format!("k{at}")
        };
        let _ = write!(text, "{key}: ");
        if self.anchor != Anchor::None {
            let _ = write!(text, "&x{number}-{at} ");
        }
        let comment = if self.comment { "  # é '\"{" } else { "" };
        let (head, tail) = self.value.split_at(4);
        let _ = match self.style {
            Style::Plain => writeln!(text, "{}{comment}", self.value),
            Style::Single => writeln!(text, "'{}'{comment}", self.value),
            Style::Double => writeln!(text, "\"{}\"{comment}", self.value),
            Style::TwoLines => writeln!(text, "\"{head}\\\n{indent}   {tail}\"{comment}"),
            Style::Folded => writeln!(text, ">-{comment}\n{indent} {}", self.value),
            Style::Literal => writeln!(text, "|{comment}\n{indent}  {head}\n{indent}  {tail}"),
        };
        text
    }
}

fn all(pieces: &[Piece]) -> String {
    pieces.iter().map(|(text, _)| text.as_str()).collect()
}

fn item_path(name: &str) -> Vec<String> {
    ["spec", "encryptedData", name].map(str::to_owned).into()
}

/// The text before and after the item, and its own.
fn around(pieces: &[Piece], item: (usize, usize)) -> (String, String, String) {
    let at = pieces.iter().position(|(_, holds)| *holds == Some(item)).unwrap();
    (all(&pieces[..at]), pieces[at].0.clone(), all(&pieces[at + 1..]))
}

fn changed(text: &str, object: usize, change: Change) -> Result<String, EditError> {
    let documents = read(text.as_bytes()).unwrap();
    let changes = vec![change];
    let document = &documents[object];
    edit(text.as_bytes(), &[Edit { document, changes }]).map(|bytes| String::from_utf8(bytes).unwrap())
}

fn values(text: &str) -> Vec<Value> {
    read(text.as_bytes())
        .unwrap()
        .iter()
        .map(|document| document.value.clone())
        .collect()
}

/// How many bytes two texts have in common at their ends, without counting any of the shorter one twice.
fn common(before: &str, after: &str) -> usize {
    let (before, after) = (before.as_bytes(), after.as_bytes());
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let rest = before.len().min(after.len()) - head;
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(rest)
        .take_while(|(a, b)| a == b)
        .count();
    head + tail
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn a_new_value_changes_its_own_bytes(source in source(), pick in any::<prop::sample::Index>()) {
        let pieces = source.pieces();
        let text = all(&pieces);
        let items: Vec<_> = pieces.iter().filter_map(|(_, item)| *item).collect();
        let item = *pick.get(&items);
        let name = format!("k{}", item.1);
        let anchor = source.objects[item.0].items[item.1].anchor;
        let outcome = changed(&text, item.0, Change::set(["spec", "encryptedData", &name], "bmV3"));
        // A block only can have anchors here.
        if anchor == Anchor::Used && matches!(source.objects[item.0].form, Form::Block) {
            let refused = matches!(outcome, Err(EditError::Unfaithful { .. }));
            prop_assert!(refused, "{text}");
            return Ok(());
        }
        let after = outcome.unwrap();
        let (head, own, tail) = around(&pieces, item);
        prop_assert!(after.starts_with(&head) && after.ends_with(&tail), "{text}\n=>\n{after}");
        let new = &after[head.len()..after.len() - tail.len()];
        // Its key and its comment stay too.
        let (key, _) = own.split_once(':').unwrap();
        prop_assert!(new.starts_with(key));
        prop_assert_eq!(own.contains("# é"), new.contains("# é"));
        let mut expected = values(&text);
        expected[item.0]["spec"]["encryptedData"][&name] = "bmV3".into();
        prop_assert_eq!(values(&after), expected);
    }

    #[test]
    fn an_item_that_goes_takes_its_own_bytes_along(source in source(), pick in any::<prop::sample::Index>()) {
        let pieces = source.pieces();
        let text = all(&pieces);
        let items: Vec<_> = pieces.iter().filter_map(|(_, item)| *item).collect();
        let item = *pick.get(&items);
        let object = &source.objects[item.0];
        let name = format!("k{}", item.1);
        let outcome = changed(&text, item.0, Change::Remove { path: item_path(&name) });
        let block = matches!(object.form, Form::Block);
        if block && object.items[item.1].anchor == Anchor::Used {
            prop_assert!(outcome.is_err(), "{text}");
            return Ok(());
        }
        let after = outcome.unwrap();
        let (head, own, tail) = around(&pieces, item);
        if block && object.items.len() > 1 {
            prop_assert_eq!(&after, &(head + &tail));
        } else {
            // Beside the item itself a comma and the blanks at it go, or `{}` comes.
            prop_assert!(common(&text, &after) + own.len() + 10 >= text.len(), "{text}\n=>\n{after}");
        }
        let mut expected = values(&text);
        expected[item.0]["spec"]["encryptedData"].as_object_mut().unwrap().remove(&name);
        prop_assert_eq!(values(&after), expected);
    }

    #[test]
    fn a_new_name_changes_the_name_alone(source in source(), pick in any::<prop::sample::Index>()) {
        let pieces = source.pieces();
        let text = all(&pieces);
        let items: Vec<_> = pieces.iter().filter_map(|(_, item)| *item).collect();
        let item = *pick.get(&items);
        let name = format!("k{}", item.1);
        let change = Change::Rename { path: item_path(&name), to: "new-name".to_owned() };
        let after = changed(&text, item.0, change).unwrap();
        let (head, own, tail) = around(&pieces, item);
        prop_assert_eq!(after, head + &own.replacen(&name, "new-name", 1) + &tail);
    }

    #[test]
    fn what_is_added_stands_in_one_place_and_nothing_else_moves(source in source(), at in any::<prop::sample::Index>()) {
        let text = all(&source.pieces());
        let number = at.index(source.objects.len());
        let object = &source.objects[number];
        let hint = ["metadata", "annotations", "x.example/hint"];
        for path in [["spec", "encryptedData", "new-item"], hint] {
            let after = changed(&text, number, Change::set(path, "bmV3")).unwrap();
            prop_assert_eq!(common(&text, &after), text.len(), "{}\n=>\n{}", text, after);
            let mut expected = values(&text);
            expected[number][path[0]][path[1]][path[2]] = "bmV3".into();
            prop_assert_eq!(values(&after), expected);
            let breaks = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
            let (carriage, lines) = breaks(&after);
            if source.crlf {
                prop_assert_eq!(carriage, lines);
            } else {
                prop_assert_eq!(carriage, 0);
            }
            if matches!(object.form, Form::Flow | Form::JsonOneLine) {
                prop_assert_eq!(lines, breaks(&text).1);
            }
        }
    }
}
