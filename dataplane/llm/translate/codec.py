"""What each protocol's folder offers, so that any two can be put together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol as Interface

from dataplane.llm.hub.answer import Answer, Failure, Unreadable
from dataplane.llm.hub.delta import Delta
from dataplane.llm.hub.loss import Losses
from dataplane.llm.hub.request import Request
from dataplane.runtime.dialect import Dialect
from dataplane.runtime.messages import LocalReply


class Echo:
    """What an answer repeats of the request, and what only the gateway knows."""

    # (no dataclass: one is made for each request, and their __init__ is never compiled)
    __slots__ = ("answer_id", "created", "request")

    def __init__(self, request: Request, created: int, answer_id: str) -> None:
        self.request = request
        """As the client sent it; `model` is the name the client asked for."""
        self.created = created
        """Unix seconds, for protocols that want them when the provider tells none."""
        self.answer_id = answer_id
        """Unique, of letters and digits; for protocols whose ids have a form of their own
        ("resp_" + answer_id) and for providers that send none.
        """


class ReadRequest(Interface):
    """A client's body -> Request, or a 400 that says what is wrong with it."""

    def __call__(self, body: bytes, model: str, stream: bool) -> Request | LocalReply:
        """:param model, stream: from the path where the protocol has them there, else the body."""


class WriteRequest(Interface):
    """Request -> the provider's body. What cannot be said goes to `losses`."""

    def __call__(self, request: Request, dialect: Dialect, losses: Losses) -> bytes:
        """`request.model` is the provider's name for the model here."""


class ReadAnswer(Interface):
    """The body of a 2xx answer -> Answer."""

    def __call__(self, body: bytes) -> Answer | Unreadable: ...


class WriteAnswer(Interface):
    """Answer -> the body for the client."""

    def __call__(self, answer: Answer, echo: Echo) -> bytes: ...


class StreamReader(Interface):
    """A fold: bytes of a provider's stream -> deltas. Chunking never changes them."""

    def feed(self, chunk: bytes) -> list[Delta]:
        """Bytes that are no such stream give a Failed; nothing comes after it."""

    def finish(self) -> list[Delta]:
        """The bytes have ended: what is still due. A stream without its end gives no End."""

    def has_all(self) -> bool:
        """Whether only the sign of the end is missing, so that `finish` gives the End."""


class StreamWriter(Interface):
    """A fold: deltas -> bytes for the client. After End or Failed the stream is complete."""

    content_type: str

    def feed(self, deltas: list[Delta]) -> bytes: ...


class ResumeStream(Interface):
    """A writer that goes on with a stream which a provider of the same protocol has begun."""

    def __call__(self, echo: Echo, told: list[Delta], delivered: bytes) -> StreamWriter | None:
        """:param told, delivered: what the client has, as deltas and as the events that it saw.

        None: nobody could go on there. Raises msgspec.MsgspecError when they cannot be read.
        """


class ReadError(Interface):
    """The body of an error answer -> Failure; `status` is the provider's."""

    def __call__(self, status: int, body: bytes) -> Failure: ...


class WriteError(Interface):
    """Failure -> the body in which the client's API tells errors."""

    def __call__(self, failure: Failure) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """One protocol, both ways. Readers of requests and writers of answers face clients; the others
    face providers."""

    read_request: ReadRequest
    write_request: WriteRequest
    read_answer: ReadAnswer
    write_answer: WriteAnswer
    stream_reader: Callable[[], StreamReader]
    stream_writer: Callable[[Echo], StreamWriter]
    read_error: ReadError
    write_error: WriteError
    resume_stream: ResumeStream | None = None
    """None: a stream that was passed on cannot be gone on with."""
