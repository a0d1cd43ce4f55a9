from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from mesh.local.node.addresses import AddressesExhausted, AddressPool, PodAddresses


@pytest.fixture
def pool() -> AddressPool:
    return AddressPool(IPv4Network("127.10.0.0/29"), IPv4Network("127.11.0.0/29"))


def test_both_addresses_of_a_pod_have_the_same_host_part(pool: AddressPool) -> None:
    assert pool.take() == PodAddresses("127.10.0.1", "127.11.0.1")
    assert pool.take() == PodAddresses("127.10.0.2", "127.11.0.2")


def test_an_address_just_freed_is_the_last_to_be_used_again(pool: AddressPool) -> None:
    first = pool.take()
    pool.give_back(first)
    assert [pool.take().pod for _ in range(6)][-1] == first.pod


def test_a_restarted_node_gives_a_pod_its_old_address(pool: AddressPool) -> None:
    assert pool.take("127.10.0.4").pod == "127.10.0.4"


@pytest.mark.parametrize("preferred", ["127.10.0.1", "10.0.0.3", "127.10.0.0", "127.10.0.7"])
def test_an_address_that_is_taken_or_not_ours_is_not_given(pool: AddressPool, preferred: str) -> None:
    pool.take()
    assert pool.take(preferred).pod == "127.10.0.2"


def test_a_full_pool_says_so(pool: AddressPool) -> None:
    for _ in range(6):
        pool.take()
    with pytest.raises(AddressesExhausted):
        pool.take()
