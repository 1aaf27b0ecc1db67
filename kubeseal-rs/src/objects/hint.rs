//! What to type next when something is wrong with an input.

use crds::names;
use manifest::DocumentError;
use manifest::edit::EditError;
use sealing::binding::BindingError;
use sealing::envelope::EnvelopeError;
use sealing::key::KeyError;
use sealing::key_secret::KeyFileError;
use sealing::keyring::OpenError;
use sealing::merge::MergeError;
use sealing::reseal::ResealError;
use sealing::seal::SealError;
use sealing::secret::SecretError;
use sealing::unseal::{ItemError, ItemErrors, UnsealError};

use super::Fault;
use crate::error::{A_BACKUP_WILL_DO, Hinted as _, WHOLE_BUILD};
use crate::quoting::word;
use crate::typed::Typed;

const JOINED: &str = "two objects without a line of --- between them: put one before the second apiVersion";

const TOO_LARGE: &str = "nothing was written: seal the values as several Secrets";

/// Where a namespace is missing that the scope binds.
const SAY_NAMESPACE: &str = "say it: --namespace NAMESPACE, or write metadata.namespace";

impl Fault {
    /// What to type next.
    pub(crate) fn hint(&self, typed: &Typed) -> Option<String> {
        match self {
            Fault::Other(fault) => fault.hint(typed),
            Fault::NotReEncrypted(error) => error.hint(),
            Fault::Document(error) => Some(of_document(error, typed)),
            Fault::Secret(error) => Some(of_secret(error, typed)),
            Fault::Seal(error) => of_seal(error, typed),
            Fault::Unseal(error) => of_unseal(error),
            Fault::OpenRaw(error) => Some(of_bare_value(error).to_owned()),
            Fault::Keys(error) => Some(of_keys(error).to_owned()),
            Fault::Merge(error) => of_merge(error, typed),
            Fault::Reseal(error) => of_reseal(error, typed),
            Fault::Edit(error) => of_edit(error).map(ToOwned::to_owned),
            Fault::NotOpened { .. }
            | Fault::NoSealedValue { .. }
            | Fault::NothingSealed
            | Fault::NotEdited { .. }
            | Fault::NotRenamed { .. } => self.outside_objects(typed),
            Fault::UnsealWithoutKeys(_)
            | Fault::Cert(_)
            | Fault::KeyForCert
            | Fault::CertForKeys
            | Fault::EmptyValue
            | Fault::EmptyItem
            | Fault::NotText(_)
            | Fault::NoItem { .. }
            | Fault::Sops
            | Fault::SameName(_)
            | Fault::NameOfFile => self.of_typed(typed),
            Fault::NotValid(_)
            | Fault::Unbound { .. }
            | Fault::SeveralSealedValues { .. }
            | Fault::NotAlone { .. }
            | Fault::Template { .. }
            | Fault::LargeValue(_)
            | Fault::NoCertificate
            | Fault::NoTarget(_)
            | Fault::ChangedMeanwhile
            | Fault::NoReply
            | Fault::Reply(_)
            | Fault::StaysYaml
            | Fault::SealedTwice { .. }
            | Fault::UsedByTemplates { .. }
            | Fault::NoTemplates
            | Fault::SeveralNamespaces(_)
            | Fault::Impossible(_)
            | Fault::NoEnd => self.fixed().map(ToOwned::to_owned),
            Fault::NoSecret
            | Fault::Lost(_)
            | Fault::EmptiedForm
            | Fault::ManyForms
            | Fault::NoSuchObject(_)
            | Fault::Emit(_) => None,
        }
    }

    /// Whether it is a Secret where a SealedSecret is wanted.
    pub(super) fn is_not_sealed(&self) -> bool {
        matches!(self, Fault::Secret(SecretError::OtherKind { wanted, kind, .. }) if *wanted == names::KIND && kind == "Secret")
    }

