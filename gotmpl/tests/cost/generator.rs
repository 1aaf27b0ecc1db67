//! Random templates that want to cost much: every function, with arguments of its types that are long, many, deep, shared or odd.

#[path = "language.rs"]
mod language;
#[path = "pieces.rs"]
mod pieces;

use gotmpl::{Functions, Kind, Type};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use pieces::{FLOATS, LAYOUTS, PATTERNS, PIECES, REPEATS, ZONES};

/// A template, and the function that it is about.
pub(crate) struct Hostile {
    pub(crate) template: String,
    pub(crate) function: &'static str,
}

/// Of so many more than there are functions, the template is about the language.
const OF_THE_LANGUAGE: usize = 24;

/// The template of a number; the functions come in turn, and then the language.
pub(crate) fn hostile(functions: &Functions, names: &[&'static str], number: u64) -> Hostile {
    let place = usize::try_from(number % (names.len() + OF_THE_LANGUAGE) as u64).unwrap_or(0);
    let Some(function) = names.get(place).copied() else {
        return Hostile {
            template: language::template(&mut ChaCha20Rng::seed_from_u64(number)),
            function: "(the language)",
        };
    };
    let mut writer = Writer {
        functions,
        names,
        random: ChaCha20Rng::seed_from_u64(number),
        out: String::new(),
        variables: [0; 5],
    };
    writer.definitions();
    writer.use_of(function);
    Hostile {
        template: writer.out,
        function,
    }
}

/// What a variable holds: the letter of its name.
#[derive(Clone, Copy)]
enum Held {
    Text,
    List,
    Dict,
    Version,
    Certificate,
}

struct Writer<'f> {
    functions: &'f Functions,
    names: &'f [&'static str],
    random: ChaCha20Rng,
    out: String,
    /// How many variables there are that hold each.
    variables: [u32; 5],
}

