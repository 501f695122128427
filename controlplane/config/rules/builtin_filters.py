"""What the configs of filters that are built in must agree with besides their keys."""

from collections.abc import Sequence

from controlplane.config.fields import Block
from controlplane.config.filters.cache import CacheConfig
from controlplane.config.filters.log import LogConfig
from controlplane.config.problem import Path
from controlplane.config.rules.findings import Findings
from controlplane.config.rules.state_storage import SCHEMES, check_connection
from controlplane.config.schema_filters import Filter


def check(one: Filter, block: Block, path: Path, findings: Findings) -> None:
    """The config of one filter, whose keys are good."""
    match block:
        case LogConfig():
            places = [block.file is not None, one.url is not None or one.endpoints is not None]
            if sum(places) != 1:
                what = "needs a place to write to" if not any(places) else "has two places"
                findings.add(path, what, "give 'url' (or 'endpoints'), or 'file' in its config")
        case CacheConfig():
            _cache(block, (*path, "config"), findings)
        case _:
            pass


def check_order(kinds: Sequence[str], path: Path, findings: Findings, outputs: bool) -> None:
    """A cache must see requests as nobody changes them any more, and answers before anybody does:
    with values that were restored for one client, another would get them."""
    for at, kind in enumerate(kinds):
        if kind != "cache":
            continue
        if outputs and at > 0:
            hint = "it keeps what it sees, and that must be nobody's own yet"
            findings.add((*path, at), "a cache must be the first of output_filters", hint)
        if not outputs and at < len(kinds) - 1:
            hint = "what filters behind it change would not count"
            findings.add((*path, at), "a cache must be the last of input_filters", hint)


def check_of_agents(
    filters: Sequence[Filter], ids: Sequence[str], path: Path, findings: Findings
) -> None:
    """What output filters cannot do where agents answer."""
    again = {one.id for one in filters if one.type == "json_schema" and one.config.get("retries")}
    for at, name in enumerate(ids):
        if name in again:
            what = f"filter {name!r} has retries, and agents are not asked again"
            hint = "what they have done they would do twice: use a filter without them here"
            findings.add((*path, "output_filters", at), what, hint)


def _cache(block: CacheConfig, path: Path, findings: Findings) -> None:
    at = (*path, "connection_string")
    if block.store == "memory":
        if block.connection_string is not None:
            findings.add(at, "store 'memory' has no connection", "remove it, or write store: redis")
    elif block.connection_string is None:
        hint = "where it is, such as redis://:$PASSWORD@HOST:6379/0"
        findings.add(path, "'connection_string' is missing", hint)
    else:
        check_connection(block.connection_string, SCHEMES["redis"], at, findings)