    /// Of sealed values outside SealedSecrets.
    fn outside_objects(&self, typed: &Typed) -> Option<String> {
        Some(match self {
            Fault::NotOpened { reasons, .. } => format!(
                "say what they were sealed for: kubeseal reseal --name NAME --namespace NAMESPACE{} FILE{}; what is to be \
                 left out: --exclude FILE",
                typed.flags(|flag| !["name", "namespace", "exclude"].contains(&flag)),
                match reasons.is_empty() {
                    true => "",
                    false => ", and give a value of format v2 the key for which it was sealed",
                }
            ),
            Fault::NoSealedValue { key, bound, .. } => {
                let mut line = format!("a new value is pasted by hand: kubeseal --raw {}", typed.naming_flags());
                if *bound {
                    let said = !typed.flags(|flag| flag == "format-version").is_empty();
                    line.push_str(if said { "" } else { " --format-version 2" });
                    line.push_str(&format!(" --item {}", key.as_deref().unwrap_or("KEY")));
                }
                line
            }
            Fault::NothingSealed => format!(
                "the first one is pasted by hand: printf %s \"$VALUE\" | kubeseal --raw {} prints it; kubeseal set changes it \
                 from then on",
                typed.naming_flags()
            ),
            Fault::NotEdited { found } => format!(
                "one value: printf %s \"$VALUE\" | kubeseal set FILE {} {}",
                found
                    .first()
                    .filter(|key| !key.starts_with('-'))
                    .map_or("KEY".to_owned(), |key| word(key)),
                typed.naming_flags()
            ),
            Fault::NotRenamed {
                new, bound: Some(key), ..
            } => format!(
                "nothing was written: the value opens under its key alone; kubeseal unseal --raw --item {} opens it, and \
                 kubeseal --raw --format-version 2 --item {} seals it under the new one",
                word(key),
                word(new)
            ),
            Fault::NotRenamed { new, bound: None, .. } => format!(
                "nothing was written: the value is not bound to its key; write {} in its place by hand, and wherever \
                 templates name it",
                word(new)
            ),
            _ => return None,
        })
    }

    /// With what was typed.
    fn of_typed(&self, typed: &Typed) -> Option<String> {
        Some(match self {
            Fault::UnsealWithoutKeys(_) => typed.with("--recovery-private-key FILE"),
            Fault::Cert(_) => {
                format!(
                    "get the current one: kubeseal --fetch-cert{} -w cert.pem",
                    typed.controller_flags()
                )
            }
            Fault::KeyForCert => format!(
                "a private key only opens; the certificate is public: kubeseal --fetch-cert{} -w cert.pem",
                typed.controller_flags()
            ),
            Fault::CertForKeys => format!("a certificate only seals; {A_BACKUP_WILL_DO}"),
            Fault::EmptyValue | Fault::EmptyItem => {
                format!("{} seals it anyway", typed.with("--allow-empty-data"))
            }
            Fault::NotText(item) => format!("write its bytes: kubeseal render FILE --item {}", word(item)),
            Fault::NoItem { item: Some(_), .. } if typed.is_verb("set") => {
                format!("{} adds it", typed.without(&["existing"]))
            }
            Fault::Sops => format!("sops -d FILE | kubeseal seal{} -", typed.sealing_flags()),
            Fault::SameName(item) => format!(
                "nothing was changed: say another name: kubeseal rename{} {} {} NEW",
                typed.flags(|_| true),
                typed.file(),
                word(item)
            ),
            Fault::NameOfFile => typed.with("--name NAME"),
            _ => return None,
        })
    }

    /// The same whatever was typed.
    fn fixed(&self) -> Option<&'static str> {
        Some(match self {
            Fault::NotValid(_) => {
                "name, namespace and scope annotations must be those that it was sealed with, and the certificate one of this \
                 controller's: kubeseal doctor FILE finds out what differs"
            }
            Fault::Unbound { .. } => {
                "say it: --name NAME --namespace NAMESPACE, and --scope SCOPE where it is not strict"
            }
            Fault::SeveralSealedValues { .. } | Fault::NotAlone { .. } => {
                "nothing was written: edit it by hand (kubeseal --raw seals a value)"
            }
            Fault::Template { .. } => {
                "have Helm fill it in first (helm template CHART); reseal, set and unset work on the sealed values in it"
            }
            Fault::LargeValue(_) => "nothing was written: seal it in parts, as items of several Secrets",
            Fault::NoCertificate => {
                "get it from the cluster (leave out --cert), or ask whoever runs the controller for it"
            }
            Fault::NoTarget(_) => "say which one is meant: --name NAME --namespace NAMESPACE",
            Fault::ChangedMeanwhile => "nothing was written: run the same command again",
            Fault::NoReply | Fault::Reply(_) => {
                "nothing was written; --controller-name and --controller-namespace must name a Sealed Secrets controller"
            }
            Fault::StaysYaml => "nothing was written: leave --format out",
            Fault::SealedTwice { .. } => {
                "nothing was written: merge the Secrets one after the other, in files of their own"
            }
            Fault::UsedByTemplates { .. } => {
                "nothing was written: change spec.template.data first (kubeseal render FILE shows what it makes), or --force"
            }
            Fault::NoTemplates => {
                "write one under spec.template.data, as in `url: db://{{ .password }}`, then run the same command again"
            }
            Fault::SeveralNamespaces(_) => "nothing was written: say which is meant: --namespace NAMESPACE",
            Fault::Impossible(_) => "nothing was written: say another one: --name NAME --namespace NAMESPACE",
            Fault::NoEnd => "nothing was written: seal the new Secret into a file of its own",
            _ => return None,
        })
    }
}