impl Writer<'_> {
    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.random.next_u64() % (bound.max(1) as u64)).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn choose<'t>(&mut self, of: &[&'t str]) -> &'t str {
        let place = self.below(of.len());
        of.get(place).copied().unwrap_or_default()
    }

    /// As often small as large.
    fn size(&mut self, most: u32) -> u64 {
        let bits = self.below(most as usize + 1);
        let size = 1u64 << bits;
        size + self.random.next_u64() % size
    }

    fn name(held: Held, number: u32) -> String {
        let letter = ["s", "l", "d", "v", "c"].get(held as usize).copied().unwrap_or("s");
        format!("${letter}{number}")
    }

    fn define(&mut self, held: Held, value: &str) -> String {
        let count = self.variables.get(held as usize).copied().unwrap_or_default();
        let name = Writer::name(held, count);
        self.out.push_str(&format!("{{{{ {name} := {value} }}}}"));
        self.variables
            .get_mut(held as usize)
            .into_iter()
            .for_each(|count| *count += 1);
        name
    }

    fn variable(&mut self, held: Held) -> Option<String> {
        let count = self.variables.get(held as usize).copied().unwrap_or_default();
        (count > 0).then(|| {
            let number = self.below(count as usize);
            Writer::name(held, u32::try_from(number).unwrap_or(0))
        })
    }

    fn definitions(&mut self) {
        for _ in 0..self.below(4) {
            let text = self.made_text(22);
            self.define(Held::Text, &text);
        }
        for _ in 0..self.below(3) {
            let list = self.made_list();
            let name = self.define(Held::List, &list);
            if self.chance(40) {
                // Many elements, or many ways to the same one.
                let how = self.choose(&["concat", "list", "append"]);
                let times = self.below(14);
                self.out.push_str(&format!(
                    "{{{{ range {times} }}}}{{{{ {name} = {how} {name} {name} }}}}{{{{ end }}}}"
                ));
            }
        }
        for _ in 0..self.below(3) {
            self.dict();
        }
        if self.chance(30) {
            let pre = self.made_text(16);
            self.define(Held::Version, &format!("semver (printf \"1.2.3-a%s\" ({pre}))"));
        }
        if self.chance(10) {
            let names = self.list();
            self.define(
                Held::Certificate,
                &format!("genSelfSignedCertWithKey \"a\" nil {names} 365 (genPrivateKey \"ecdsa\")"),
            );
        }
    }

    fn dict(&mut self) {
        let name = self.define(Held::Dict, "dict");
        let (count, key) = (self.size(11), self.made_text(12));
        let value = self.any();
        let key = self.define(Held::Text, &key);
        self.out.push_str(&format!(
            "{{{{ range $i := until {count} }}}}{{{{ $_ := set {name} (print {key} $i) {value} }}}}{{{{ end }}}}"
        ));
        if self.chance(20) {
            self.out
                .push_str(&format!("{{{{ $_ := set {name} \"self\" {name} }}}}"));
        }
    }

    /// The calls, mostly in a loop, whose results are dropped, printed or kept.
    fn use_of(&mut self, function: &'static str) {
        for _ in 0..=self.below(2) {
            let call = if self.chance(5) {
                self.method()
            } else {
                self.call(function, 2)
            };
            let kept = match self.below(5) {
                0 => call,
                1 => format!("$k = append $k ({call})"),
                2 => format!("$_ := set $h (print $i) ({call})"),
                _ => format!("$x := {call}"),
            };
            let rounds = self.choose(&["1", "10", "1000", "1000000", "1000000"]);
            self.out.push_str(&format!(
                "{{{{ $k := list }}}}{{{{ $h := dict }}}}{{{{ range $i := {rounds} }}}}{{{{ {kept} }}}}{{{{ end }}}}"
            ));
        }
    }

    fn method(&mut self) -> String {
        let text = self.text(0);
        let version = self
            .variable(Held::Version)
            .unwrap_or_else(|| "(semver \"1.2\")".to_owned());
        let certificate = self.variable(Held::Certificate).unwrap_or_else(|| "dict".to_owned());
        match self.below(6) {
            0 => format!("now.Format {text}"),
            1 => format!("{version}.LessThan {version}"),
            2 => format!("{version}.IncPatch.String"),
            3 => format!("print {version}.Prerelease {version}.Original"),
            4 => format!("print {certificate}.Cert {certificate}.Key"),
            _ => format!("(now.AddDate {} 1 1).Format {text}", self.int()),
        }
    }

    fn call(&mut self, name: &'static str, depth: u32) -> String {
        let Some(func) = self.functions.get(name) else {
            let (first, second) = (self.any(), self.any());
            return format!("{name} {first} {second}");
        };
        let mut call = name.to_owned();
        let params = func.params();
        let fixed = params.len() - usize::from(func.is_variadic());
        let more = if func.is_variadic() { self.below(5) } else { 0 };
        let types = params
            .iter()
            .take(fixed)
            .chain(std::iter::repeat_n(params.last().unwrap_or(&Type::Any), more));
        for typ in types.copied().collect::<Vec<_>>() {
            let argument = self.argument(name, typ, depth);
            call.push(' ');
            call.push_str(&argument);
        }
        call
    }

    fn argument(&mut self, function: &str, typ: Type, depth: u32) -> String {
        if function.contains("egex") && self.chance(50) && typ == Type::String {
            return self.pattern();
        }
        match typ.kind() {
            Kind::String => self.text(depth),
            Kind::Int | Kind::Int64 | Kind::Uint32 => self.int(),
            Kind::Float64 => self.choose(FLOATS).to_owned(),
            Kind::Bool => self.choose(&["true", "false"]).to_owned(),
            Kind::Slice => self.list(),
            Kind::Map => self.variable(Held::Dict).unwrap_or_else(|| "(dict \"a\" 1)".to_owned()),
            Kind::Struct if typ.to_string().contains("certificate") => self
                .variable(Held::Certificate)
                .unwrap_or_else(|| "(genCA \"a\" 1)".to_owned()),
            Kind::Struct => "now".to_owned(),
            Kind::Pointer => self
                .variable(Held::Version)
                .unwrap_or_else(|| "(semver \"1.2\")".to_owned()),
            _ if depth > 0 && self.chance(20) => {
                let inner = self.choose(self.names);
                format!("({})", self.call_named(inner, depth - 1))
            }
            _ => self.any(),
        }
    }

    fn call_named(&mut self, name: &str, depth: u32) -> String {
        match self.names.iter().find(|known| **known == name).copied() {
            Some(name) => self.call(name, depth),
            None => "nil".to_owned(),
        }
    }

    fn int(&mut self) -> String {
        const ODD: &[&str] = &[
            "0",
            "1",
            "-1",
            "2",
            "3",
            "7",
            "2147483648",
            "9223372036854775807",
            "-9223372036854775807",
        ];
        if self.chance(50) {
            return self.choose(ODD).to_owned();
        }
        self.size(22).to_string()
    }

    fn any(&mut self) -> String {
        match self.below(10) {
            0..=2 => self.text(0),
            3 | 4 => self.list(),
            5 => self
                .variable(Held::Dict)
                .unwrap_or_else(|| "(dict \"a\" nil)".to_owned()),
            6 => self.variable(Held::Version).unwrap_or_else(|| "now".to_owned()),
            7 => self.variable(Held::Certificate).unwrap_or_else(|| "1i".to_owned()),
            8 => self.choose(FLOATS).to_owned(),
            _ => self.int(),
        }
    }

    fn text(&mut self, depth: u32) -> String {
        match self.below(10) {
            0..=4 => {
                if let Some(name) = self.variable(Held::Text) {
                    return name;
                }
                format!("({})", self.made_text(10))
            }
            5 => format!("\"{}\"", self.choose(PIECES)),
            6 => format!("\"{}\"", self.choose(LAYOUTS)),
            7 => format!("\"{}\"", self.choose(ZONES)),
            8 if depth > 0 => {
                let call = self.choose(&["toJson", "print", "b64enc", "toString", "typeOf"]);
                format!("({call} {})", self.any())
            }
            _ => format!("({})", self.made_text(14)),
        }
    }

    fn made_text(&mut self, most: u32) -> String {
        let piece = self.choose(PIECES);
        let size = self.size(most);
        let other = self.choose(PIECES);
        match self.below(4) {
            0 => format!(
                "print (repeat {size} \"{piece}\") (repeat {} \"{other}\")",
                self.size(most)
            ),
            1 => format!("print \"{other}\" (repeat {size} \"{piece}\") \"{other}\""),
            _ => format!("repeat {size} \"{piece}\""),
        }
    }

    fn made_list(&mut self) -> String {
        let size = self.size(14);
        match self.below(5) {
            0 => format!("until {size}"),
            1 => format!("splitList \",\" (repeat {size} \"{},\")", self.choose(PIECES)),
            2 => format!("untilStep {size} 0 -1"),
            3 => format!("list {} {}", self.any(), self.any()),
            _ => format!("prepend (until {size}) {}", self.any()),
        }
    }

    fn list(&mut self) -> String {
        match self.variable(Held::List) {
            Some(name) if self.chance(80) => name,
            _ => format!("({})", self.made_list()),
        }
    }

    fn pattern(&mut self) -> String {
        let mut pattern = String::new();
        for _ in 0..=self.below(5) {
            let atom = format!("{}{}", self.choose(PATTERNS), self.choose(REPEATS));
            pattern = match self.below(4) {
                0 => format!("({pattern}{atom}){}", self.choose(REPEATS)),
                1 => format!("{atom}|{pattern}"),
                _ => format!("{pattern}{atom}"),
            };
        }
        if self.chance(30) {
            let size = self.size(12);
            return format!("(print (repeat {size} \"{}\") \"{pattern}\")", self.choose(PATTERNS));
        }
        format!("\"{pattern}\"")
    }
}
