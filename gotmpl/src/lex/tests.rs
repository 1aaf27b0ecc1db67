use super::*;

#[test]
fn spaces_are_trimmed_around_marked_delimiters_only() {
    let texts = |text: &str| -> Vec<String> {
        let (all, _) = tokens(text, usize::MAX, false, false);
        let texts = all.iter().filter(|token| token.kind == TokenKind::Text);
        texts.map(|token| text[token.start..token.end].to_owned()).collect()
    };
    assert_eq!(texts(" a {{1}} b "), [" a ", " b "]);
    assert_eq!(texts(" a \n{{- 1 -}}\r\n\t b "), [" a", "b "]);
    assert_eq!(texts(" {{- /* c */ -}} b"), ["b"]);
    assert_eq!(texts("a {{-3}}"), ["a "]);
    assert_eq!(texts("\u{a0}{{- 1}}"), ["\u{a0}"]);
}

#[test]
fn what_goes_wrong_ends_the_tokens() {
    for (text, mistake) in [
        ("{{", ParseMistake::UnclosedAction),
        ("{{/* a", ParseMistake::UnclosedComment),
        ("{{/* a */ }}", ParseMistake::CommentEndsEarly),
        ("{{(1}}", ParseMistake::UnclosedParen),
        ("{{)}}", ParseMistake::UnexpectedParen),
        ("{{\"a}}", ParseMistake::UnterminatedString),
        ("{{\"a\n\"}}", ParseMistake::UnterminatedString),
        ("{{`a}}", ParseMistake::UnterminatedRawString),
        ("{{'a}}", ParseMistake::UnterminatedChar),
        ("{{3k}}", ParseMistake::BadNumber),
        ("{{.x+1}}", ParseMistake::BadCharacter),
        ("{{$x: 1}}", ParseMistake::LoneColon),
        ("{{\u{1}}}", ParseMistake::UnknownCharacter),
    ] {
        assert_eq!(tokens(text, usize::MAX, false, false).1, Some(mistake), "{text}");
    }
}
