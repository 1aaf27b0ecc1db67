//! Seals a whole Secret: Secret in clear → SealedSecret.

use std::collections::BTreeMap;

use crds::{SealedSecret, SealedSecretSpec, SecretTemplate, names};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use thiserror::Error;

use crate::binding::{Binding, BindingError, Scope};
use crate::random::Random;
use crate::sealer::{SealItemError, Sealer};
use crate::secret::ClearSecret;
use crate::size;

/// Parameters of [`seal`], by the flags of kubeseal that set them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SealParameters {
    /// `--scope`; strict leaves the decision to the Secret's own annotations (reference behaviour).
    pub scope: Scope,
    /// `--name`: replaces the Secret's name.
    pub name: Option<String>,
    /// `--namespace` as typed: must agree with the Secret's.
    pub namespace: Option<String>,
    /// Namespace for a Secret without one (that of the kubeconfig context).
    pub default_namespace: Option<String>,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
    /// Labels of the SealedSecret itself.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the SealedSecret itself.
    pub annotations: BTreeMap<String, String>,
}

/// Why a Secret was not sealed. The texts are the reference's where it has them.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// There are no items.
    #[error(
        "secret.data is empty in input Secret, assuming this is an error and aborting. To work with empty data, --allow-empty-data can be used"
    )]
    Empty,
    /// Neither the Secret nor the parameters have a name.
    #[error("missing metadata.name in input Secret")]
    NameMissing,
    /// Neither the Secret nor the parameters have a namespace.
    #[error("secret must declare a namespace")]
    NamespaceMissing,
    /// `--namespace` and the Secret disagree.
    #[error("namespace mismatch: input secret is in namespace {found:?} but {asked:?} was specified")]
    NamespaceMismatch {
        /// The Secret's.
        found: String,
        /// The flag's.
        asked: String,
    },
    /// The values exceed the size of a Secret. (The reference seals them, and the controller fails to write the
    /// Secret.)
    #[error("its values have {0} bytes together, and Kubernetes allows {max} in a Secret", max = size::LARGEST_SECRET)]
    TooLarge(usize),
    /// A value could not be sealed.
    #[error(transparent)]
    Item(#[from] SealItemError),
}

impl From<BindingError> for SealError {
    fn from(error: BindingError) -> Self {
        match error {
            BindingError::NameMissing => SealError::NameMissing,
            BindingError::NamespaceMissing(_) => SealError::NamespaceMissing,
        }
    }
}

/// Seals every item of `secret`.
///
/// # Errors
/// [`SealError`].
pub fn seal(
    secret: &ClearSecret,
    parameters: &SealParameters,
    sealer: &Sealer<'_>,
    random: &mut dyn Random,
) -> Result<SealedSecret, SealError> {
    let (mut sealed, binding) = bound(secret, parameters)?;
    for (item, plaintext) in &secret.items {
        let text = sealer.seal(None, plaintext.expose(), &binding, item, random)?;
        sealed.spec.encrypted_data.insert(item.clone(), text);
    }
    Ok(sealed)
}

/// What [`seal`] would make of `secret`, with an empty text in place of each ciphertext: to check whether a sealed file
/// still has the shape of its Secret. Needs no key.
///
/// # Errors
/// Those of [`seal`], except [`SealError::Item`].
pub fn outline(secret: &ClearSecret, parameters: &SealParameters) -> Result<SealedSecret, SealError> {
    let (mut sealed, _) = bound(secret, parameters)?;
    let items = secret.items.keys().map(|item| (item.clone(), String::new()));
    sealed.spec.encrypted_data = items.collect();
    Ok(sealed)
}

/// The SealedSecret without its items, and their binding.
fn bound(secret: &ClearSecret, parameters: &SealParameters) -> Result<(SealedSecret, Binding), SealError> {
    if secret.items.is_empty() && !parameters.allow_empty {
        return Err(SealError::Empty);
    }
    let size: usize = secret.items.values().map(|value| value.expose().len()).sum();
    if size > size::LARGEST_SECRET {
        return Err(SealError::TooLarge(size));
    }
    let mut metadata = template_metadata(&secret.metadata);
    if let Some(name) = parameters.name.as_deref().filter(|name| !name.is_empty()) {
        metadata.name = Some(name.to_owned());
    }
    if parameters.scope != Scope::Strict {
        set_scope(&mut metadata, parameters.scope);
    }
    let scope = Scope::from_annotations(metadata.annotations.as_ref());
    if metadata.name.as_deref().unwrap_or_default().is_empty() {
        return Err(SealError::NameMissing);
    }
    if scope != Scope::ClusterWide {
        metadata.namespace = Some(namespace(metadata.namespace.as_deref(), parameters)?);
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let binding = Binding::new(scope, &text(&metadata.namespace), &text(&metadata.name))?;
    let mut annotations = parameters.annotations.clone();
    annotations.extend(scope.annotation().map(|name| (name.to_owned(), "true".to_owned())));
    let outer = ObjectMeta {
        name: metadata.name.clone(),
        namespace: metadata.namespace.clone(),
        labels: Some(parameters.labels.clone()).filter(|labels| !labels.is_empty()),
        annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    };
    let template = SecretTemplate {
        metadata: Some(metadata),
        type_: secret.type_.clone(),
        immutable: secret.immutable,
        data: None,
    };
    let sealed = SealedSecret {
        metadata: outer,
        spec: SealedSecretSpec {
            template: Some(template),
            data: None,
            encrypted_data: BTreeMap::new(),
        },
        status: None,
    };
    Ok((sealed, binding))
}

/// The metadata of the template: name, namespace, labels and annotations of the Secret. Fields that the API server owns
/// are dropped, and so are copies of the plaintext.
pub(crate) fn template_metadata(clear: &ObjectMeta) -> ObjectMeta {
    let mut annotations = clear.annotations.clone().unwrap_or_default();
    annotations.retain(|name, _| !names::is_last_applied(name));
    ObjectMeta {
        name: clear.name.clone().filter(|name| !name.is_empty()),
        namespace: clear.namespace.clone().filter(|namespace| !namespace.is_empty()),
        labels: clear.labels.clone().filter(|labels| !labels.is_empty()),
        annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    }
}

fn set_scope(metadata: &mut ObjectMeta, scope: Scope) {
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.remove(names::ANNOTATION_NAMESPACE_WIDE);
    annotations.remove(names::ANNOTATION_CLUSTER_WIDE);
    if let Some(name) = scope.annotation() {
        annotations.insert(name.to_owned(), "true".to_owned());
    }
}

fn namespace(found: Option<&str>, parameters: &SealParameters) -> Result<String, SealError> {
    let asked = parameters
        .namespace
        .as_deref()
        .filter(|namespace| !namespace.is_empty());
    match (found, asked) {
        (Some(found), Some(asked)) if found != asked => Err(SealError::NamespaceMismatch {
            found: found.to_owned(),
            asked: asked.to_owned(),
        }),
        (Some(found), _) => Ok(found.to_owned()),
        (None, Some(asked)) => Ok(asked.to_owned()),
        (None, None) => parameters
            .default_namespace
            .clone()
            .filter(|namespace| !namespace.is_empty())
            .ok_or(SealError::NamespaceMissing),
    }
}
