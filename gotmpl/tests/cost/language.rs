//! Random templates whose text costs much: to be read, to be parsed, and to be walked through again and again.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore;

/// The most that an object can hold.
const LONGEST: usize = 1_500_000;

const WORDS: &[&str] = &[
    " 1",
    " .",
    " $",
    " .a",
    " .a.a.a",
    " \"\"",
    " `a`",
    " 'a'",
    " 1.5e3",
    " 1i",
    " (1)",
    " (len .a)",
    " nil",
    " true",
    " $x",
    "|print",
    "|not",
    " 0x1_0",
    " print",
    " not",
    ".a",
    "(",
    ")",
    " ",
    ",",
    "é",
    "a",
    "_",
    "9",
    "\\",
    "\"",
];

const ACTIONS: &[&str] = &[
    "{{1}}",
    "{{.a}}",
    "{{$}}",
    "{{/**/}}",
    "a{{/**/}}",
    "a {{- /**/ -}} ",
    "{{- 1 -}}",
    "{{$x := 1}}",
    "{{$x = .}}",
    "{{if .a}}{{end}}",
    "{{if .a}}a{{else}}b{{end}}",
    "{{with .a}}{{.}}{{end}}",
    "{{range .b}}{{end}}",
    "{{range 2}}{{break}}{{end}}",
    "{{define \"t\"}}{{end}}",
    "{{define \"t\"}} {{end}}",
    "{{block \"t\" .}}{{end}}",
    "{{template \"t\"}}",
    "{{template \"t\" .}}",
    "{{print}}",
    "{{and 1 0}}",
    "{{len .a}}",
    "{{(1)}}",
    "{{$x}}",
    "{{1 | print | print}}",
    "{{.a.b.c.d}}",
    "{{(.a).b}}",
    "{{\"\"}}",
    "{{now}}",
];

const OPENED: &[(&str, &str)] = &[
    ("{{if 1}}", "{{end}}"),
    ("{{with 1}}", "{{end}}"),
    ("{{range 2}}", "{{end}}"),
    ("{{range $i, $x := 2}}", "{{end}}"),
    ("{{if 0}}{{else}}", "{{end}}"),
    ("{{define \"t\"}}", "{{end}}"),
    ("{{block \"t\" .}}", "{{end}}"),
];

/// A template of which the text itself is hostile.
pub(super) fn template(random: &mut ChaCha20Rng) -> String {
    let mut writer = Writer { random };
    let parts = writer.below(3);
    let mut out = "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ $x := 1 }}".to_owned();
    for _ in 0..=parts {
        let part = writer.part();
        let looped = writer.below(2) == 0;
        out.push_str(if looped { "{{ range 1000000 }}" } else { "" });
        out.push_str(&part);
        out.push_str(if looped { "{{ end }}" } else { "" });
    }
    out.truncate(out.floor_char_boundary(LONGEST));
    out
}

struct Writer<'r> {
    random: &'r mut ChaCha20Rng,
}

impl Writer<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % (bound.max(1) as u64)).unwrap_or(0)
    }

    /// As often small as large.
    fn size(&mut self) -> usize {
        let size = 1 << self.below(20);
        size + self.below(size)
    }

    fn choose<'t>(&mut self, of: &[&'t str]) -> &'t str {
        let place = self.below(of.len());
        of.get(place).copied().unwrap_or_default()
    }

    fn many(&mut self, of: &[&str]) -> String {
        let (first, second) = (self.choose(of), self.choose(of));
        let piece = if self.below(2) == 0 {
            first.to_owned()
        } else {
            format!("{first}{second}")
        };
        piece.repeat(self.size().min(LONGEST / piece.len()))
    }

    fn part(&mut self) -> String {
        match self.below(9) {
            0 => self.many(ACTIONS),
            1 => {
                let function = self.choose(&[
                    "print", "list", "dict", "and", "or", "eq 1", "add", "coalesce", "index $d", "html",
                ]);
                format!("{{{{ $y := {function}{} }}}}", self.many(WORDS))
            }
            2 => format!("{{{{ $y := 1{} }}}}", self.many(WORDS)),
            3 => {
                let (open, close) = OPENED.get(self.below(OPENED.len())).copied().unwrap_or_default();
                let size = self.size().min(50_000);
                format!("{}{}{}", open.repeat(size), self.choose(ACTIONS), close.repeat(size))
            }
            4 => {
                let size = self.size();
                format!("{{{{ $y := {}1{} }}}}", "(".repeat(size), ")".repeat(size))
            }
            5 => self.long_name(),
            6 => format!(
                "{{{{ if 0 }}}}{}{{{{ end }}}}",
                self.many(&["{{else if .b}}", "{{else if 0}}x", "{{else if $x}}"])
            ),
            7 => format!("{{{{ $y := $d{} }}}}", ".self".repeat(self.size().min(LONGEST / 5))),
            _ => self.numbered(),
        }
    }

    fn long_name(&mut self) -> String {
        let letter = self.choose(&["a", "é", "ǅ", "_", "\u{10400}"]);
        let name = letter.repeat(self.size().min(LONGEST / 2 / letter.len()));
        match self.below(7) {
            0 => format!("{{{{ $y := $d.{name} }}}}"),
            1 => format!("{{{{ ${name} := 1 }}}}{{{{ ${name} }}}}"),
            2 => format!("{{{{ {name} }}}}"),
            3 => format!(
                "{{{{ define \"{name}\" }}}}{{{{ end }}}}{{{{ range 1000000 }}}}{{{{ template \"{name}\" }}}}{{{{ end }}}}"
            ),
            4 => format!(
                "{{{{ $_ := set $d \"{name}\" 1 }}}}{{{{ range 1000000 }}}}{{{{ $y := $d.{name} }}}}{{{{ end }}}}"
            ),
            5 => format!(
                "{{{{ define \"u\" }}}}{}x{{{{ end }}}}{}",
                " ".repeat(name.len()),
                "{{define \"u\"}}{{end}}".repeat(self.size().min(50_000))
            ),
            _ => format!("{{{{ {} }}}}", "9".repeat(name.len())),
        }
    }

    /// Many templates or variables, each with a name of its own.
    fn numbered(&mut self) -> String {
        let pattern = self.choose(&[
            "{{$v# := 1}}",
            "{{define \"t#\"}}{{end}}",
            "{{define \"t#\"}}{{.}}{{end}}",
            "{{block \"t#\" .}}a{{end}}",
            "{{$v# := .}}{{$v# = $}}",
        ]);
        let size = self.size().min(LONGEST / pattern.len() / 2);
        let all: String = (0..size)
            .map(|number| pattern.replace('#', &number.to_string()))
            .collect();
        let used = self.choose(&["{{$v0}}", "{{template \"t0\" .}}", "{{$x}}", "{{$}}"]);
        format!("{all}{{{{ range 1000000 }}}}{used}{{{{ end }}}}")
    }
}
