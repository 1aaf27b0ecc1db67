//! The rules: their ids, which are part of the interface (docs/lint.md), how grave a finding is, and what they are for.

use std::fmt;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Worth knowing; changes no exit code.
    Note,
    /// Likely a mistake; fails with `--strict`.
    Warning,
    /// It will not work, or it leaks a secret; fails.
    Error,
}

impl Level {
    /// The word in every output; those of SARIF.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}

/// One line of the table of rules.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident $id:literal $level:ident $summary:literal;)+) => {
        /// What is judged. An id never changes its meaning, and no id is used again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Rule { $($(#[doc = $doc])+ $name,)+ }

        impl Rule {
            /// All rules, in the order of the documentation.
            pub(crate) const ALL: &'static [Rule] = &[$(Rule::$name,)+];

            /// The id by which it is allowed and documented.
            pub(crate) fn id(self) -> &'static str {
                match self { $(Rule::$name => $id,)+ }
            }

            /// How grave its findings are.
            pub(crate) fn level(self) -> Level {
                match self { $(Rule::$name => Level::$level,)+ }
            }

            /// What it finds, in one sentence.
            pub(crate) fn summary(self) -> &'static str {
                match self { $(Rule::$name => $summary,)+ }
            }
        }
    };
}

rules! {
    /// Not YAML or JSON, or not to be read at all.
    Unreadable "unreadable" Error "The file holds a Secret or a SealedSecret, or might, but cannot be read.";
    /// An empty file that was named, or a pipe that brings no object.
    NoObject "no-object" Error "A file that was named is empty, or what came on stdin holds no Kubernetes object.";
    /// A key twice in one map.
    DuplicateKey "duplicate-key" Error "A key is given twice in one map; which one wins depends on the reader.";
    /// A field of the wrong type, a missing name, another apiVersion.
    Structure "structure" Error "A SealedSecret is not built as the API server wants it.";
    /// A field that there is not.
    UnknownField "unknown-field" Error "A SealedSecret has a field that the API server drops without a word.";
    /// A ciphertext that is not base64.
    Base64 "base64" Error "A sealed value is not base64.";
    /// A ciphertext of impossible lengths.
    Ciphertext "ciphertext" Error "A sealed value is cut short or does not begin like one.";
    /// A ciphertext of a format that this version does not know.
    NewerFormat "newer-format" Error "A sealed value is in a newer format than this kubeseal knows.";
    /// The template says another scope.
    ScopeMismatch "scope-mismatch" Error "The scope annotations of the object and of its template disagree.";
    /// The template says another name.
    Renamed "renamed" Error "The object was renamed, or moved to another namespace, after it was sealed.";
    /// kustomize changes a bound name.
    KustomizeName "kustomize-name" Error "A kustomization changes a name that the sealed values are bound to.";
    /// kustomize changes a bound namespace.
    KustomizeNamespace "kustomize-namespace" Error
        "A kustomization changes the namespace that the sealed values are bound to.";
    /// kustomize changes the scope.
    KustomizeScope "kustomize-scope" Error "A kustomization changes the scope annotations.";
    /// A template that cannot be parsed.
    Template "template" Error "A template in spec.template.data cannot be parsed.";
    /// A Secret in clear.
    ClearSecret "clear-secret" Error "A Secret in clear lies where Git would take it.";
    /// An annotation with the manifest in clear.
    PlaintextCopy "plaintext-copy" Error "An annotation holds a copy of the manifest in clear.";
    /// The same object twice.
    DuplicateObject "duplicate-object" Error "Two SealedSecrets have the same name in the same namespace.";
    /// The certificate's RSA key, and another hybrid key.
    ForeignHybridKey "foreign-hybrid-key" Error
        "A value was sealed with the certificate's RSA key, by its key hint, and a hybrid key that is not the certificate's: that of a stranger.";
    /// One value of format v2 in two places.
    CopiedValue "copied-value" Error
        "A value of format v2 was copied to another item, or to another object: it opens in one of the two places at most.";
    /// Sealed with the key of another cluster.
    OtherCluster "other-cluster" Error
        "By its key hint, or the key ids in its values, the object was sealed with the key of another cluster than that of its folder.";
    /// A certificate of the project file that is not there, or is none.
    BrokenCertificate "broken-certificate" Error
        "A certificate of the project file is missing, or cannot be read.";
    /// Two clusters of the project file with one key.
    SharedKey "shared-key" Error
        "Two clusters of the project file have the same key: the certificate of one was fetched from the other.";
    /// More than a Secret, or a request, may hold.
    TooLarge "too-large" Error "The Secret or the SealedSecret is larger than the API server allows.";
    /// Another key length than the certificate's.
    KeySize "key-size" Warning "A value was sealed with a key of another length than that of the certificate.";
    /// Less than 2048 bits.
    WeakKey "weak-key" Warning "A value was sealed with a key of less than 2048 bits.";
    /// A certificate of the project file that has expired.
    ExpiredCertificate "expired-certificate" Warning "A certificate of the project file has expired: nothing can be sealed with it.";
    /// A hint that is none.
    KeyHint "key-hint" Warning "The key hint cannot be read.";
    /// A value of format v1 beside one of format v2.
    MixedFormats "mixed-formats" Warning "A value of format v1 stands beside one of format v2 in the same object.";
    /// A value of format v1 where the project file names format v2.
    EarlierFormat "earlier-format" Warning "A value is of format v1, and the project file names format v2.";
    /// `True`, `yes`.
    ScopeValue "scope-value" Warning "A scope annotation has another value than \"true\" and therefore no effect.";
    /// The template lacks the scope.
    ScopeOneSided "scope-one-sided" Warning "Only the object, not its template, has a scope annotation.";
    /// A name that something fills in later.
    PlaceholderName "placeholder-name" Warning "A name that the values are bound to is a placeholder: they open only if it is filled in with the name that they were sealed for.";
    /// No namespace.
    NoNamespace "no-namespace" Warning "The object names no namespace, but its values open in one only.";
    /// Nothing in it.
    Empty "empty" Warning "A SealedSecret without any item.";
    /// A template that takes an item for there.
    MissingItem "missing-item" Warning "A template names an item that is not there.";
    /// The format of version 0.6.
    DeprecatedData "deprecated-data" Warning "The deprecated field spec.data is used.";
    /// A comment allows a rule that there is not.
    UnknownId "unknown-rule" Warning "A comment allows a rule that does not exist.";
    /// kustomize renames the Secret, and not what refers to it.
    KustomizeReference "kustomize-reference" Warning
        "A kustomization renames a SealedSecret that opens under any name; references to its Secret keep the old name.";
    /// More than the copy that `kubectl apply` keeps may hold.
    ApplySize "apply-size" Warning "The SealedSecret is too large for kubectl apply without --server-side.";
    /// The hint does not name the certificate's key.
    OldKey "old-key" Note "By its key hint, or the key ids in its values, the object was sealed with a key that is neither the certificate's nor another cluster's.";
    /// A template that gives something else each time.
    NondeterministicTemplate "nondeterministic-template" Note
        "A template calls a function whose result differs from one rendering to the next.";
    /// A document of another kind with a duplicate key, a tag, `.inf`.
    OtherKind "other-kind" Note "A document of another kind breaks a rule of strict reading; it is not judged.";
    /// A ciphertext in values of a chart, a Helm template, a script.
    EmbeddedValue "embedded-value" Note "A sealed value stands outside SealedSecrets: `kubeseal reseal` must be told what it is bound to.";
    /// Labels that do not reach the Secret.
    KustomizeLabels "kustomize-labels" Note "A kustomization labels the SealedSecret; its Secret does not get the labels.";
}

impl Rule {
    /// The rule of that id.
    pub(crate) fn from_id(id: &str) -> Option<Rule> {
        Rule::ALL.iter().copied().find(|rule| rule.id() == id)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
