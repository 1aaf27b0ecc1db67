//! What is too large for the API server, or for the way in which it is applied.

use crds::SealedSecret;
use sealing::size;

use super::Object;
use crate::lint::rule::Rule;

const SPLIT: &str = "seal the values as several Secrets";

impl Object<'_, '_> {
    pub(super) fn sizes(&mut self, sealed: &SealedSecret) {
        let path = ["spec", "encryptedData"];
        let secret = size::of_secret(&sealed.spec);
        if secret > size::LARGEST_SECRET {
            let message = format!(
                "its Secret holds {secret} bytes in all values together, and Kubernetes allows {}: the Secret is never made",
                size::LARGEST_SECRET
            );
            self.find_and_fix(Rule::TooLarge, &path, message, SPLIT);
        }
        let object = &self.document.value;
        let Ok(len) = size::of_object(object) else { return };
        let annotations = size::of_annotations_applied(object, len);
        if len > size::LARGEST_REQUEST {
            let message = format!(
                "the SealedSecret has {len} bytes as JSON, and etcd takes {} unless it is told otherwise",
                size::LARGEST_REQUEST
            );
            self.find_and_fix(Rule::TooLarge, &path, message, SPLIT);
        } else if annotations > size::LARGEST_ANNOTATIONS {
            let message = format!(
                "kubectl apply keeps a copy of the object in an annotation, which makes {annotations} bytes of annotations, \
                 and the API server allows {}",
                size::LARGEST_ANNOTATIONS
            );
            let fix = "kubectl apply --server-side (Argo CD: syncOptions: [ServerSideApply=true]; Flux always does so)";
            self.find_and_fix(Rule::ApplySize, &path, message, fix);
        }
    }
}
