//! `--raw`: one bare value → base64, without a newline.

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use sealing::binding::{Binding, Scope};
use sealing::random::Random;
use sealing::raw::seal_raw;
use sealing::size;

use crate::cert_source;
use crate::cluster::kubeconfig;
use crate::command::{Namespace, Output, Raw, RawTarget};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::note;
use crate::objects::{Fault, InputName};

/// Seals the value as it is: a newline at its end is part of it.
pub(crate) fn run(
    command: &Raw,
    environment: &Environment,
    now: Timestamp,
    random: &mut dyn Random,
) -> Result<(), Error> {
    let read = || {
        let value = files::read(&command.input, "a secret to encrypt")?;
        if !command.allow_empty {
            crate::commands::check_came(&command.input, &value)?;
        }
        Ok(value)
    };
    let sealing = || {
        let binding = binding(&command.target, environment)?;
        Ok((binding, cert_source::sealing_cert(&command.cert, environment, now)?))
    };
    let (value, (binding, cert)) = crate::commands::read_before(&command.input, read, sealing)?;
    if value.is_empty() && !command.allow_empty {
        return Err(InputName::of(&command.input).fault(Fault::EmptyValue).into());
    }
    if value.len() > size::LARGEST_SECRET {
        return Err(InputName::of(&command.input)
            .fault(Fault::LargeValue(value.len()))
            .into());
    }
    let sealed = seal_raw(&value, &binding, cert.public(), random)?;
    files::write(&command.output, sealed.as_bytes())?;
    match &binding {
        Binding::Strict { namespace, name } => note::bound_to(Scope::Strict, name, namespace),
        Binding::NamespaceWide { namespace } => note::bound_to(Scope::NamespaceWide, "", namespace),
        Binding::ClusterWide => {}
    }
    note::placeholder("the value", &value);
    note::line_break_at_end(&value, command.output == Output::Stdout && io::stdout().is_terminal());
    Ok(())
}

fn binding(target: &RawTarget, environment: &Environment) -> Result<Binding, Error> {
    let look_up = |namespace: &Namespace, scope: Scope| match namespace {
        Namespace::Said(namespace) => Ok(namespace.clone()),
        Namespace::OfContext(cluster) => {
            kubeconfig::namespace(cluster, environment).map_err(|lookup| Error::RawNeedsNamespace {
                scope,
                lookup: Box::new(lookup),
            })
        }
    };
    Ok(match target {
        RawTarget::ClusterWide => Binding::ClusterWide,
        RawTarget::NamespaceWide { namespace } => Binding::NamespaceWide {
            namespace: look_up(namespace, Scope::NamespaceWide)?,
        },
        RawTarget::Strict { name, namespace } => Binding::Strict {
            namespace: look_up(namespace, Scope::Strict)?,
            name: name.clone(),
        },
    })
}
