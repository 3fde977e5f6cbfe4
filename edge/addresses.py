"""Whose address a request comes from, and when two addresses count as one client.

A forwarded address is believed only from a configured proxy, and only the part that such proxies
wrote: the rightmost hop that is not one of them. `X-Forwarded-For` is what proxies append to, so it
wins; `Forwarded` is read where the other is absent. Whatever cannot be read ends the search at
the nearest hop that could.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from multidict import CIMultiDictProxy

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

UNKNOWN: Final = "unknown"
"""The address of a peer that has none, such as one on a local socket."""
HOPS_MAX: Final = 32
_FOR: Final = re.compile(r'(?:^|;)\s*for=(?:"([^"]*)"|([^;"]*))', re.IGNORECASE)
_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([0-9.]+):\d+", re.ASCII)


class Addresses:
    """The client's address of each request."""

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """`trusted`: addresses or networks of proxies. Raises ValueError for anything else."""
        self._trusted: tuple[Network, ...] = tuple(ip_network(each) for each in trusted)
        self._is_trusted = lru_cache(maxsize=4_096)(self._is_trusted_address)

    @property
    def trusts_nobody(self) -> bool:
        """No proxy is configured: every peer speaks for itself."""
        return not self._trusted

    def client(self, peer: str | None, headers: CIMultiDictProxy[str]) -> str:
        """The client's address; the peer's own unless the peer is a proxy of ours."""
        if not self._trusted:
            return peer or UNKNOWN
        if peer is None or not self._is_trusted(peer):
            return _plain(peer) if peer else UNKNOWN
        return self._rightmost_stranger(peer, hops(headers))

    def _rightmost_stranger(self, nearest: str, chain: list[str]) -> str:
        for hop in reversed(chain[-HOPS_MAX:]):
            address = _parse(hop)
            if address is None:
                return nearest
            nearest = str(address)
            if not self._is_trusted(nearest):
                return nearest
        return nearest

    def _is_trusted_address(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


def hops(headers: CIMultiDictProxy[str]) -> list[str]:
    """The forwarded addresses, the client's end first, as they are written."""
    forwarded = headers.getall("X-Forwarded-For", ())
    if forwarded:
        return [hop.strip() for line in forwarded for hop in line.split(",")]
    elements = (element for line in headers.getall("Forwarded", ()) for element in line.split(","))
    found = (_FOR.search(element) for element in elements)
    return [(match[1] or match[2] or "").strip() if match else "" for match in found]


@lru_cache(maxsize=4_096)
def rate_key(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the /64 an IPv6 host may choose from."""
    if ":" not in address:
        return address
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return str(parsed or address)
    return str(IPv6Network((int(parsed) >> 64 << 64, 64)))


def is_loopback(address: str) -> bool:
    """The address is this machine's own."""
    parsed = _parse(address)
    return parsed is not None and parsed.is_loopback


def _plain(text: str) -> str:
    address = _parse(text)
    return text if address is None else str(address)


def _parse(text: str) -> Address | None:
    """An address, with or without a port; a mapped IPv4 address is itself."""
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
