import pytest

from dataplane.runtime.cluster import Balancing, HashOn, PolicyKind
from dataplane.upstream.hash_key import hash_key

LONG = b'{"model":"m","messages":[{"role":"user","content":"%b"}]}' % (b"x" * 5000)


def key(
    balancing: Balancing,
    headers: dict[str, bytes] | None = None,
    body: bytes = LONG,
    model: str = "m",
) -> tuple[int, ...]:
    return hash_key(balancing, lambda name: (headers or {}).get(name, b""), body, model)


def ring(hash_on: HashOn, header: str = "") -> Balancing:
    return Balancing(PolicyKind.RING_HASH, hash_on=hash_on, hash_header=header)


def test_header_is_the_key_and_without_it_there_is_none() -> None:
    by_user = ring(HashOn.HEADER, "x-user")
    assert key(by_user, {"x-user": b"a"}) == key(by_user, {"x-user": b"a"}, b"", "other")
    assert key(by_user, {"x-user": b"a"}) != key(by_user, {"x-user": b"b"})
    assert key(by_user) == ()


def test_session_is_the_clients_word_or_the_beginning_of_the_conversation() -> None:
    by_session = ring(HashOn.SESSION)
    named = key(by_session, {"x-model-affinity": b"s-1"})
    assert named == key(by_session, {"x-model-affinity": b"s-1"}, b"{}")
    assert len(key(by_session)) == 1
    assert key(by_session) not in (named, ())
    assert key(by_session, body=b"{}") == ()


def test_model_is_the_key() -> None:
    by_model = ring(HashOn.MODEL)
    assert key(by_model, body=b"") == key(by_model)
    assert key(by_model) != key(by_model, model="other")


@pytest.mark.parametrize("model", ["m", "n"])
def test_prefix_has_a_hash_for_each_beginning(model: str) -> None:
    assert len(key(Balancing(PolicyKind.PREFIX_AFFINITY), model=model)) == 4
