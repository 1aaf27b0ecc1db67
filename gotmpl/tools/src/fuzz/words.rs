//! The functions that random templates call, and what they take and give.

/// About which type; a random template holds itself to it most of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Int,
    Float,
    Bool,
    List,
    Dict,
    Time,
    Version,
    /// Anything.
    Any,
    /// A regular expression.
    Pattern,
    /// A layout of dates.
    Layout,
    /// A format of printf.
    Format,
    /// JSON, a duration, a URL, a version, a constraint, a path: text that means something to some function.
    Special,
}

/// A function: its parameters in letters (see [`kind`]; a star repeats the last), and what it gives.
pub(super) struct Word {
    pub(super) name: &'static str,
    pub(super) params: &'static str,
    pub(super) gives: Kind,
}

/// The kind that a letter stands for.
pub(super) fn kind(letter: char) -> Kind {
    match letter {
        's' => Kind::Text,
        'i' => Kind::Int,
        'f' => Kind::Float,
        'b' => Kind::Bool,
        'l' => Kind::List,
        'd' => Kind::Dict,
        't' => Kind::Time,
        'v' => Kind::Version,
        'p' => Kind::Pattern,
        'y' => Kind::Layout,
        'm' => Kind::Format,
        'x' => Kind::Special,
        _ => Kind::Any,
    }
}

const GROUPS: &[(Kind, &str)] = &[
    (
        Kind::Text,
        "abbrev:is abbrevboth:iis trunc:is trim:s upper:s lower:s title:s untitle:s substr:iis repeat:is \
        trimall:ss trimAll:ss trimSuffix:ss trimPrefix:ss nospace:s initials:s swapcase:s snakecase:s camelcase:s \
        kebabcase:s wrap:is wrapWith:iss quote:a* squote:a* cat:a* indent:is nindent:is replace:sss plural:ssi \
        sha1sum:s sha256sum:s sha512sum:s adler32sum:s toString:a seq:i* join:sa toJson:a toPrettyJson:a toRawJson:a \
        mustToJson:a mustToPrettyJson:a mustToRawJson:a typeOf:a kindOf:a base:x dir:x clean:x ext:x osBase:x osClean:x \
        osDir:x osExt:x b64enc:s b64dec:s b32enc:s b32dec:s regexFind:ps mustRegexFind:ps regexReplaceAll:pss \
        mustRegexReplaceAll:pss regexReplaceAllLiteral:pss mustRegexReplaceAllLiteral:pss regexQuoteMeta:s urlJoin:d \
        duration:a durationRound:x unixEpoch:t html:a* js:a* urlquery:a* print:a* println:a* printf:ma* printf:ma* printf:ma* hello: \
        dateInZone:yts date_in_zone:yis htmlDateInZone:ts date:yt htmlDate:i decryptAES:ss fail:s",
    ),
    (
        Kind::Int,
        "atoi:s int64:a int:a toDecimal:a add1:a add:a* sub:aa div:aa mod:aa mul:a* biggest:a* max:a* min:a* len:a",
    ),
    (
        Kind::Float,
        "float64:a add1f:a addf:a* subf:a* divf:a* mulf:a* maxf:a* minf:a* ceil:a floor:a round:ai round:aif",
    ),
    (
        Kind::Bool,
        "contains:ss hasPrefix:ss hasSuffix:ss empty:a all:a* any:a* typeIs:sa typeIsLike:sa kindIs:sa deepEqual:aa \
        isAbs:x osIsAbs:x hasKey:ds has:al mustHas:al semverCompare:xx regexMatch:ps mustRegexMatch:ps eq:aa* ne:aa lt:ii le:ss \
        gt:ff ge:ii lt:aa not:a",
    ),
    (
        Kind::List,
        "splitList:ss toStrings:a until:i untilStep:iii sortAlpha:l list:a* list:a* tuple:a* pluck:sd* append:la \
        push:la mustAppend:la mustPush:la prepend:la mustPrepend:la rest:l mustRest:l initial:l mustInitial:l reverse:l \
        mustReverse:l uniq:l mustUniq:l without:la* mustWithout:la* slice:lii mustSlice:lii concat:l* chunk:il mustChunk:il \
        compact:l mustCompact:l regexFindAll:psi mustRegexFindAll:psi regexSplit:psi mustRegexSplit:psi",
    ),
    (
        Kind::Dict,
        "split:ss splitn:sis dict:sasa dict:sa* set:dsa unset:ds pick:dss omit:ds merge:dd mergeOverwrite:dd \
        mustMerge:dd mustMergeOverwrite:dd urlParse:x",
    ),
    (
        Kind::Time,
        "dateModify:xt date_modify:xt mustDateModify:xt must_date_modify:xt toDate:ys mustToDate:ys toDate:yx",
    ),
    (Kind::Version, "semver:x"),
    (
        Kind::Any,
        "default:aa coalesce:a* ternary:aab fromJson:x mustFromJson:x get:ds first:l mustFirst:l last:l mustLast:l \
        dig:sad deepCopy:a mustDeepCopy:a index:li index:ds index:aa and:a* or:a* call:a",
    ),
];

/// All of them.
pub(super) fn words() -> Vec<Word> {
    let group = |(gives, text): &(Kind, &'static str)| {
        let gives = *gives;
        let word = move |entry: &'static str| {
            let (name, params) = entry.split_once(':')?;
            Some(Word { name, params, gives })
        };
        text.split_whitespace().filter_map(word).collect::<Vec<_>>()
    };
    GROUPS.iter().flat_map(group).collect()
}

