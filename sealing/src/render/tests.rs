use crate::random::SystemRandom;

use super::*;

fn template(data: &[(&str, Option<&str>)]) -> SecretTemplate {
    let data = data
        .iter()
        .map(|(item, text)| ((*item).to_owned(), text.map(str::to_owned)));
    SecretTemplate {
        data: Some(data.collect()),
        ..SecretTemplate::default()
    }
}

fn rendered(data: &[(&str, Option<&str>)], values: &[(&str, &[u8])], refuse_nondeterministic: bool) -> Rendered {
    let values = values
        .iter()
        .map(|(item, value)| ((*item).to_owned(), SecretBytes::new(value.to_vec())))
        .collect();
    let mut rendering = Rendering {
        now: &Zoned::default(),
        random: &mut SystemRandom::default(),
        refuse_nondeterministic,
        work: WORK,
    };
    render(&template(data), &values, &mut rendering)
}

fn shown(rendered: &Rendered) -> Vec<(&str, Option<&[u8]>)> {
    let items = rendered.items.iter();
    items
        .map(|(item, value)| (item.as_str(), value.as_ref().map(SecretBytes::expose)))
        .collect()
}

#[test]
fn templates_see_values_and_the_texts_of_the_others() {
    let result = rendered(
        &[
            ("a", Some("{{ .password }}|{{ .b }}|{{ .missing }}")),
            ("b", Some("{{ .password | printf \"%q\" }}")),
            ("password", Some("a sealed item hides this, as variable and as result")),
            ("plain", Some("no action: \\{ }}")),
            ("gone", None),
        ],
        &[("password", b"s3cret"), ("binary", b"\xff\x00")],
        true,
    );
    assert!(result.errors.is_empty() && result.varying.is_empty());
    let wanted: [(&str, Option<&[u8]>); 4] = [
        ("a", Some(b"s3cret|{{ .password | printf \"%q\" }}|<no value>")),
        ("b", Some(b"\"s3cret\"")),
        ("gone", None),
        ("plain", Some(b"no action: \\{ }}")),
    ];
    assert_eq!(shown(&result), wanted);
}

#[test]
fn values_are_bytes() {
    let result = rendered(&[("a", Some("{{ .x }}{{ len .x }}"))], &[("x", b"\xff\xfe")], false);
    assert_eq!(shown(&result), [("a", Some(&b"\xff\xfe2"[..]))]);
}

#[test]
fn each_failure_names_its_item_and_place_and_no_value() {
    let result = rendered(
        &[
            ("a", Some("{{ if .x }}")),
            ("b", Some("\n{{ index .x 99 }}")),
            ("c", Some("fine")),
        ],
        &[("x", b"canary")],
        false,
    );
    assert_eq!(shown(&result), [("c", Some(&b"fine"[..]))]);
    let errors: Vec<_> = result.errors.values().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "template a, line 1, column 12: the template ends before {{end}}",
            "template b, line 2, column 4: calling index: index out of range",
        ]
    );
    assert!(!format!("{result:?}").contains("canary"));
}

#[test]
fn what_differs_from_one_time_to_the_next_is_marked_or_refused() {
    let data = [
        ("fixed", Some("{{ .x | b64enc | quote }}")),
        ("drawn", Some("{{ if false }}{{ randAlphaNum 8 }}{{ end }}")),
        ("dated", Some("{{ now | date \"2006\" }}")),
    ];
    let result = rendered(&data, &[("x", b"v")], false);
    assert!(result.errors.is_empty(), "{:?}", result.errors);
    assert_eq!(result.varying.iter().collect::<Vec<_>>(), ["dated", "drawn"]);
    let wanted: [(&str, Option<&[u8]>); 3] = [
        ("dated", Some(b"1970")),
        ("drawn", Some(b"")),
        ("fixed", Some(b"\"dg==\"")),
    ];
    assert_eq!(shown(&result), wanted);
    let refused = rendered(&data, &[("x", b"v")], true);
    assert_eq!(
        refused.errors.values().cloned().collect::<Vec<_>>(),
        [
            RenderError::Nondeterministic("date"),
            RenderError::Nondeterministic("randAlphaNum")
        ]
    );
    assert_eq!(
        nondeterministic(&template(&data)).keys().collect::<Vec<_>>(),
        ["dated", "drawn"]
    );
}

#[test]
fn the_templates_of_an_object_share_one_budget() {
    let half = "{{ range 120000 }}{{ end }}";
    assert!(rendered(&[("a", Some(half))], &[], false).errors.is_empty());
    let both = rendered(&[("a", Some(half)), ("b", Some(half))], &[], false);
    assert_eq!(both.errors.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn texts_are_checked_without_values() {
    let errors = check(&template(&[
        ("a", Some("{{ .x }}")),
        ("b", Some("{{ nope }}")),
        ("c", None),
    ]));
    assert_eq!(errors.keys().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn templates_that_need_an_item_are_found() {
    let template = template(&[
        ("field", Some("{{ .a }}")),
        ("dashed", Some("{{ index . \"a\" }}")),
        ("all", Some("{{ range $k, $v := . }}{{ $v | b64enc }}{{ end }}")),
        ("with", Some("{{ with .b }}{{ $.a | sha256sum }}{{ end }}")),
        ("asked", Some("{{ if .a }}x{{ end }}")),
        ("other", Some("a{{ .b }} {{/* a */}}")),
        ("random", Some("{{ .a }}{{ randAlpha 3 }}")),
        ("random-other", Some("{{ .b }}{{ now }}")),
        ("fails", Some("{{ fail .a }}")),
        ("b", Some("{{ .a }}, which the sealed item hides")),
        ("gone", None),
    ]);
    let mut random = SystemRandom::default();
    let found = depending_on("a", &["a", "b"], &template, &Zoned::default(), &mut random);
    assert_eq!(found, ["all", "asked", "dashed", "fails", "field", "random", "with"]);
}

#[test]
fn many_templates_share_the_values_and_none_takes_them_away() {
    let names: Vec<String> = (0..4000).map(|number| format!("item{number}")).collect();
    let text = "{{ len (get (dict \"all\" .) \"all\") }}";
    let data: Vec<_> = names.iter().map(|name| (name.as_str(), Some(text))).collect();
    let result = rendered(&data, &[("large", &[b'x'; 500_000])], false);
    assert!(result.errors.is_empty(), "{:?}", result.errors.values().next());
    assert!(shown(&result).iter().all(|(_, item)| *item == Some(b"4001")));
}
