"""What a model is told whose answer does not fit."""

import msgspec

from dataplane.llm.words.instructions import Decoration, Turn, decorated
from dataplane.runtime.messages import Request
from dataplane.runtime.protocols import Operation

MAX_ERRORS = 5
"""Told at once: the rest mostly follows from the first ones."""
MAX_SCHEMA = 16_384
"""Characters of a schema that is told along."""
MAX_SAID = 65_536
"""Characters of the answer that are shown to the model again."""


class Misfit(msgspec.Struct, frozen=True):
    """Why a text does not fit."""

    why: str
    """Place and rule, for the client: no words of the answer."""
    errors: tuple[str, ...]
    """For the model: with its own words."""


def asked_again(
    operation: Operation, request: Request, said: str, misfit: Misfit, schema: str
) -> Request | None:
    """The request with what was answered and what is wrong with that; None: it cannot be said in
    this API."""
    told = ["Your last answer is not what it must be: JSON that fits a schema."]
    told += [f"- {error}" for error in misfit.errors[:MAX_ERRORS]]
    if len(schema) <= MAX_SCHEMA:
        told.append(f"The schema: {schema}")
    told.append("Give the whole answer again, corrected, as JSON alone: no other words, no fences.")
    turns = (Turn("assistant", said[:MAX_SAID]), Turn("user", "\n".join(told)))
    try:
        body = decorated(operation, request.body, Decoration(last=turns))
    except (ValueError, RecursionError):
        return None
    return None if body == request.body else request.with_body(body)