/// Texts that are more likely than others to show a difference.
pub(super) const TEXTS: &[&str] = &[
    "",
    "a",
    "abc",
    " a b ",
    "Hello World",
    "é☃",
    "a,b,c",
    "1",
    "-7",
    "1.5",
    "08",
    "0x1f",
    "true",
    "<a&\\\"b'>",
    "a\\nb\\n",
    "_0",
    "x=1;y",
    "\\xff\\x00",
    "HTTPServer2x",
    "foo_bar-baz",
    "$1",
    "%d %s",
    "日本語",
    "A1b2",
    "1e3",
    " ",
    "\\t",
    "ǆß",
    "aGVsbG8=",
];

const PATTERNS: &[&str] = &[
    "a",
    "[a-z]+",
    "\\\\d+",
    "(a)(b)?",
    "^",
    "$",
    "",
    "x*",
    "\\\\w",
    "\\\\s+",
    "(?i)ABC",
    "[^,]*",
    ".",
    "(?P<n>o+)",
    "[",
    "a{2}",
    "\\\\bfoo",
    "a|ab|abc",
    "\\\\pL",
    "(?s).+",
    "\\\\W",
    "[[:upper:]]",
    ",",
    "(?:a|b)+?",
    "a**",
    "\\\\Q.\\\\E",
    "[\\\\d-z]",
    "é?",
];

const LAYOUTS: &[&str] = &[
    "2006-01-02",
    "15:04:05",
    "2006-01-02T15:04:05Z07:00",
    "Mon Jan _2 15:04:05 2006",
    "3:04PM",
    "02/01/06",
    "January 2, 2006",
    "002",
    "__2",
    ".000",
    "05.999",
    "MST",
    "-0700",
    "x",
    "",
    "Jan",
    "1/2/6",
    "2006-01-02 15:04:05 MST",
    "20060102150405",
];

const SPECIAL: &[&str] = &[
    "{\\\"a\\\":[1,2.5,null,true,{\\\"b\\\":\\\"c\\\"}]}",
    "[1,\\\"x\\\"]",
    "1h30m",
    "-1.5s",
    "2m",
    "1.2.3",
    "v1.2",
    "1.2.3-rc.1+b",
    "^1.2",
    ">=1, <2",
    "~1.2.x || 3",
    "1.2 - 1.4",
    "https://u:p@h:80/a/b?c=d#e",
    "mailto:a@b",
    "/a/../b//c.txt",
    "../x",
    "a/b.c/",
    "2024-02-29",
    "13:04:05",
    "*",
    "x",
    "",
    "{",
    "1e400",
    "!=1.2.3",
    "//h/p",
    "%zz",
    "a:b",
    "0",
    "100ns",
    "9999h",
    "1.x",
    "Thu Feb 29 13:04:05 2024",
    "2024-02-29T13:04:05+05:30",
];

const FORMATS: &[&str] = &[
    "%v",
    "%d",
    "%s",
    "%q",
    "%x",
    "%5d|%-5d",
    "%05d",
    "%+d",
    "%.2f",
    "%8.3f",
    "%e",
    "%g",
    "%t",
    "%T",
    "%c",
    "%U",
    "%o",
    "%b",
    "%X",
    "%#v",
    "%+v",
    "%%",
    "%!",
    "%z",
    "%[2]v %[1]v",
    "%*d",
    "%.*f",
    "%10s|%-10s|",
    "%.2s",
    "%#x",
    "% x",
    "%#q",
    "%+q",
    "%06.2f",
    "%v %v",
    "%",
    "%G",
    "%#o",
];

/// Values of the data, and one that is not there.
pub(super) const FIELDS: &[&str] = &[".a", ".b", ".user", ".num", ".empty", ".raw", ".missing", "$.user"];

const INTS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "5",
    "10",
    "-3",
    "100",
    "0x10",
    "'a'",
    "1.0",
    "9223372036854775807",
];

/// Constants of a kind; the text of those that are text.
pub(super) fn constants(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => TEXTS,
        Kind::Int => INTS,
        Kind::Float => &[
            "0.5",
            "1.5",
            "-2.25",
            "1e3",
            "0.1",
            "3.0",
            "1e-7",
            "123456789.125",
            "1e21",
        ],
        Kind::Bool => &["true", "false"],
        Kind::List => &[
            "(list)",
            "(list 1 2 3)",
            "(list \"b\" \"a\" \"c\")",
            "(list 1 \"a\" nil 2.5 true)",
            "(until 3)",
            "(splitList \",\" \"x,y,x\")",
            "(list (list 1) (dict \"a\" 1))",
        ],
        Kind::Dict => &[
            "(dict)",
            "(dict \"a\" 1)",
            "(dict \"a\" 1 \"b\" \"x\")",
            "(dict \"a\" (dict \"b\" 1))",
            "(dict \"a\" (list 1) \"c\" nil)",
            "(fromJson \"{\\\"a\\\":1.5}\")",
            "(dict \"host\" \"h\" \"path\" \"p q\")",
        ],
        Kind::Time => &[
            "(toDate \"2006-01-02\" \"2024-02-29\")",
            "(toDate \"2006-01-02 15:04:05 -0700\" \"2021-03-04 05:06:07 +0530\")",
            "(toDate \"\" \"\")",
        ],
        Kind::Version => &["(semver \"1.2.3\")", "(semver \"v2.0.0-rc.1\")"],
        Kind::Pattern => PATTERNS,
        Kind::Layout => LAYOUTS,
        Kind::Format => FORMATS,
        Kind::Special => SPECIAL,
        Kind::Any => &["nil", ".", "$", ".missing", "`raw`"],
    }
}
