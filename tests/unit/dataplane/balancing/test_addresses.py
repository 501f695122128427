"""Names become endpoints: one for each address, and nobody is lost."""

from hypothesis import given
from hypothesis import strategies as st

from dataplane.balancing.addresses import MAX_ADDRESSES, expanded, names, names_of, usable
from dataplane.runtime.config import Cluster, Endpoint


def cluster(*endpoints: Endpoint, every_s: float = 5.0) -> Cluster:
    return Cluster("c", endpoints, dns_refresh_s=every_s)


def test_every_address_of_a_name_is_an_endpoint_with_its_place() -> None:
    one = cluster(Endpoint("gpu", 8000, weight=3, priority=1, zone="a"))
    assert expanded(one, {"gpu": ("10.0.0.1", "10.0.0.2")}).endpoints == (
        Endpoint("10.0.0.1", 8000, weight=3, priority=1, zone="a", hostname="gpu"),
        Endpoint("10.0.0.2", 8000, weight=3, priority=1, zone="a", hostname="gpu"),
    )


def test_an_address_keeps_the_name_for_host_header_and_certificate() -> None:
    (one,) = expanded(cluster(Endpoint("gpu", 80)), {"gpu": ("10.0.0.1",)}).endpoints
    assert (one.name, one.host) == ("gpu", "10.0.0.1")
    assert Endpoint("gpu", 80).name == "gpu"


def test_a_name_that_is_not_known_stays_an_endpoint() -> None:
    one = cluster(Endpoint("gpu", 80), Endpoint("10.0.0.9", 80))
    assert expanded(one, {}) is one
    assert expanded(one, {"other": ("10.0.0.1",)}) is one


def test_names_that_are_left_to_who_dials_are_not_looked_up() -> None:
    one = cluster(Endpoint("gpu", 80), every_s=0.0)
    assert list(names_of(one)) == []
    assert expanded(one, {"gpu": ("10.0.0.1",)}) is one


def test_addresses_are_not_looked_up() -> None:
    one = cluster(Endpoint("10.0.0.1", 80), Endpoint("::1", 80), Endpoint("fe80::1%eth0", 80))
    assert list(names_of(one)) == []


def test_who_is_named_twice_is_one_endpoint_as_the_first_says() -> None:
    one = cluster(Endpoint("a", 80, weight=2), Endpoint("b", 80), Endpoint("10.0.0.1", 80))
    found = expanded(one, {"a": ("10.0.0.1",), "b": ("10.0.0.1", "10.0.0.2")})
    assert [(e.host, e.weight, e.hostname) for e in found.endpoints] == [
        ("10.0.0.1", 2, "a"),
        ("10.0.0.2", 1, "b"),
    ]


def test_two_ports_of_one_address_are_two_endpoints() -> None:
    one = cluster(Endpoint("a", 80), Endpoint("a", 81))
    assert len(expanded(one, {"a": ("10.0.0.1",)}).endpoints) == 2


def test_a_name_is_looked_up_as_often_as_the_most_eager_cluster_says() -> None:
    assert names([cluster(Endpoint("a", 80)), cluster(Endpoint("a", 81), every_s=1.0)]) == {
        "a": 1.0
    }


def test_one_family_is_taken_the_one_that_comes_first() -> None:
    assert usable(["10.0.0.2", "fe80::1", "10.0.0.1", "10.0.0.2"]) == ("10.0.0.1", "10.0.0.2")
    assert usable(["fe80::2%eth0", "10.0.0.1", "fe80::1%eth0"]) == ("fe80::1%eth0", "fe80::2%eth0")
    assert usable([]) == ()


def test_addresses_of_one_name_are_bounded() -> None:
    many = [f"10.0.{n >> 8}.{n & 255}" for n in range(1000)]
    assert len(usable(many)) == MAX_ADDRESSES


ADDRESSES = st.lists(st.ip_addresses(v=4).map(str), max_size=20)


@given(ADDRESSES, st.randoms())
def test_order_of_an_answer_does_not_matter(addresses: list[str], random: object) -> None:
    shuffled = list(addresses)
    random.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis' own Random
    assert usable(addresses) == usable(shuffled)


NAMES = st.sampled_from(["a", "b", "10.0.0.1", "::1"])


@given(
    st.lists(st.tuples(NAMES, st.integers(1, 3)), max_size=5),
    st.dictionaries(st.sampled_from(["a", "b"]), ADDRESSES.filter(bool).map(tuple)),
)
def test_no_endpoint_is_lost_and_none_is_there_twice(
    places: list[tuple[str, int]], known: dict[str, tuple[str, ...]]
) -> None:
    one = cluster(*(Endpoint(host, port) for host, port in dict.fromkeys(places)))
    made = [(e.host, e.port) for e in expanded(one, known).endpoints]
    assert len(made) == len(set(made))
    assert set(made) == {
        (address, port) for host, port in places for address in known.get(host, (host,))
    }
