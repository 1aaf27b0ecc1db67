//! What is too large for the API server, or for the way in which it is applied.

use crds::SealedSecret;
use sealing::size::{self, Obstacle};

use super::Object;
use crate::lint::rule::Rule;

impl Object<'_> {
    pub(super) fn sizes(&mut self, sealed: &SealedSecret) {
        let path = ["spec", "encryptedData"];
        let secret = size::of_secret(&sealed.spec);
        if secret > size::LARGEST_SECRET {
            let message = format!(
                "its Secret holds {secret} bytes in all values together, and Kubernetes allows {}: the Secret is never made",
                size::LARGEST_SECRET
            );
            self.find_and_fix(Rule::TooLarge, &path, message, "seal the values as several Secrets");
        }
        if let Some(obstacle) = Obstacle::of(&self.document.value) {
            let rule = match obstacle {
                Obstacle::Request(_) => Rule::TooLarge,
                Obstacle::Annotations(_) => Rule::ApplySize,
            };
            self.find_and_fix(rule, &path, obstacle.to_string(), obstacle.fix());
        }
    }
}
