"""Request -> Route on a model listener, or the reason why there is none.

A name that is known wins over a wildcard ("openai/*"), a wildcard over the name without its prefix:
"anything/gpt-4o" is "gpt-4o" when nothing else is meant by it. Two look-ups more at most, and none
for a name that is known.
"""

from dataplane.runtime.config import Listener, Route
from dataplane.runtime.messages import LocalReply, ResponseDetail

SHOWN_CHARS = 128
"""How much of an unknown model name an error message repeats."""


def match_model(listener: Listener, model: str | None) -> Route | LocalReply:
    """Find the route that answers `model`; None means that the request names none.

    Unknown names are refused without telling which ones exist.
    """
    if model is None:
        if listener.default_route is not None:
            return listener.default_route
        return LocalReply(
            400,
            "The request names no `model`, and this listener has no default one.",
            ResponseDetail.MODEL_REQUIRED,
        )
    route = listener.by_model.get(model) or _by_prefix(listener, model)
    if route is not None:
        return route
    shown = model if len(model) <= SHOWN_CHARS else model[:SHOWN_CHARS] + "..."
    return LocalReply(
        404,
        f"The model `{shown}` does not exist on this listener.",
        ResponseDetail.MODEL_NOT_FOUND,
    )


def _by_prefix(listener: Listener, model: str) -> Route | None:
    prefix, _, rest = model.partition("/")
    if not rest:
        return None
    return listener.by_prefix.get(prefix) or listener.by_model.get(rest)


def upstream_model(configured: str, asked: str | None) -> str:
    """What the provider calls the model: its configured name; a wildcard has none, so it is what
    was asked for, without the prefix.
    """
    return configured or (asked or "").partition("/")[2]
