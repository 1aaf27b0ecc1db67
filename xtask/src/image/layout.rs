//! An OCI image layout (image-spec 1.1): a folder that skopeo, oras, crane and containerd read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::implementation::IMAGE_ENVIRONMENT;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Under which the image is in the layout, and what it is called where a layout is imported.
const NAME: &str = concat!("localhost/sealed-secrets-controller:", env!("CARGO_PKG_VERSION"));

/// The user of `deploy/base`, and of the reference's image.
const USER: &str = "1001";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Not compressed: the tool that pushes it compresses it, so the digest does not depend on a version of a compressor.
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The list of the crates of a program.
const SBOM: &str = "application/vnd.cyclonedx+json";

/// A layout that is being written.
pub(crate) struct Layout {
    folder: PathBuf,
    /// Seconds since 1970.
    created: Timestamp,
    images: Vec<Value>,
    referrers: Vec<Value>,
}

impl Layout {
    /// In place of what is at `folder`. `created`: seconds since 1970.
    pub(crate) fn replace(folder: &Path, created: i64) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot replace {}", folder.display()))?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            created: Timestamp::from_second(created)?,
            images: Vec::new(),
            referrers: Vec::new(),
        })
    }

    /// Adds an image of one layer; gives the descriptor of its manifest.
    pub(super) fn image(&mut self, layer: &[u8], architecture: &str) -> Result<Value> {
        let created = self.created.to_string();
        let layer = self.put(LAYER, layer)?;
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
            "rootfs": {"type": "layers", "diff_ids": [layer.get("digest")]},
            "history": [{"created": created, "created_by": "cargo xtask image"}],
        });
        let config = self.put_json(CONFIG, &config)?;
        let annotations = labels(&created);
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], "annotations": annotations});
        let manifest = self.put_json(MANIFEST, &manifest)?;
        let manifest = with(
            manifest,
            "platform",
            json!({"architecture": architecture, "os": "linux"}),
        );
        self.images.push(manifest.clone());
        Ok(manifest)
    }

    /// Adds the list of what is in an image as its referrer (image-spec 1.1, "subject").
    pub(super) fn refer(&mut self, image: &Value, list: &[u8]) -> Result<()> {
        let empty = self.put("application/vnd.oci.empty.v1+json", b"{}")?;
        let list = self.put(SBOM, list)?;
        let subject = json!({"mediaType": MANIFEST, "digest": image.get("digest"), "size": image.get("size")});
        let referrer = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": SBOM, "config": empty, "layers": [list], "subject": subject,
        });
        let referrer = self.put_json(MANIFEST, &referrer)?;
        self.referrers.push(with(referrer, "artifactType", SBOM.into()));
        Ok(())
    }

    /// Ends it; gives the digest of the image, or of the index of the images of several architectures.
    pub(super) fn finish(mut self) -> Result<String> {
        let named = match &mut *self.images {
            [image] => image.take(),
            images => {
                let manifests = images.to_vec();
                self.put_json(
                    INDEX,
                    &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}),
                )?
            }
        };
        let digest = named
            .get("digest")
            .and_then(Value::as_str)
            .context("a digest")?
            .to_owned();
        let names =
            json!({"org.opencontainers.image.ref.name": env!("CARGO_PKG_VERSION"), "io.containerd.image.name": NAME});
        let named = with(named, "annotations", names);
        let manifests = [&[named], &*self.referrers].concat();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        fs::write(self.folder.join("index.json"), index.to_string())?;
        let version = json!({"imageLayoutVersion": "1.0.0"});
        fs::write(self.folder.join("oci-layout"), version.to_string())?;
        Ok(digest)
    }

    fn put_json(&self, media_type: &str, value: &Value) -> Result<Value> {
        self.put(media_type, value.to_string().as_bytes())
    }

    /// Stores a blob; gives what the layout says of it.
    fn put(&self, media_type: &str, bytes: &[u8]) -> Result<Value> {
        let hex = format!("{:x}", Sha256::digest(bytes));
        let blobs = self.folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).with_context(|| format!("cannot create {}", blobs.display()))?;
        fs::write(blobs.join(&hex), bytes).with_context(|| format!("cannot write into {}", blobs.display()))?;
        Ok(json!({"mediaType": media_type, "digest": format!("sha256:{hex}"), "size": bytes.len()}))
    }
}

/// An object with a field more.
fn with(mut object: Value, field: &str, value: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
    object
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a Dockerfile's image says of itself, as far as this Dockerfile does.
    fn config_of(dockerfile: &str) -> Value {
        let image = dockerfile.split("FROM scratch\n").nth(1).unwrap();
        let all = |instruction: &str| {
            let line = image.lines().find_map(|line| line.strip_prefix(instruction)).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        let ports: serde_json::Map<_, _> = all("EXPOSE ").into_iter().map(|port| (port, json!({}))).collect();
        let entrypoint: Value = serde_json::from_str(&all("ENTRYPOINT ").concat()).unwrap();
        json!({
            "User": all("USER ")[0], "Env": all("ENV "), "Entrypoint": entrypoint, "ExposedPorts": ports,
            "WorkingDir": all("WORKDIR ")[0],
        })
    }

    #[test]
    fn the_dockerfile_makes_the_same_image() {
        let folder = tempfile::tempdir().unwrap();
        let mut layout = Layout::replace(&folder.path().join("layout"), 0).unwrap();
        let manifest = layout.image(b"layer", "amd64").unwrap();
        let read = |descriptor: &Value| -> Value {
            let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
            serde_json::from_slice(&fs::read(layout.folder.join("blobs").join(digest)).unwrap()).unwrap()
        };
        let mut config = read(&read(&manifest)["config"])["config"].take();
        config.as_object_mut().unwrap().remove("Labels");
        let dockerfile = fs::read_to_string(harness::implementation::repository().join("Dockerfile")).unwrap();
        assert_eq!(config_of(&dockerfile), config);
        let rust = concat!("FROM rust:", env!("CARGO_PKG_RUST_VERSION"), "-");
        assert!(dockerfile.contains(rust), "the version of Rust is not {rust}");
    }

    #[test]
    fn every_descriptor_is_that_of_a_blob_and_the_same_image_has_the_same_digest() {
        let folder = tempfile::tempdir().unwrap();
        let layout = folder.path().join("layout");
        let write = |architectures: &[&str]| {
            let mut layout = Layout::replace(&layout, 1_700_000_000).unwrap();
            for architecture in architectures {
                let image = layout.image(b"layer", architecture).unwrap();
                layout.refer(&image, b"list").unwrap();
            }
            layout.finish().unwrap()
        };
        let digest = write(&["amd64"]);
        assert_eq!(write(&["amd64"]), digest);
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
        // Layer, configuration and manifest; the list, its empty configuration and its manifest.
        assert_eq!(fs::read_dir(layout.join("blobs/sha256")).unwrap().count(), 6);
        let referrer: Value = serde_json::from_slice(&blob(&index["manifests"][1])).unwrap();
        assert_eq!(referrer["subject"]["digest"], digest);
        assert_eq!(blob(&referrer["layers"][0]), b"list");

        let both = write(&["amd64", "arm64"]);
        let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["manifests"][0]["digest"], both);
        let images: Value = serde_json::from_slice(&blob(&index["manifests"][0])).unwrap();
        let platforms: Vec<_> = (0..2)
            .map(|at| &images["manifests"][at]["platform"]["architecture"])
            .collect();
        assert_eq!(platforms, ["amd64", "arm64"]);
        assert_eq!(images["manifests"][0]["digest"], digest, "the same image as by itself");
    }
}
