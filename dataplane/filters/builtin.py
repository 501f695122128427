"""The filters there are: from an operator's words to something that runs."""

from collections.abc import Iterable, Mapping

from dataplane.filters.api import RequestFilter
from dataplane.filters.http.filter import HttpFilter
from dataplane.runtime.config import Filter


def request_filters(names: Iterable[str], config: Mapping[str, Filter]) -> list[RequestFilter]:
    """The filters of a chain. `config` knows every name (RuntimeConfig is consistent)."""
    return [HttpFilter(config[name]) for name in names]