fn of_document(error: &DocumentError, typed: &Typed) -> String {
    match error {
        error if is_joined(error) => JOINED.to_owned(),
        DocumentError::Empty => "name a file that is not empty, or give it on stdin: kubeseal < FILE".to_owned(),
        _ => fix_input(typed),
    }
}

/// Of several files, the others are written all the same.
fn fix_input(typed: &Typed) -> String {
    let unwritten = match typed.flags(|flag| matches!(flag, "check" | "diff")).is_empty() {
        true if typed.is_of_files() => "this file was not written: ",
        true => "nothing was written: ",
        false => "",
    };
    format!("{unwritten}fix the input, then run the same command again")
}

fn of_secret(error: &SecretError, typed: &Typed) -> String {
    match error {
        SecretError::OtherKind {
            wanted,
            wanted_version,
            kind,
            ..
        } if wanted == kind => {
            format!("nothing was written: write it as `apiVersion: {wanted_version}`, then run the same command again")
        }
        SecretError::OtherKind { wanted, kind, .. } => other_kind(wanted, kind, typed),
        SecretError::NotBase64 { .. } => {
            "put the text under stringData, or encode it: printf %s \"$VALUE\" | base64 -w0".to_owned()
        }
        _ => fix_input(typed),
    }
}

fn of_seal(error: &SealError, typed: &Typed) -> Option<String> {
    Some(match error {
        SealError::NameMissing if typed.is_verb("seal") => "write its metadata.name".to_owned(),
        SealError::NameMissing => {
            format!(
                "write its metadata.name; for one Secret on stdin: {}",
                typed.with("--name NAME")
            )
        }
        SealError::NamespaceMissing => typed.with("--namespace NAMESPACE"),
        SealError::NamespaceMismatch { found, .. } => {
            let same = typed.with(&format!("--namespace {}", word(found)));
            format!("{same}, or edit metadata.namespace")
        }
        SealError::Item(error) => return error.hint(typed),
        SealError::TooLarge(_) => TOO_LARGE.to_owned(),
        SealError::Empty => typed.with("--allow-empty-data"),
    })
}

fn of_merge(error: &MergeError, typed: &Typed) -> Option<String> {
    Some(match error {
        MergeError::Binding(BindingError::NamespaceMissing(_)) => SAY_NAMESPACE.to_owned(),
        MergeError::Item(error) => return error.hint(typed),
        MergeError::Scope { .. } => {
            "items of two scopes do not open in one object: leave the scope out, or seal into a file of its own"
                .to_owned()
        }
        MergeError::WiderUnasked(scope) => format!(
            "nothing was written: --scope {scope} if that is meant; else remove the target's scope annotation, and seal its \
             items again"
        ),
        MergeError::TooLarge(_) => TOO_LARGE.to_owned(),
        MergeError::DeprecatedData => format!(
            "seal the whole Secret again into a new file: kubeseal -f SECRET-FILE -w FILE{}",
            typed.sealing_flags()
        ),
        MergeError::Empty => typed.with("--allow-empty-data"),
        _ => return None,
    })
}

fn of_reseal(error: &ResealError, typed: &Typed) -> Option<String> {
    match error {
        ResealError::Items(items) => Some(not_opened(items)),
        ResealError::Binding(BindingError::NamespaceMissing(_)) => Some(SAY_NAMESPACE.to_owned()),
        ResealError::Item(error) => error.hint(typed),
        _ => None,
    }
}

fn of_unseal(error: &UnsealError) -> Option<String> {
    match error {
        UnsealError::Items(items) => Some(not_opened(items)),
        UnsealError::Binding(BindingError::NamespaceMissing(_)) => Some(SAY_NAMESPACE.to_owned()),
        _ => None,
    }
}

