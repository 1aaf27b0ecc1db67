//! Which proxy a request goes through: the rules of Go's `net/http` (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`). Pure.

use std::net::IpAddr;

use crate::environment::Environment;

/// The URL of the proxy for a request to `host` (a name, or an address without brackets) at `port`, if there is one:
/// `http` where the variable says no scheme; `socks5` for `socks5h` too, as Go has the proxy look up names for both. The
/// machine itself is never asked for through a proxy.
pub(crate) fn for_host(environment: &Environment, https: bool, host: &str, port: u16) -> Option<String> {
    let either = |upper, lower| environment.text(upper).or_else(|| environment.text(lower));
    let proxy = if https {
        either("HTTPS_PROXY", "https_proxy")
    } else {
        either("HTTP_PROXY", "http_proxy")
    }?;
    let host = host.trim_end_matches('.').to_lowercase();
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return None;
    }
    let exceptions = either("NO_PROXY", "no_proxy").unwrap_or_default();
    let excepted = exceptions
        .split(',')
        .map(str::trim)
        .any(|entry| matches(entry, &host, address, port));
    (!excepted).then(|| url(proxy))
}

fn url(said: &str) -> String {
    match said.split_once("://") {
        None => format!("http://{said}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("socks5h") => format!("socks5://{rest}"),
        Some(_) => said.to_owned(),
    }
}

/// One entry of `NO_PROXY`: `*`, an address, a network (`10.0.0.0/8`), a domain with its subdomains (`example.org`) or
/// the subdomains alone (`.example.org`, `*.example.org`); all but networks with an optional port.
fn matches(entry: &str, host: &str, address: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        return match (address, network.parse(), bits.parse()) {
            (Some(address), Ok(network), Ok(bits)) => in_network(address, network, bits),
            _ => false,
        };
    }
    let entry = entry.to_lowercase();
    if let Ok(exception) = entry.parse::<IpAddr>() {
        return address == Some(exception);
    }
    let domain = match entry.rsplit_once(':') {
        Some((_, of_port)) if of_port != port.to_string() => return false,
        Some((domain, _)) => domain,
        None => entry.as_str(),
    };
    let domain = domain.trim_start_matches('[').trim_end_matches(']');
    let domain = domain
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(domain);
    match domain.strip_prefix('.') {
        _ if domain.is_empty() => false,
        Some(_) => host.ends_with(domain),
        None => host == domain || host.strip_suffix(domain).is_some_and(|before| before.ends_with('.')),
    }
}

fn in_network(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let same = |a: u128, b: u128, width: u32| {
        bits <= width && (bits == 0 || (a ^ b).checked_shr(width - bits).is_none_or(|differing| differing == 0))
    };
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_read_as_go_reads_it() {
        let cases = [
            ("", "example.org", 443, true),
            ("*", "example.org", 443, false),
            ("example.org", "example.org", 443, false),
            ("example.org", "EXAMPLE.org.", 443, false),
            ("example.org", "a.example.org", 443, false),
            ("example.org", "badexample.org", 443, true),
            (".example.org", "example.org", 443, true),
            (".example.org", "a.example.org", 443, false),
            ("*.example.org", "a.example.org", 443, false),
            ("foo, example.org:443", "example.org", 443, false),
            ("example.org:8443", "example.org", 443, true),
            ("10.0.0.0/8", "10.96.0.1", 443, false),
            ("10.0.0.0/8", "11.96.0.1", 443, true),
            ("0.0.0.0/0", "11.96.0.1", 443, false),
            ("10.0.0.0/99", "10.96.0.1", 443, true),
            ("fd00::/8", "fd12::1", 443, false),
            ("10.0.0.1", "10.0.0.1", 443, false),
            ("10.0.0.1", "10.0.0.11", 443, true),
            ("", "localhost", 443, false),
            ("", "127.0.0.1", 443, false),
            ("", "::1", 443, false),
        ];
        for (no_proxy, host, port, through) in cases {
            let environment = Environment::from([("https_proxy", "http://proxy"), ("NO_PROXY", no_proxy)]);
            let expected = through.then_some("http://proxy");
            assert_eq!(
                for_host(&environment, true, host, port).as_deref(),
                expected,
                "{no_proxy:?} {host}:{port}"
            );
        }
    }

    #[test]
    fn each_scheme_has_its_own_proxy() {
        let environment = Environment::from([("HTTP_PROXY", "http://a"), ("HTTPS_PROXY", "http://b")]);
        let of = |https| for_host(&environment, https, "example.org", 443).unwrap();
        assert_eq!((of(false), of(true)), ("http://a".to_owned(), "http://b".to_owned()));
    }

    #[test]
    fn an_address_without_a_scheme_is_that_of_an_http_proxy() {
        let cases = [
            ("proxy:3128", "http://proxy:3128"),
            ("u:p@proxy:3128", "http://u:p@proxy:3128"),
            ("https://proxy", "https://proxy"),
            ("socks5://proxy:1080", "socks5://proxy:1080"),
            ("socks5h://proxy:1080", "socks5://proxy:1080"),
        ];
        for (said, expected) in cases {
            let environment = Environment::from([("HTTPS_PROXY", said)]);
            let url = for_host(&environment, true, "example.org", 443);
            assert_eq!(url.as_deref(), Some(expected), "{said}");
        }
    }
}
