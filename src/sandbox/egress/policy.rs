//! Which hosts may be reached. The list only grows, one named host at a time; what is refused is remembered.

use super::host::{Host, HostError, authority};
use crate::sandbox::spec::Network;

/// No more refused hosts are remembered: a command can ask for any number.
const REMEMBERED: usize = 64;

/// Ports that a bare host name opens.
const WEB_PORTS: [u16; 2] = [443, 80];

/// The registries that cargo, npm and pip use without any configuration.
const REGISTRIES: &[&str] =
    &["crates.io", "index.crates.io", "static.crates.io", "registry.npmjs.org", "pypi.org", "files.pythonhosted.org"];

/// One host that may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Rule {
    host: Host,
    /// `None`: the web's ports.
    port: Option<u16>,
    /// Whether its name may lead into this network: only where the user's own configuration names the host.
    private: bool,
}

impl Rule {
    /// `host` or `host:port`, as a person or a flag names it. An address is exactly that address, so it may be private.
    pub(in crate::sandbox) fn named(text: &str) -> Result<Self, HostError> {
        let (host, port) = authority(text, Some(WEB_PORTS[0]))?;
        let bare = host.to_string().eq_ignore_ascii_case(text);
        let private = matches!(host, Host::Address(_));
        Ok(Self { host, port: (!bare).then_some(port), private })
    }

    /// A mirror that the user's own configuration names.
    pub(in crate::sandbox) fn mirror(host: &str, port: Option<u16>) -> Result<Self, HostError> {
        Ok(Self { host: host.parse()?, port, private: true })
    }

    fn holds(&self, host: &Host, port: u16) -> bool {
        self.host == *host && self.port.map_or_else(|| WEB_PORTS.contains(&port), |own| own == port)
    }
}

/// What the proxy does with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed {
        private: bool,
        /// Whether the connection is for this very host, which its TLS greeting must then name too.
        exact: bool,
    },
    Refused,
}

#[derive(Debug, Default)]
pub(in crate::sandbox) struct Policy {
    rules: Vec<Rule>,
    any: bool,
    refused: Vec<String>,
}

impl Policy {
    /// # Errors
    /// When a named host is not one.
    pub(in crate::sandbox) fn new(network: &Network, mirrors: &[Rule]) -> Result<Self, HostError> {
        let mut policy = Self::default();
        match network {
            Network::None => {}
            Network::Any => policy.any = true,
            Network::Hosts(hosts) => {
                policy.rules = hosts.iter().map(|host| Rule::named(host)).collect::<Result<_, _>>()?;
            }
            Network::Registries => {
                policy.rules = REGISTRIES.iter().map(|host| Rule::named(host)).collect::<Result<_, _>>()?;
                policy.rules.extend_from_slice(mirrors);
            }
        }
        Ok(policy)
    }

    pub(in crate::sandbox) fn allow(&mut self, rule: Rule) {
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
        }
    }

    /// The refused hosts in the order they were first asked for.
    pub(in crate::sandbox) fn refused(&self) -> &[String] {
        &self.refused
    }

    /// Forgets what was refused: the next command's list is its own.
    pub(in crate::sandbox) fn forget(&mut self) -> Vec<String> {
        std::mem::take(&mut self.refused)
    }

    pub(super) fn judge(&mut self, host: &Host, port: u16) -> Verdict {
        if let Some(rule) = self.rules.iter().find(|rule| rule.holds(host, port)) {
            return Verdict::Allowed { private: rule.private, exact: true };
        }
        if self.any {
            return Verdict::Allowed { private: false, exact: false };
        }
        let name = if WEB_PORTS.contains(&port) { host.to_string() } else { format!("{host}:{port}") };
        self.refuse(name);
        Verdict::Refused
    }

    fn refuse(&mut self, name: String) {
        if self.refused.len() < REMEMBERED && !self.refused.contains(&name) {
            self.refused.push(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(policy: &mut Policy, host: &str, port: u16) -> bool {
        policy.judge(&host.parse().unwrap(), port) != Verdict::Refused
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        for network in [Network::None, Network::Hosts(Vec::new())] {
            let mut policy = Policy::new(&network, &[]).unwrap();
            assert!(!allows(&mut policy, "crates.io", 443));
            assert_eq!(policy.refused(), ["crates.io"]);
        }
    }

    #[test]
    fn hosts_are_compared_whole() {
        let mut policy = Policy::new(&Network::Hosts(vec!["Docs.Python.org".to_owned()]), &[]).unwrap();
        assert!(allows(&mut policy, "docs.python.org", 443) && allows(&mut policy, "DOCS.python.org", 80));
        for other in ["docs.python.org.evil", "evil-docs.python.org", "python.org", "a.docs.python.org"] {
            assert!(!allows(&mut policy, other, 443), "{other}");
        }
        assert!(!allows(&mut policy, "docs.python.org", 22));
        assert!(policy.refused().contains(&"docs.python.org:22".to_owned()));
    }

    #[test]
    fn a_named_port_is_that_port_alone() {
        let mut policy = Policy::new(&Network::Hosts(vec!["a.example:8443".to_owned()]), &[]).unwrap();
        assert!(allows(&mut policy, "a.example", 8443) && !allows(&mut policy, "a.example", 443));
    }

    #[test]
    fn an_address_must_be_listed_as_one() {
        let mut policy = Policy::new(&Network::Registries, &[]).unwrap();
        assert!(!allows(&mut policy, "127.0.0.1", 443));
        policy.allow(Rule::named("192.168.1.5:3000").unwrap());
        assert_eq!(
            policy.judge(&"192.168.1.5".parse().unwrap(), 3000),
            Verdict::Allowed { private: true, exact: true }
        );
    }

    #[test]
    fn what_is_not_a_host_name_is_not_silently_dropped() {
        assert!(Policy::new(&Network::Hosts(vec!["*.example.org".to_owned()]), &[]).is_err());
        assert!(Policy::new(&Network::Hosts(vec!["https://a.example".to_owned()]), &[]).is_err());
    }

    #[test]
    fn no_more_than_a_bounded_number_of_refusals_is_kept() {
        let mut policy = Policy::default();
        for n in 0..1000 {
            policy.judge(&format!("h{n}.example").parse().unwrap(), 443);
        }
        assert_eq!(policy.forget().len(), REMEMBERED);
    }
}
