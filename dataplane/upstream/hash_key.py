"""What a policy that hashes goes by, read of a request."""

from collections.abc import Callable
from typing import Final

from dataplane.balancing.hashing import hash64
from dataplane.llm.prefix_key import Key, prefix_key, session_key
from dataplane.llm.wire.peeked import Survey
from dataplane.runtime.cluster import Balancing, HashOn, PolicyKind

AFFINITY = "x-model-affinity"
_PREFIX_AFFINITY: Final = PolicyKind.PREFIX_AFFINITY


def hash_key(
    balancing: Balancing,
    header: Callable[[str], bytes],
    body: bytes,
    model: str,
    survey: Survey | None = None,
) -> Key:
    """The key of a request.

    :param header: gives the value of a header by its lower-case name; empty: it is not there.
    :param survey: what the body says, if somebody has read it.
    """
    if balancing.kind is _PREFIX_AFFINITY:
        return prefix_key(body, model.encode(), survey)
    match balancing.hash_on:
        case HashOn.HEADER:
            value = header(balancing.hash_header)
            return (hash64(value),) if value else ()
        case HashOn.MODEL:
            return (hash64(model.encode()),)
        case HashOn.SESSION:
            value = header(AFFINITY)
            return (hash64(value),) if value else session_key(body, survey)
