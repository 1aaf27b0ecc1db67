//! The kubelet's part for a Pod template: volumes, mounts and environment, from the objects in the cluster.
//!
//! No kubelet can run here, so this does that part of its work, by its rules: a volume's folder changes as a whole when its
//! source does; a file that is mounted with `subPath` does not; nothing but what the template says is in the environment.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::cluster::Cluster;
use harness::output::{Captured, run};
use harness::process::Process;
use serde_json::Value;

const NAMESPACE: &str = "default";

/// The folder with the content of the image, inside the container.
pub(crate) const IMAGE: &str = "/mnt/image";

/// Makes the container's view of the file system in a mount namespace of its own: `/etc` as it is but writable, with the
/// mounts (`SOURCE TARGET` … `--`) in it; an empty `/tmp`. Then becomes the program.
const AS_CONTAINER: &str = r#"
set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/etc
mount --rbind /etc /mnt/etc
mount -t tmpfs tmpfs /etc
for entry in /mnt/etc/*; do
  if [ -L "$entry" ]; then cp -P "$entry" /etc/; else ln -s "$entry" /etc/; fi
done
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; : >"$2"; fi
  mount --bind "$1" "$2"
  shift 2
done
shift
mount -t tmpfs tmpfs /tmp
cd /
exec "$@"
"#;

/// What an image brings: files outside → name below [`IMAGE`]; programs are in its `bin`.
pub(crate) type Image = Vec<(PathBuf, &'static str)>;

/// A Pod of a Deployment that is in the cluster, with one container.
pub(crate) struct Pod<'a> {
    cluster: &'a Cluster,
    name: String,
    spec: Value,
    /// Its volumes, a folder each.
    folder: PathBuf,
}

impl<'a> Pod<'a> {
    /// A new Pod, with volumes of what the cluster holds now.
    pub(crate) fn of_deployment(cluster: &'a Cluster, deployment: &str, name: &str) -> Result<Pod<'a>> {
        let object = cluster.get_json(&["deployment", deployment, "-n", NAMESPACE])?;
        let spec = object["spec"]["template"]["spec"].clone();
        ensure!(spec["containers"].as_array().is_some_and(|all| all.len() == 1));
        let folder = cluster.state().join("pods").join(name);
        let pod = Pod {
            cluster,
            name: name.to_owned(),
            spec,
            folder,
        };
        pod.refresh_volumes()?;
        Ok(pod)
    }

    /// Brings the volumes to what the cluster holds now, as the kubelet does about once a minute.
    pub(crate) fn refresh_volumes(&self) -> Result<()> {
        for volume in list(&self.spec["volumes"]) {
            let name = text(&volume["name"])?;
            let files = self.files(volume).with_context(|| format!("volume {name}"))?;
            write_at_once(&self.folder.join(name), &files)?;
        }
        Ok(())
    }

    /// Starts the container's own command beside the test; its log has the Pod's name.
    pub(crate) fn start(&self, image: &Image) -> Result<Process> {
        let container = &self.spec["containers"][0];
        let command: Vec<&str> = list(&container["command"])
            .iter()
            .chain(list(&container["args"]))
            .filter_map(Value::as_str)
            .collect();
        ensure!(!command.is_empty(), "{} has no command of its own", self.name);
        self.cluster
            .launch(&self.name, "unshare")
            .args(self.arguments(image, &command)?)
            .spawn()
    }

    /// Runs a command to its end where the container's own would run.
    pub(crate) fn run(&self, image: &Image, command: &[&str]) -> Result<Captured> {
        run(self.cluster.command("unshare").args(self.arguments(image, command)?))
    }

    /// What `unshare` is given: the mounts, the environment, the command.
    fn arguments(&self, image: &Image, command: &[&str]) -> Result<Vec<String>> {
        let path = std::env::var("PATH").context("PATH")?;
        let mut arguments: Vec<String> = ["--mount", "--", "sh", "-c", AS_CONTAINER, "sh"]
            .map(str::to_owned)
            .into();
        for (source, name) in image {
            arguments.extend([source.display().to_string(), format!("{IMAGE}/{name}")]);
        }
        for mount in list(&self.spec["containers"][0]["volumeMounts"]) {
            arguments.extend(self.mount(mount)?);
        }
        arguments.extend(["--", "env", "-i"].map(str::to_owned));
        arguments.push(format!("PATH={IMAGE}/bin:{path}"));
        arguments.extend(
            self.environment()?
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        arguments.extend(command.iter().map(|&word| word.to_owned()));
        Ok(arguments)
    }

    /// Source and target of a mount. A `subPath` is looked up now, once.
    fn mount(&self, mount: &Value) -> Result<[String; 2]> {
        let volume = self.folder.join(text(&mount["name"])?);
        let source = match mount["subPath"].as_str() {
            None => volume,
            Some(file) => fs::canonicalize(volume.join(file)).with_context(|| format!("no subPath {file}"))?,
        };
        let target = text(&mount["mountPath"])?;
        ensure!(target.starts_with("/etc/"), "{target} cannot be mounted here");
        Ok([source.display().to_string(), target.to_owned()])
    }

    /// The container's variables.
    pub(crate) fn environment(&self) -> Result<BTreeMap<String, String>> {
        let container = &self.spec["containers"][0];
        let mut all = BTreeMap::new();
        for source in list(&container["envFrom"]) {
            for (name, value) in self.source(&source["secretRef"], &source["configMapRef"])? {
                all.insert(name, String::from_utf8(value)?);
            }
        }
        for variable in list(&container["env"]) {
            let name = text(&variable["name"])?;
            let from = &variable["valueFrom"];
            let value = match (variable["value"].as_str(), from["fieldRef"]["fieldPath"].as_str()) {
                (Some(value), _) => value.to_owned(),
                (_, Some("status.podIP")) => self.cluster.address().to_string(),
                (_, Some(field)) => bail!("{name}: no {field} here"),
                (None, None) => self.referred(&from["secretKeyRef"], &from["configMapKeyRef"])?,
            };
            all.insert(name.to_owned(), value);
        }
        Ok(all)
    }

    fn referred(&self, secret: &Value, config_map: &Value) -> Result<String> {
        let key = secret["key"].as_str().or(config_map["key"].as_str()).context("a key")?;
        let mut items = self.source(secret, config_map)?;
        Ok(String::from_utf8(
            items.remove(key).with_context(|| format!("no item {key}"))?,
        )?)
    }

    /// The files of a volume.
    fn files(&self, volume: &Value) -> Result<BTreeMap<String, Vec<u8>>> {
        let (secret, config_map) = (&volume["secret"], &volume["configMap"]);
        let mut items = self.source(secret, config_map)?;
        let chosen = list(&secret["items"]).iter().chain(list(&config_map["items"]));
        let chosen = chosen
            .map(|item| {
                let key = text(&item["key"])?;
                let value = items.remove(key).with_context(|| format!("no item {key}"))?;
                Ok((text(&item["path"])?.to_owned(), value))
            })
            .collect::<Result<BTreeMap<_, _>>>()?;
        Ok(if chosen.is_empty() { items } else { chosen })
    }

    /// The items of the Secret or of the ConfigMap, whichever is named (volumes say `secretName`, the rest `name`).
    fn source(&self, secret: &Value, config_map: &Value) -> Result<BTreeMap<String, Vec<u8>>> {
        let (kind, name) = match (
            secret["secretName"].as_str().or(secret["name"].as_str()),
            config_map["name"].as_str(),
        ) {
            (Some(name), None) => ("secret", name),
            (None, Some(name)) => ("configmap", name),
            _ => bail!("neither a Secret nor a ConfigMap: {secret} {config_map}"),
        };
        let object = self.cluster.get_json(&[kind, name, "-n", NAMESPACE])?;
        let items = object["data"]
            .as_object()
            .with_context(|| format!("{name} has no items"))?;
        items
            .iter()
            .map(|(item, value)| {
                let value = text(value)?;
                let bytes = if kind == "secret" {
                    STANDARD.decode(value)?
                } else {
                    value.as_bytes().to_vec()
                };
                Ok((item.clone(), bytes))
            })
            .collect()
    }
}

/// Replaces a volume's files all at once, as the kubelet does: each name is a link through `..data`, which is renamed.
fn write_at_once(volume: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    fs::create_dir_all(volume)?;
    let current = fs::read_link(volume.join("..data")).ok();
    let next = if current.as_deref() == Some(Path::new("..1")) {
        "..2"
    } else {
        "..1"
    };
    fs::create_dir(volume.join(next))?;
    for (name, content) in files {
        fs::write(volume.join(next).join(name), content)?;
        let link = volume.join(name);
        if !link.is_symlink() {
            symlink(Path::new("..data").join(name), link)?;
        }
    }
    symlink(next, volume.join("..data_tmp"))?;
    fs::rename(volume.join("..data_tmp"), volume.join("..data"))?;
    if let Some(current) = current {
        fs::remove_dir_all(volume.join(current))?;
    }
    for entry in fs::read_dir(volume)? {
        let link = entry?.path();
        // Files without a source.
        if !link.exists() {
            fs::remove_file(link)?;
        }
    }
    Ok(())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("a text, not {value}"))
}
