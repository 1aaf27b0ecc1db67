//! Which cluster, as whom, and in which namespace: the flags over the kubeconfig, else the Pod's service account.
//! The rules are those of kubectl.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster,
    NamedContext,
};

use super::ClusterError;
use crate::environment::Environment;
use crate::files::FileError;
use crate::flags::ClusterFlags;
use crate::proxy;

const DEFAULT_NAMESPACE: &str = "default";

/// What the flags choose from the kubeconfig.
struct Chosen {
    context: Context,
    cluster: Cluster,
    user: AuthInfo,
}

/// The default namespace: that of the context; `default` if it has none; inside a Pod its own.
/// Asks no server.
///
/// # Errors
/// [`ClusterError`] when there is neither a kubeconfig nor a Pod, or the kubeconfig cannot be read.
pub(crate) fn namespace(flags: &ClusterFlags, environment: &Environment) -> Result<String, ClusterError> {
    let chosen = chosen(flags, &load(flags, environment)?)?;
    if let Some(namespace) = chosen.context.namespace.filter(|namespace| !namespace.is_empty()) {
        return Ok(namespace);
    }
    match (in_pod(environment), chosen.cluster.server) {
        (true, _) => Ok(pod_namespace(environment)),
        (false, Some(_)) => Ok(DEFAULT_NAMESPACE.to_owned()),
        (false, None) => Err(ClusterError::NoConfiguration),
    }
}

/// The settings of a client.
///
/// # Errors
/// [`ClusterError`] when there are none, or they cannot be used.
pub(super) async fn config(flags: &ClusterFlags, environment: &Environment) -> Result<Config, ClusterError> {
    let chosen = chosen(flags, &load(flags, environment)?)?;
    let explicit_proxy = chosen.cluster.proxy_url.clone().filter(|url| !url.is_empty());
    let mut config = if chosen.cluster.server.is_some() {
        let options = KubeConfigOptions::default();
        Config::from_custom_kubeconfig(chosen.into_kubeconfig(), &options)
            .await
            .map_err(|error| unusable(&error))?
    } else if in_pod(environment) {
        let mut config = Config::incluster_env().map_err(|error| ClusterError::Configuration(error.to_string()))?;
        override_user(&mut config.auth_info, flags);
        config
    } else {
        return Err(ClusterError::NoConfiguration);
    };
    config.proxy_url = explicit_proxy
        .or_else(|| proxy_of(&config.cluster_url, environment))
        .map(|url| {
            url.parse()
                .map_err(|_| ClusterError::Configuration("the proxy's address is not a URL".to_owned()))
        })
        .transpose()?;
    Ok(config)
}

fn proxy_of(server: &http::Uri, environment: &Environment) -> Option<String> {
    let https = server.scheme_str() != Some("http");
    let port = server.port_u16().unwrap_or(if https { 443 } else { 80 });
    let host = server.host()?.trim_start_matches('[').trim_end_matches(']');
    proxy::for_host(environment, https, host, port)
}

/// `--kubeconfig` alone; else all files of `KUBECONFIG`, of which some may be missing; else the one in the home.
fn load(flags: &ClusterFlags, environment: &Environment) -> Result<Kubeconfig, ClusterError> {
    if let Some(path) = flags.kubeconfig.as_ref().filter(|path| !path.is_empty()) {
        return read(Path::new(path));
    }
    let paths: Vec<PathBuf> = match environment.get("KUBECONFIG") {
        Some(paths) => std::env::split_paths(paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => in_home(environment).into_iter().collect(),
    };
    let mut merged = Kubeconfig::default();
    for path in paths.iter().filter(|path| path.exists()) {
        merged = merged.merge(read(path)?).map_err(|error| unusable(&error))?;
    }
    Ok(merged)
}

/// On Windows in the first of the homes that has one, as for kubectl.
fn in_home(environment: &Environment) -> Option<PathBuf> {
    let below = |home: &OsStr| Path::new(home).join(".kube").join("config");
    let home = environment.get("HOME").map(below);
    if cfg!(not(windows)) {
        return home;
    }
    let drive = environment.get("HOMEDRIVE").zip(environment.get("HOMEPATH"));
    let on_drive = drive.map(|(drive, path)| below(&[drive, path].into_iter().collect::<OsString>()));
    let profile = environment.get("USERPROFILE").map(below);
    [home, on_drive, profile]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
}

fn read(path: &Path) -> Result<Kubeconfig, ClusterError> {
    Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(reason, path) => ClusterError::KubeconfigFile(FileError::Open { path, reason }),
        other => ClusterError::Kubeconfig {
            file: path.display().to_string(),
            fault: safe_text(&other),
        },
    })
}

fn unusable(error: &KubeconfigError) -> ClusterError {
    ClusterError::Configuration(safe_text(error))
}

/// The parser's own text quotes lines of the file, and those hold credentials.
fn safe_text(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::Parse(error) => match error.location() {
            Some(location) => format!("line {}: it is no kubeconfig", location.line()),
            None => "it is no kubeconfig".to_owned(),
        },
        other => other.to_string(),
    }
}

