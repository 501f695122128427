import pytest

from dataplane.balancing.endpoint import EndpointState


@pytest.mark.parametrize(
    ("healthy", "ejected", "usable"),
    [(True, False, True), (False, False, False), (True, True, False), (False, True, False)],
)
def test_usable_is_who_is_well_and_not_ejected(healthy: bool, ejected: bool, usable: bool) -> None:
    one = EndpointState("a:1")
    one.healthy, one.ejected = healthy, ejected
    assert one.usable is usable


def test_weight_of_nothing_counts_as_one() -> None:
    assert EndpointState("a:1", 0).share == 1.0
