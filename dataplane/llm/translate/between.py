"""A request of one protocol as the request of another: the two halves put together."""

from collections.abc import Sequence

from dataplane.llm.cache_markers import marked
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request
from dataplane.llm.translate.codecs import CODECS
from dataplane.llm.translate.long_texts import MIN_BODY_BYTES, LongTexts
from dataplane.llm.wire.body import Piece
from dataplane.runtime.dialect import Dialect
from dataplane.runtime.messages import LocalReply
from dataplane.runtime.protocols import Protocol


class Translation:
    """What is sent, and what it was made of."""

    __slots__ = ("body", "dropped", "request", "rest")

    def __init__(
        self, request: Request, body: bytes, dropped: tuple[str, ...], rest: Sequence[Piece] = ()
    ) -> None:
        self.request = request
        """As the client sent it."""
        self.body = body
        self.dropped = dropped
        """What the provider does not hear of, in the client's words."""
        self.rest = rest
        """What follows the body, of a long one."""


def translate_request(
    source: Protocol,
    target: Protocol,
    body: bytes,
    asked: tuple[str, bool],
    upstream_model: str,
    dialect: Dialect,
    drop: bool,
    marks: int = 0,
) -> Translation | LocalReply:
    """:param asked: the model as the client calls it, and whether it wants a stream.
    :param drop: whether what the target cannot express is dropped; else it is a 400.
    :param marks: from how many tokens on the target is told what to cache; 0: it is not.
    """
    texts = None
    if len(body) >= MIN_BODY_BYTES and not marks:  # marks depend on how long texts are
        texts = LongTexts(body)
        body = texts.body
    request = CODECS[source].read_request(body, *asked)
    if isinstance(request, LocalReply):
        return request
    losses = Losses(request)
    for name in request.hints:
        losses.hint(name)
    for name in request.unknown:
        losses.refuse(name)
    asked_model, request.model = request.model, upstream_model
    theirs = marked(request, marks) if marks else request
    written = CODECS[target].write_request(theirs, dialect, losses)
    request.model = asked_model  # (a copy of so many fields would cost more than all this)
    refusal = None if drop else losses.refusal(target)
    if refusal is not None:
        return refusal
    rest: Sequence[Piece] = ()
    if texts is not None:
        written, rest = texts.put_back(written)
    return Translation(request, written, losses.dropped(), rest)
