//! Which addresses may be reached. The check stands where names are resolved, so what was checked is
//! what is connected to: a name that leads elsewhere a moment later changes nothing.

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Which addresses may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All: for addresses that the operator names for this purpose.
    Anywhere,
    /// Public ones only: for addresses that come from elsewhere, redirects included.
    PublicOnly,
}

/// IPv4 networks that are not public: network, prefix length. "This" network, private, shared by
/// carriers, loopback, link-local, of protocols, documentation, benchmarks, multicast, reserved
/// (RFC 6890 and its registry).
const NOT_PUBLIC_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Whether everybody can reach `address`. IPv6 addresses that carry an IPv4 address (mapped, compatible,
/// translated, 6to4) are judged by it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = u32::from(address);
    let lies_in = |(network, length): &(Ipv4Addr, u32)| {
        (bits ^ u32::from(*network)).leading_zeros() >= *length
    };
    !NOT_PUBLIC_V4.iter().any(lies_in)
}

/// The IPv4 address inside an IPv6 address: `::ffff:a.b.c.d`, `::a.b.c.d`, `64:ff9b::a.b.c.d`, `2002:…`.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match parts {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => Some(of(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(of(high, low)),
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

/// Global unicast is `2000::/3`; of it, `2001::/23` is for protocols (Teredo among them) and
/// `2001:db8::/32` and `3fff::/20` are for documents.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let is_global_unicast = first & 0xe000 == 0x2000;
    let is_for_protocols = first == 0x2001 && second < 0x200;
    let is_for_documents =
        (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
    is_global_unicast && !is_for_protocols && !is_for_documents
}

/// A name that leads to no address that may be reached; the first one that it leads to.
#[derive(Debug)]
pub(super) struct Refused(pub(super) IpAddr);

impl Refused {
    /// The refusal inside an error of the HTTP client.
    pub(super) fn within(error: &ureq::Error) -> Option<&Self> {
        match error {
            ureq::Error::Other(cause) => cause.downcast_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected a public address, found {}", self.0)
    }
}

impl StdError for Refused {}

/// Resolves names to addresses that may be reached.
#[derive(Debug)]
pub(super) struct Guard {
    reach: Reach,
    inner: DefaultResolver,
}

impl Guard {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, inner: DefaultResolver::default() }
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        if self.reach == Reach::Anywhere {
            return Ok(found);
        }
        let mut kept = self.empty();
        for address in found.iter().filter(|address| is_public(address.ip())) {
            kept.push(*address);
        }
        match found.first() {
            Some(first) if kept.is_empty() => {
                Err(ureq::Error::Other(Box::new(Refused(first.ip()))))
            }
            _ => Ok(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_known() {
        let check = |address: &str, expected: bool| {
            assert_eq!(is_public(address.parse().expect("an address")), expected, "{address}");
        };
        for private in [
            "127.0.0.1",
            "127.255.255.254",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "100::1",
        ] {
            check(private, false);
        }
        for public in [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.167.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2002:101:101::",
        ] {
            check(public, true);
        }
    }
}
