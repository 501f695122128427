import pytest

from dataplane.filters.builtin import request_filters
from dataplane.runtime.config import Filter

CONFIG = {name: Filter(name, f"filter:{name}") for name in ("a", "b")}


def test_chain_has_the_order_of_its_names() -> None:
    assert [one.id for one in request_filters(["b", "a", "b"], CONFIG)] == ["b", "a", "b"]


def test_unknown_name_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        request_filters(["gone"], CONFIG)
