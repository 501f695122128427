"""What is known of keys lasts as long as their provider says the same."""

from dataclasses import replace

import pytest

from dataplane.runtime.config import ModelProvider, Secret
from dataplane.server.key_rings import KeyRings, seconds_of

PROVIDER = ModelProvider("p", "openai", "m", "c", access_keys=(Secret("a"), Secret("b")))


def test_equal_providers_share_their_keys_and_others_do_not() -> None:
    rings = KeyRings()
    keys = rings.of(PROVIDER)
    assert keys is not None
    assert rings.of(replace(PROVIDER)) is keys
    assert rings.of(replace(PROVIDER, access_keys=(Secret("a"), Secret("c")))) is not keys


def test_one_key_needs_no_ring() -> None:
    assert KeyRings().of(replace(PROVIDER, access_keys=(Secret("a"),))) is None
    assert KeyRings().of(replace(PROVIDER, passthrough_auth=True)) is None


def test_resting_keys_are_counted_by_provider() -> None:
    rings = KeyRings()
    rings.of(replace(PROVIDER, name="other"))
    keys = rings.of(PROVIDER)
    assert keys is not None
    keys.outcome(0, 401, None, 100.0)
    assert rings.resting(100.0) == {("other",): 0.0, ("p",): 1.0}


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(b"7", 7.0), (b"0.5", 0.5), (b"", None), (b"-1", None), (b"inf", None), (b"Wed, 21", None)],
)
def test_seconds_to_wait_are_read(told: bytes, seconds: float | None) -> None:
    assert seconds_of(told) == seconds
