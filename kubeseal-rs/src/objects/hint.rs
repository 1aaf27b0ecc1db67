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

impl Fault {
    /// What to type next.
    pub(crate) fn hint(&self, typed: &Typed) -> Option<String> {
        Some(match self {
            Fault::Secret(SecretError::OtherKind { wanted, wanted_version, kind, .. }) if wanted == kind => {
                format!("nothing was written: write it as `apiVersion: {wanted_version}`, then run the same command again")
            }
            Fault::Secret(SecretError::OtherKind { wanted, kind, .. }) => other_kind(wanted, kind, typed),
            Fault::Secret(SecretError::NotBase64 { .. }) => {
                "put the text under stringData, or encode it: printf %s \"$VALUE\" | base64 -w0".to_owned()
            }
            Fault::Seal(SealError::NameMissing) if typed.is_verb("seal") => "write its metadata.name".to_owned(),
            Fault::Seal(SealError::NameMissing) => {
                format!("write its metadata.name; for one Secret on stdin: {}", typed.with("--name NAME"))
            }
            Fault::Seal(SealError::NamespaceMissing) => typed.with("--namespace NAMESPACE"),
            Fault::Seal(SealError::NamespaceMismatch { found, .. }) => {
                let same = typed.with(&format!("--namespace {}", word(found)));
                format!("{same}, or edit metadata.namespace")
            }
            Fault::Unseal(UnsealError::Items(items)) => not_opened(items),
            Fault::UnsealWithoutKeys(_) => typed.with("--recovery-private-key FILE"),
            Fault::NotValid(_) => {
                "name, namespace and scope annotations must be those that it was sealed with, and the certificate one of \
                 this controller's: kubeseal doctor FILE finds out what differs"
                    .to_owned()
            }
            Fault::KeyForCert => format!(
                "a private key only opens; the certificate is public: kubeseal --fetch-cert{} > cert.pem",
                typed.controller_flags()
            ),
            Fault::CertForKeys => format!("a certificate only seals; {A_BACKUP_WILL_DO}"),
            Fault::Cert(_) => {
                format!("get the current one: kubeseal --fetch-cert{} > cert.pem", typed.controller_flags())
            }
            Fault::Keys(KeyFileError::Document(error)) | Fault::Document(error) if is_joined(error) => {
                "two objects without a line of --- between them: put one before the second apiVersion".to_owned()
            }
            Fault::Document(DocumentError::Empty) => "name a file that is not empty, or give it on stdin: kubeseal < FILE".to_owned(),
            Fault::Reseal(ResealError::Items(items)) => not_opened(items),
            Fault::OpenRaw(ItemError::NotBase64(_)) => {
                "--raw opens one bare value: for a file of SealedSecrets leave it out".to_owned()
            }
            Fault::OpenRaw(ItemError::Open(OpenError::NotBound { .. })) => {
                "name, namespace, scope and item must be those that it was sealed with".to_owned()
            }
            Fault::OpenRaw(_) => {
                "name, namespace and scope must be those that it was sealed with, and one of the keys that of its \
                 certificate"
                    .to_owned()
            }
            Fault::NotOpened { reasons, .. } => format!(
                "say what they were sealed for: kubeseal reseal --name NAME --namespace NAMESPACE{} FILE{}; what is to be left out: \
                 --exclude FILE",
                typed.flags(|flag| !["name", "namespace", "exclude"].contains(&flag)),
                match reasons.is_empty() {
                    true => "",
                    false => ", and give a value of format v2 the key for which it was sealed",
                }
            ),
            Fault::Unbound { .. } => {
                "say it: --name NAME --namespace NAMESPACE, and --scope SCOPE where it is not strict".to_owned()
            }
            Fault::Merge(MergeError::Binding(BindingError::NamespaceMissing(_)))
            | Fault::Unseal(UnsealError::Binding(BindingError::NamespaceMissing(_)))
            | Fault::Reseal(ResealError::Binding(BindingError::NamespaceMissing(_))) => {
                "say it: --namespace NAMESPACE, or write metadata.namespace".to_owned()
            }
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
                "the first one is pasted by hand: printf %s \"$VALUE\" | kubeseal --raw {} prints it; kubeseal set changes it from \
                 then on",
                typed.naming_flags()
            ),
            Fault::SeveralSealedValues { .. } | Fault::NotAlone { .. } => {
                "nothing was written: edit it by hand (kubeseal --raw seals a value)".to_owned()
            }
            Fault::Template { .. } => {
                "have Helm fill it in first (helm template CHART); reseal, set and unset work on the sealed values in it".to_owned()
            }
            Fault::Merge(MergeError::Item(error))
            | Fault::Seal(SealError::Item(error))
            | Fault::Reseal(ResealError::Item(error)) => return error.hint(typed),
            Fault::Other(fault) => return fault.hint(typed),
            Fault::EmptyValue | Fault::EmptyItem => {
                format!("{} seals it nevertheless", typed.with("--allow-empty-data"))
            }
            Fault::LargeValue(_) => "nothing was written: seal it in parts, as items of several Secrets".to_owned(),
            Fault::NoCertificate => {
                "get it from the cluster (leave out --cert), or ask whoever runs the controller for it".to_owned()
            }
            Fault::Document(_) | Fault::Secret(_) => {
                "nothing was written: mend the input, then run the same command again".to_owned()
            }
            Fault::Edit(EditError::Shared { .. } | EditError::Unfaithful { .. }) => {
                "nothing was written: write out what is shared (no & * << or ! there), then run the same command again"
                    .to_owned()
            }
            Fault::Edit(EditError::CarriageReturn { .. }) => {
                "nothing was written: give the file the line breaks of Unix or Windows (dos2unix -c mac FILE)".to_owned()
            }
            Fault::Merge(MergeError::Scope { .. }) => {
                "items of two scopes do not open in one object: leave the scope out, or seal into a file of its own"
                    .to_owned()
            }
            Fault::Merge(MergeError::WiderUnasked(scope)) => format!(
                "nothing was written: --scope {scope} if that is meant; else remove the target's scope annotation, and seal its \
                 items again"
            ),
            Fault::NoTarget(_) => "say which one is meant: --name NAME --namespace NAMESPACE".to_owned(),
            Fault::NotText(item) => format!("write its bytes: kubeseal render FILE --item {}", word(item)),
            Fault::ChangedMeanwhile => "nothing was written: run the same command again".to_owned(),
            Fault::NotReEncrypted(error) => return error.hint(),
            Fault::NoReply | Fault::Reply(_) => {
                "nothing was written; --controller-name and --controller-namespace must name a Sealed Secrets controller"
                    .to_owned()
            }
            Fault::Seal(SealError::TooLarge(_)) | Fault::Merge(MergeError::TooLarge(_)) => {
                "nothing was written: seal the values as several Secrets".to_owned()
            }
            Fault::Merge(MergeError::DeprecatedData) => {
                format!(
                    "seal the whole Secret again into a new file: kubeseal -f SECRET-FILE -w FILE{}",
                    typed.sealing_flags()
                )
            }
            Fault::Seal(SealError::Empty) | Fault::Merge(MergeError::Empty) => typed.with("--allow-empty-data"),
            Fault::Keys(KeyFileError::Key(KeyError::Encrypted) | KeyFileError::KeyItem { source: KeyError::Encrypted, .. }) => {
                "take the passphrase off, into a file that only you can read: (umask 077; openssl pkey -in FILE -out key.pem)"
                    .to_owned()
            }
            Fault::Keys(KeyFileError::Key(KeyError::SealsOnly) | KeyFileError::KeyItem { source: KeyError::SealsOnly, .. }) => {
                WHOLE_BUILD.to_owned()
            }
            Fault::Keys(_) => A_BACKUP_WILL_DO.to_owned(),
            Fault::StaysYaml => "nothing was written: leave --format out".to_owned(),
            Fault::SealedTwice { .. } => "nothing was written: merge the Secrets one after the other, in files of their own".to_owned(),
            Fault::UsedByTemplates { .. } => {
                "nothing was written: change spec.template.data first (kubeseal render FILE shows what it makes), or \
                 --force"
                    .to_owned()
            }
            Fault::Sops => format!("sops -d FILE | kubeseal seal{} -", typed.sealing_flags()),
            Fault::SameName(_) => "nothing was changed: say another name: kubeseal rename FILE ITEM NEW".to_owned(),
            Fault::NoTemplates => {
                "write one under spec.template.data, as in `url: db://{{ .password }}`, then run the same command again".to_owned()
            }
            Fault::SeveralNamespaces(_) => "nothing was written: say which is meant: --namespace NAMESPACE".to_owned(),
            Fault::Impossible(_) => "nothing was written: say another one: --name NAME --namespace NAMESPACE".to_owned(),
            Fault::NotEdited { found } => format!(
                "one value: printf %s \"$VALUE\" | kubeseal set FILE {} {}",
                found.first().filter(|key| !key.starts_with('-')).map_or("KEY".to_owned(), |key| word(key)),
                typed.naming_flags()
            ),
            Fault::NotRenamed { new, bound: Some(key), .. } => format!(
                "nothing was written: the value opens under its key alone; kubeseal unseal --raw --item {} opens it, and kubeseal \
                 --raw --format-version 2 --item {} seals it under the new one",
                word(key),
                word(new)
            ),
            Fault::NotRenamed { new, bound: None, .. } => format!(
                "nothing was written: the value is not bound to its key; write {} in its place by hand, and wherever templates name \
                 it",
                word(new)
            ),
            Fault::NameOfFile => typed.with("--name NAME"),
            Fault::NoEnd => "nothing was written: seal the new Secret into a file of its own".to_owned(),
            Fault::NoItem { item: Some(_), .. } if typed.is_verb("set") => {
                format!("{} adds it", typed.without(&["existing"]))
            }
            Fault::NoSecret | Fault::Lost(_) | Fault::NoItem { .. } | Fault::EmptiedForm | Fault::ManyForms | Fault::NoSuchObject(_) | Fault::Edit(_) | Fault::Merge(_) | Fault::Reseal(_) | Fault::Unseal(_) | Fault::Emit(_) => return None,
        })
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
        _ => "nothing was written: mend the input, then run the same command again",
    }
    .to_owned()
}

fn not_opened(items: &ItemErrors) -> String {
    if items.0.values().any(|error| matches!(error, ItemError::Render(_))) {
        return "mend the template under spec.template.data; kubeseal render FILE shows what it makes of sample values"
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
        None => "the text under spec.encryptedData is no sealed value: take it from an intact copy, or seal the value: kubeseal set \
                 FILE ITEM"
            .to_owned(),
    }
}
