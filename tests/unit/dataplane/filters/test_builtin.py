import pytest

from dataplane.filters.api import UnusableFilterError
from dataplane.filters.builtin import Chains, filters, made
from dataplane.runtime.config import Filter

CONFIG = {name: Filter(name, f"filter:{name}") for name in ("a", "b")}


def test_chain_has_the_order_of_its_names() -> None:
    assert [one.id for one in filters(["b", "a", "b"], CONFIG)] == ["b", "a", "b"]


def test_unknown_name_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        filters(["gone"], CONFIG)


def test_a_type_that_this_data_plane_lacks_is_refused() -> None:
    with pytest.raises(UnusableFilterError, match="'magic' is not one this data plane has"):
        made(Filter("a", kind="magic"))


def test_chain_is_made_once_a_configuration() -> None:
    chains = Chains(CONFIG)
    assert [one.id for one in chains.of(("b", "a")).filters] == ["b", "a"]
    assert chains.of(("b", "a")) is chains.of(("b", "a"))
    assert chains.of(("b",)) is not chains.of(("b", "a"))
