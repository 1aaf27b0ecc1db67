//! Which versions of the format the values of an object have, and which of their keys they name.

use crds::SealedSecret;
use manifest::shown;
use sealing::sealer::Format;
use sealing::v2::KeyId;

use super::Object;
use crate::lint::rule::Rule;

impl Object<'_, '_> {
    /// Values of version 1 where version 2 is meant.
    pub(super) fn formats(&mut self, sealed: &SealedSecret) {
        let items = sealed.spec.encrypted_data.iter();
        let v1: Vec<_> = items.filter(|(_, text)| Format::of(text) == Some(Format::V1)).collect();
        let Some((first, _)) = v1.first() else {
            return;
        };
        let path = ["spec", "encryptedData", first.as_str()];
        let named = v1.iter().map(|(item, _)| shown(item)).collect::<Vec<_>>().join(", ");
        let fix = format!("kubeseal reseal --format-version 2 {}", self.source.file());
        if Format::latest_of(sealed) == Some(Format::V2) {
            let message = format!("{named}: of format version 1 beside values of version 2");
            self.find_and_fix(Rule::MixedFormats, &path, message, fix.clone());
        }
        if self.source.format == Some(Format::V2) {
            let message = format!("{named}: of format version 1, and the project file names v2");
            self.find_and_fix(Rule::EarlierFormat, &path, message, fix);
        }
    }

    /// What the key ids in a value of version 2 say, held against the certificates.
    pub(super) fn key_ids(&mut self, item: &str, keys: &[KeyId]) {
        let path = ["spec", "encryptedData", item];
        let (item, file) = (shown(item), self.source.file());
        let own = self.source.certificate.as_ref();
        if own.and_then(|own| own.hybrid).is_some_and(|own| keys.contains(&own)) {
            return;
        }
        let is_its = |hybrid: Option<KeyId>| hybrid.is_some_and(|hybrid| keys.contains(&hybrid));
        if let Some(other) = self.source.others.iter().find(|other| is_its(other.hybrid)) {
            let message = format!(
                "item {item} was sealed with the key of cluster {}, which this place is not for",
                other.cluster
            );
            let fix = "seal the value again, which takes the certificate of the cluster that this place is for";
            self.find_and_fix(
                Rule::OtherCluster,
                &path,
                message,
                format!("{fix}: kubeseal edit {file}"),
            );
        } else if let Some(own) = own {
            let ids: Vec<_> = keys.iter().map(KeyId::to_string).collect();
            let has = own.hybrid.map_or("none".to_owned(), |own| own.to_string());
            let message = format!(
                "item {item} was sealed with key id {}; that of {} is {has}",
                ids.join(", "),
                own.name
            );
            let fix = own.fix_of_old_key(&file);
            self.find_and_fix(Rule::OldKey, &path, message, fix);
        }
    }
}