fn of_bare_value(error: &ItemError) -> &'static str {
    match error {
        ItemError::NotBase64(_) => "--raw opens one bare value: for a file of SealedSecrets leave it out",
        ItemError::Open(OpenError::NotBound { .. }) => {
            "name, namespace, scope and item must be those that it was sealed with"
        }
        _ => {
            "name, namespace and scope must be those that it was sealed with, and one of the keys that of its certificate"
        }
    }
}

fn of_keys(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::Document(error) if is_joined(error) => JOINED,
        KeyFileError::Key(error) | KeyFileError::KeyItem { source: error, .. } => match error {
            KeyError::Encrypted => {
                "take the passphrase off, into a file that only you can read: (umask 077; openssl pkey -in FILE -out key.pem)"
            }
            KeyError::SealsOnly => WHOLE_BUILD,
            _ => A_BACKUP_WILL_DO,
        },
        _ => A_BACKUP_WILL_DO,
    }
}

fn of_edit(error: &EditError) -> Option<&'static str> {
    match error {
        EditError::Shared { .. } | EditError::Unfaithful { .. } => Some(
            "nothing was written: write out what is shared (no & * << or ! there), then run the same command again",
        ),
        EditError::CarriageReturn { .. } => {
            Some("nothing was written: give the file the line breaks of Unix or Windows (dos2unix -c mac FILE)")
        }
        _ => None,
    }
}

/// Whether a second object seems to follow the first in one document, as after `>>`.
fn is_joined(error: &DocumentError) -> bool {
    matches!(error, DocumentError::DuplicateKey { place, key } if place.column == 1 && matches!(key.as_str(), "apiVersion" | "kind"))
}

fn other_kind(wanted: &str, found: &str, typed: &Typed) -> String {
    match (wanted, found) {
        (names::KIND, "Secret") => return format!("it is not sealed yet: kubeseal{} < FILE", typed.sealing_flags()),
        ("Secret", names::KIND) => "it is sealed already: kubeseal --validate asks whether the controller can open it",
        ("Secret", found) if found != "Secret" => {
            "kubeseal --only-secrets seals the Secrets of a stream and leaves out all else; to make a Secret of a file: kubectl \
             create secret generic NAME --from-file=FILE --dry-run=client -o yaml"
        }
        _ => return fix_input(typed),
    }
    .to_owned()
}

fn not_opened(items: &ItemErrors) -> String {
    if items.0.values().any(|error| matches!(error, ItemError::Render(_))) {
        return "fix the template under spec.template.data; kubeseal render FILE shows what it makes of sample values"
            .to_owned();
    }
    let is_newer = |error: &ItemError| {
        matches!(
            error,
            ItemError::Open(OpenError::Malformed(
                EnvelopeError::NewerFormat(_) | EnvelopeError::UnknownSuite(_)
            ))
        )
    };
    if items.0.values().any(is_newer) {
        return "the value is not damaged: install a newer kubeseal, then run the same command again".to_owned();
    }
    let find = |is: fn(&OpenError) -> bool| {
        let mut errors = items.0.values();
        errors.any(|error| matches!(error, ItemError::Open(error) if is(error)))
    };
    if find(|error| matches!(error, OpenError::NoSuchKey { .. })) {
        return "the given keys are others than that of its certificate: kubeseal doctor FILE finds out more"
            .to_owned();
    }
    if find(|error| matches!(error, OpenError::NotBound { .. })) {
        return "the name, the namespace, the scope annotations and the item's name must be those that it was sealed with: kubeseal \
                doctor FILE finds out what differs"
            .to_owned();
    }
    let no_key = items.0.values().find_map(|error| match error {
        ItemError::Open(OpenError::NoKey { fitting, sealed_bits }) => Some((*fitting, *sealed_bits)),
        _ => None,
    });
    match no_key {
        Some((0, bits)) => {
            format!(
                "it was sealed with a key of {bits} bits, and none of the given keys is that long: these are other keys \
                 (kubeseal doctor FILE finds out more)"
            )
        }
        Some(_) => {
            "the name, the namespace and the scope annotations must be those that it was sealed with, and one of \
             the keys that of its certificate: kubeseal doctor FILE finds out what differs"
                .to_owned()
        }
        None => "the text under spec.encryptedData is not a sealed value: take it from an intact copy, or seal the value: kubeseal set \
                 FILE ITEM"
            .to_owned(),
    }
}