fn chosen(flags: &ClusterFlags, kubeconfig: &Kubeconfig) -> Result<Chosen, ClusterError> {
    let asked = |flag: &Option<String>| flag.clone().filter(|name| !name.is_empty());
    let missing = |what, name: &str| ClusterError::NoSuch {
        what,
        name: name.to_owned(),
    };

    let context = match asked(&flags.context).or_else(|| asked(&kubeconfig.current_context)) {
        None => Context::default(),
        Some(name) => {
            let found = kubeconfig.contexts.iter().find(|context| context.name == name);
            found
                .and_then(|context| context.context.clone())
                .ok_or_else(|| missing("context", &name))?
        }
    };
    let mut cluster = match asked(&flags.cluster).or_else(|| asked(&Some(context.cluster.clone()))) {
        None => Cluster::default(),
        Some(name) => {
            let found = kubeconfig.clusters.iter().find(|cluster| cluster.name == name);
            found
                .and_then(|cluster| cluster.cluster.clone())
                .ok_or_else(|| missing("cluster", &name))?
        }
    };
    let mut user = match asked(&flags.user).or_else(|| asked(&context.user)) {
        None => AuthInfo::default(),
        Some(name) => {
            let found = kubeconfig.auth_infos.iter().find(|user| user.name == name);
            found
                .and_then(|user| user.auth_info.clone())
                .ok_or_else(|| missing("user", &name))?
        }
    };
    override_cluster(&mut cluster, flags);
    override_user(&mut user, flags);
    Ok(Chosen { context, cluster, user })
}

fn override_cluster(cluster: &mut Cluster, flags: &ClusterFlags) {
    if flags.certificate_authority.is_some() || flags.insecure_skip_tls_verify {
        // The one contradicts what the kubeconfig says in place of the other.
        cluster.certificate_authority = flags.certificate_authority.clone();
        cluster.certificate_authority_data = None;
        cluster.insecure_skip_tls_verify = flags.insecure_skip_tls_verify.then_some(true);
    }
    if flags.server.is_some() || flags.tls_server_name.is_some() {
        // A name for the old address says nothing about the new one.
        cluster.tls_server_name = flags.tls_server_name.clone();
    }
    if flags.proxy_url.is_some() {
        cluster.proxy_url = flags.proxy_url.clone();
    }
    if let Some(server) = flags.server.as_ref().filter(|server| !server.is_empty()) {
        cluster.server = Some(server.clone());
    }
    if let Some(server) = cluster.server.as_mut().filter(|server| !server.contains("://")) {
        let secure = cluster.certificate_authority.is_some()
            || cluster.certificate_authority_data.is_some()
            || cluster.insecure_skip_tls_verify == Some(true);
        *server = format!("{}://{server}", if secure { "https" } else { "http" });
    }
}

/// A credential on the command line replaces all of the other kinds, not only its own.
fn override_user(user: &mut AuthInfo, flags: &ClusterFlags) {
    if flags.token.is_some() || flags.username.is_some() || flags.password.is_some() {
        user.token = flags.token.clone().map(Into::into);
        user.username = flags.username.clone();
        user.password = flags.password.clone().map(Into::into);
        user.token_file = None;
        user.exec = None;
        user.auth_provider = None;
    }
    if let Some(certificate) = &flags.client_certificate {
        user.client_certificate = Some(certificate.clone());
        user.client_certificate_data = None;
    }
    if let Some(key) = &flags.client_key {
        user.client_key = Some(key.clone());
        user.client_key_data = None;
    }
    if flags.as_user.is_some() {
        user.impersonate = flags.as_user.clone();
    }
    if flags.as_uid.is_some() {
        user.impersonate_uid = flags.as_uid.clone();
    }
    if !flags.as_group.is_empty() {
        user.impersonate_groups = Some(flags.as_group.clone());
    }
}

impl Chosen {
    /// A kubeconfig that holds nothing else, for the client library to read.
    fn into_kubeconfig(mut self) -> Kubeconfig {
        const ONLY: &str = "chosen";
        self.context.cluster = ONLY.to_owned();
        self.context.user = Some(ONLY.to_owned());
        Kubeconfig {
            clusters: vec![NamedCluster {
                name: ONLY.to_owned(),
                cluster: Some(self.cluster),
                ..NamedCluster::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: ONLY.to_owned(),
                auth_info: Some(self.user),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext {
                name: ONLY.to_owned(),
                context: Some(self.context),
                ..NamedContext::default()
            }],
            current_context: Some(ONLY.to_owned()),
            ..Kubeconfig::default()
        }
    }
}

fn in_pod(environment: &Environment) -> bool {
    environment.get("KUBERNETES_SERVICE_HOST").is_some()
        && environment.get("KUBERNETES_SERVICE_PORT").is_some()
        && environment
            .service_account("token")
            .is_some_and(|token| token.is_file())
}

fn pod_namespace(environment: &Environment) -> String {
    let said = environment.text("POD_NAMESPACE").map(str::to_owned);
    let mounted = || std::fs::read_to_string(environment.service_account("namespace")?).ok();
    said.or_else(mounted)
        .map(|namespace| namespace.trim().to_owned())
        .filter(|namespace| !namespace.is_empty())
        .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
}

#[cfg(test)]
mod tests;
