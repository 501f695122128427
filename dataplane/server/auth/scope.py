"""What a caller may ask for, by the words that clients use. Pure.

The rule: it is the route that counts, not the word. `openai/x` may lead to an alias `x` of another
provider when nothing else is meant by it, so a prefix alone opens nothing.
"""

from collections.abc import Sequence
from typing import TypeVar

from dataplane.routing.match import match_model
from dataplane.runtime.config import Listener
from dataplane.runtime.messages import LocalReply, ResponseDetail
from dataplane.runtime.principal import Principal

_SHOWN = 128


def permits(listener: Listener, scope: frozenset[str], model: str | None) -> bool:
    """Whether a scope has a word for what `model` leads to; None: what the listener's default is.

    Names that lead nowhere are in no scope: who may not ask does not learn what there is.
    """
    if model in scope:
        return True
    route = match_model(listener, model)
    if isinstance(route, LocalReply):
        return model is None  # it names none, and there is no default: that is told to everybody
    return any(word in scope or f"{word.partition('/')[0]}/*" in scope for word in route.models)


M = TypeVar("M", str, "str | None")


def permitted(listener: Listener, principal: Principal | None, models: Sequence[M]) -> Sequence[M]:
    """Those of several models that a caller may ask for."""
    if principal is None or not principal.models:
        return models
    return [model for model in models if permits(listener, principal.models, model)]


def forbidden(model: str | None) -> LocalReply:
    """403, the same for models that do not exist."""
    named = "the default model" if model is None else f"the model `{model[:_SHOWN]}`"
    return LocalReply(403, f"This caller may not ask for {named}.", ResponseDetail.FORBIDDEN)
