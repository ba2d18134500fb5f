//! Host names in the one spelling that is compared, and addresses that no name may lead to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A host as it is compared: a lower-case ASCII name without a trailing dot, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name")]
pub struct HostError(pub String);

impl FromStr for Host {
    type Err = HostError;

    /// Takes `example.org`, `192.0.2.1` and `[2001:db8::1]`; upper case is folded. Everything else that a resolver
    /// might understand in its own way is refused: trailing dots, user parts, escapes, other alphabets (their ASCII
    /// form `xn--` is taken), and addresses as bare numbers.
    fn from_str(text: &str) -> Result<Self, HostError> {
        let refused = || HostError(text.to_owned());
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self::Address(IpAddr::V6(address))).ok_or_else(refused);
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        let name = text.to_ascii_lowercase();
        let labels: Vec<&str> = name.split('.').collect();
        // A last label of digits (or 0x…) is an address in some spelling: 127.1, 2130706433, 0x7f.1.
        let numeric = labels.last().is_some_and(|last| {
            last.bytes().all(|b| b.is_ascii_digit()) || last.strip_prefix("0x").is_some_and(is_hex)
        });
        if name.len() > 253 || numeric || !labels.iter().all(|label| is_label(label)) {
            return Err(refused());
        }
        Ok(Self::Name(name))
    }
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// `host:port`, as CONNECT and a URL's authority have it; without a port, `default`.
pub(super) fn authority(text: &str, default: Option<u16>) -> Result<(Host, u16), HostError> {
    let refused = || HostError(text.to_owned());
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = match port {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
        Some(_) => None,
        None => default,
    };
    Ok((host.parse()?, port.filter(|port| *port != 0).ok_or_else(refused)?))
}

/// Whether an address belongs to this machine, this network, or nobody: where services trust whoever can reach them,
/// and where clouds keep their metadata.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => {
            let words = v6.segments();
            let embedded = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
            match words {
                // Mapped and compatible addresses, and the NAT64 prefix, are an IPv4 address in other clothes.
                [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                    is_private_v4(embedded(high, low)) || v6.is_loopback()
                }
                // NAT64 of a local prefix.
                [0x64, 0xff9b, 1, ..] => true,
                // 6to4 carries it in front.
                [0x2002, high, low, ..] => is_private_v4(embedded(high, low)),
                [first, ..] => (first & 0xfe00) == 0xfc00 || (first & 0xff80) == 0xfe80 || v6.is_multicast(),
            }
        }
    }
}

/// Whether a cloud may hand out credentials there to whoever asks. Nobody means to open that to a command, whatever was
/// named: the link-local range of AWS, Google, Azure and their like, AWS's own IPv6 address, and Alibaba's and Oracle's.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    let v4 = match address {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(v6) => match v6.segments() {
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfe80..=0xfebf, ..] => return true,
            [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
            | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
            | [0x2002, high, low, ..] => Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)),
            _ => return false,
        },
    };
    v4.is_link_local() || matches!(v4.octets(), [100, 100, 100, 200] | [192, 0, 0, 192])
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    let [a, b, ..] = v4.octets();
    v4.is_loopback()
        || v4.is_private()
        || v4.is_link_local()
        || v4.is_multicast()
        || v4.is_broadcast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && v4.octets()[2] == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_spelling_of_a_host_is_taken() {
        assert_eq!("Crates.IO".parse(), Ok(Host::Name("crates.io".to_owned())));
        assert_eq!("xn--bcher-kva.example".parse(), Ok(Host::Name("xn--bcher-kva.example".to_owned())));
        for trick in [
            "crates.io.",
            "crates.io\0.evil.org",
            "crates.io%00.evil.org",
            "user@crates.io",
            "crates.io#evil.org",
            "crates.io/evil",
            "bücher.example",
            "crаtes.io", // a Cyrillic letter
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "127.0.0.1.",
            "[::1",
            "::1",
            "",
            ".",
            "a..b",
            "-a.b",
            "a b.c",
        ] {
            assert!(trick.parse::<Host>().is_err(), "{trick:?} must be refused");
        }
    }

    #[test]
    fn a_port_is_a_number_or_absent() {
        assert_eq!(authority("a.b:8443", None), Ok(("a.b".parse().unwrap(), 8443)));
        assert_eq!(authority("[2001:db8::1]", Some(443)), Ok(("[2001:db8::1]".parse().unwrap(), 443)));
        for bad in ["a.b", "a.b:", "a.b:0", "a.b:65536", "a.b:+1", "a.b:1:2", "a.b:443 "] {
            assert!(authority(bad, None).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn metadata_is_known_in_every_spelling() {
        for metadata in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "fd00:ec2::254",
            "fe80::1",
            "100.100.100.200",
        ] {
            assert!(is_metadata(metadata.parse().unwrap()) && is_private(metadata.parse().unwrap()), "{metadata}");
        }
        for other in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "203.0.113.80"] {
            assert!(!is_metadata(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn this_machine_and_this_network_are_private_in_every_spelling() {
        for private in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(is_private(private.parse().unwrap()), "{private} must be private");
        }
        for public in ["1.1.1.1", "203.0.113.80", "151.101.1.6", "2606:4700::1111", "64:ff9b::1.1.1.1", "100.128.0.1"] {
            assert!(!is_private(public.parse().unwrap()), "{public} must be public");
        }
    }
}
