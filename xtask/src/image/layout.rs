//! An OCI image layout (image-spec 1.1): a folder that skopeo, oras, crane and containerd read.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use harness::implementation::IMAGE_ENVIRONMENT;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Under which the image is in the layout, and what it is called where a layout is imported.
const NAME: &str = concat!("localhost/sealed-secrets-controller:", env!("CARGO_PKG_VERSION"));

/// The user of `deploy/base`, and of the reference's image.
const USER: &str = "1001";

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Not compressed: whoever pushes it compresses it, and no version of a compressor decides what the digest is.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Writes the layout of an image of one layer in place of what is at `folder`; gives the digest of its manifest.
/// `created`: seconds since 1970.
pub(super) fn write(folder: &Path, layer: &[u8], architecture: &str, created: i64) -> Result<String> {
    let created = Timestamp::from_second(created)?.to_string();
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    let layer = put(folder, LAYER, layer)?;
    let environment = IMAGE_ENVIRONMENT.map(|(variable, value)| format!("{variable}={value}"));
    let environment = [&["PATH=/usr/local/bin".to_owned()], &environment[..]].concat();
    let config = json!({
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": USER,
            "Env": environment,
            "Entrypoint": ["controller"],
            "ExposedPorts": {"8080/tcp": {}, "8081/tcp": {}},
            "WorkingDir": "/",
            "Labels": labels(&created),
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        "history": [{"created": created, "created_by": "cargo xtask image"}],
    });
    let config = put(folder, CONFIG, config.to_string().as_bytes())?;
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": config.json(), "layers": [layer.json()], "annotations": labels(&created),
    });
    let manifest = put(folder, MANIFEST, manifest.to_string().as_bytes())?;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": manifest.size,
            "platform": {"architecture": architecture, "os": "linux"},
            "annotations": {
                "org.opencontainers.image.ref.name": env!("CARGO_PKG_VERSION"),
                "io.containerd.image.name": NAME,
            },
        }],
    });
    fs::write(folder.join("index.json"), index.to_string())?;
    fs::write(
        folder.join("oci-layout"),
        json!({"imageLayoutVersion": "1.0.0"}).to_string(),
    )?;
    Ok(manifest.digest)
}

fn labels(created: &str) -> Value {
    json!({
        "org.opencontainers.image.title": "sealed-secrets-controller",
        "org.opencontainers.image.description": "Sealed Secrets controller in Rust, a drop-in for the reference",
        "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.created": created,
    })
}

/// What the layout says of a blob.
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: usize,
}

impl Descriptor {
    fn json(&self) -> Value {
        json!({"mediaType": self.media_type, "digest": self.digest, "size": self.size})
    }
}

/// Stores a blob.
fn put(folder: &Path, media_type: &'static str, bytes: &[u8]) -> Result<Descriptor> {
    let hex = format!("{:x}", Sha256::digest(bytes));
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("cannot create {}", blobs.display()))?;
    fs::write(blobs.join(&hex), bytes).with_context(|| format!("cannot write into {}", blobs.display()))?;
    Ok(Descriptor {
        media_type,
        digest: format!("sha256:{hex}"),
        size: bytes.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_is_that_of_a_blob_and_the_same_image_has_the_same_digest() {
        let folder = tempfile::tempdir().unwrap();
        let layout = folder.path().join("layout");
        let digest = write(&layout, b"layer", "amd64", 1_700_000_000).unwrap();
        assert_eq!(write(&layout, b"layer", "amd64", 1_700_000_000).unwrap(), digest);
        let blob = |descriptor: &Value| {
            let hex = descriptor["digest"]
                .as_str()
                .unwrap()
                .strip_prefix("sha256:")
                .unwrap()
                .to_owned();
            let bytes = fs::read(layout.join("blobs/sha256").join(&hex)).unwrap();
            let found = format!("{:x}", Sha256::digest(&bytes));
            assert_eq!(
                (found, descriptor["size"].as_u64()),
                (hex, u64::try_from(bytes.len()).ok())
            );
            bytes
        };
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        let descriptor = &index["manifests"][0];
        assert_eq!(descriptor["digest"], digest);
        let manifest: Value = serde_json::from_slice(&blob(descriptor)).unwrap();
        assert_eq!(blob(&manifest["layers"][0]), b"layer");
        let config: Value = serde_json::from_slice(&blob(&manifest["config"])).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][0], manifest["layers"][0]["digest"]);
        assert_eq!(config["created"], "2023-11-14T22:13:20Z");
        assert_eq!(fs::read_dir(layout.join("blobs/sha256")).unwrap().count(), 3);
    }
}
