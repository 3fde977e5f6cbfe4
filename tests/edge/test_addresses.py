"""Forwarded addresses are believed from proxies of ours alone, and only what these wrote."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from edge.addresses import HOPS_MAX, UNKNOWN, Addresses, is_loopback, rate_key

PROXY, OTHER_PROXY, GUEST, LIAR = "10.0.0.1", "10.0.0.2", "203.0.113.7", "198.51.100.9"


def headers(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


def forwarded(*values: str) -> CIMultiDictProxy[str]:
    return headers(*(("X-Forwarded-For", value) for value in values))


BEHIND = Addresses(["10.0.0.0/8"])


def test_without_a_trusted_proxy_nobody_is_believed() -> None:
    assert Addresses().client(GUEST, forwarded(LIAR)) == GUEST
    assert Addresses().trusts_nobody
    assert not BEHIND.trusts_nobody


def test_a_stranger_is_not_believed_either() -> None:
    assert BEHIND.client(GUEST, forwarded(LIAR)) == GUEST


@pytest.mark.parametrize(
    "chain",
    [
        (GUEST,),
        (f"{LIAR}, {GUEST}",),
        (f"{LIAR},{GUEST} , {OTHER_PROXY}",),
        (LIAR, GUEST),
        (f"{GUEST}:4711",),
        (f"::ffff:{GUEST}",),
    ],
)
def test_behind_our_proxies_the_rightmost_stranger_is_the_guest(chain: tuple[str, ...]) -> None:
    assert BEHIND.client(PROXY, forwarded(*chain)) == GUEST


@pytest.mark.parametrize("chain", ["", "unknown", f"{LIAR}, nonsense", f"{LIAR}, _hidden"])
def test_what_cannot_be_read_ends_the_search_at_the_proxy(chain: str) -> None:
    assert BEHIND.client(PROXY, forwarded(chain)) == PROXY


def test_without_any_header_the_proxy_itself_is_the_client() -> None:
    assert BEHIND.client(PROXY, headers()) == PROXY
    assert BEHIND.client(PROXY, forwarded(OTHER_PROXY)) == OTHER_PROXY


@pytest.mark.parametrize(
    ("value", "client"),
    [
        (f"for={GUEST}", GUEST),
        (f'proto=https;For="{GUEST}:80";by=x', GUEST),
        (f"for={LIAR}, for={GUEST};proto=http", GUEST),
        ('for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("proto=https", PROXY),
    ],
)
def test_the_standard_header_is_read_as_well(value: str, client: str) -> None:
    assert BEHIND.client(PROXY, headers(("Forwarded", value))) == client


def test_what_proxies_append_to_wins_over_what_a_guest_may_have_sent_through() -> None:
    both = headers(("Forwarded", f"for={LIAR}"), ("X-Forwarded-For", GUEST))
    assert BEHIND.client(PROXY, both) == GUEST


def test_a_chain_without_end_is_not_walked() -> None:
    assert BEHIND.client(PROXY, forwarded(", ".join([GUEST] + [PROXY] * HOPS_MAX))) == PROXY


def test_a_peer_without_an_address_has_a_name() -> None:
    assert Addresses().client(None, headers()) == UNKNOWN
    assert BEHIND.client(None, headers()) == UNKNOWN


def test_a_proxy_that_is_no_network_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Addresses(["nonsense"])


def test_a_host_of_an_ipv6_network_is_the_whole_network() -> None:
    assert rate_key("2001:db8:1:2:3:4:5:6") == rate_key("2001:db8:1:2::9")
    assert rate_key("2001:db8:1:2::9") != rate_key("2001:db8:1:3::9")
    assert rate_key("203.0.113.7") != rate_key("203.0.113.8")
    assert rate_key("::ffff:203.0.113.7") == "203.0.113.7"
    assert rate_key("not:an:address") == "not:an:address"


@pytest.mark.parametrize(
    ("address", "own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), (GUEST, False), (UNKNOWN, False)],
)
def test_this_machine_knows_itself(address: str, own: bool) -> None:
    assert is_loopback(address) is own
