"""What pure code may ask the world for, and what it gets back.

A flow that must ask something in the middle is a generator: `Steps[T]` yields an Effect, is sent
its Reply and returns a T. `dataplane.server.perform` carries effects out; a test plays both parts
with no loop and no socket.
"""

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from dataplane.runtime.config import Agent, AgentTarget, ModelProvider
from dataplane.runtime.decision import Decision, Turn
from dataplane.runtime.messages import HttpReply, Request, ResponseDetail

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallHttp:
    """Send a request to a cluster, read the whole answer. Answered by HttpReply or CallFailed."""

    cluster: str
    request: Request
    timeout_s: float | None = None
    """None: only the exchange's own deadline holds."""


@dataclass(frozen=True, slots=True)
class CallModel:
    """Ask a model on our own account, read the whole answer; what it uses up is the client's.
    Answered by HttpReply or CallFailed: at once, where it has failed too often lately."""

    provider: ModelProvider
    request: Request
    """In its provider's protocol."""
    timeout_s: float


@dataclass(frozen=True, slots=True)
class AskAgent:
    """Ask an agent, read all that it says. Answered by HttpReply or CallFailed."""

    agent: Agent
    request: Request
    """In chat completions, whatever the agent speaks."""
    stream: bool = False
    """Its answer is wanted as it comes: AtOnce.aloud."""


@dataclass(frozen=True, slots=True)
class PassOn:
    """Ask an agent; the client gets its answer as it comes. Answered by Passed or CallFailed, or by
    HttpReply: an answer that is none, and that the client has not got.
    """

    agent: Agent
    request: Request
    all_of_it: bool
    """Also what is no good answer: nobody else will be asked."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The client has an answer, or the beginning of one."""

    status: int = 200
    broken: str = ""
    """Why it is not whole, and the client knows that; empty: it is."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Carry out several flows side by side. Answered by Together.

    One that returns a LocalReply ends the others, and is all that is answered.
    """

    branches: "tuple[Steps[Any], ...]"
    aloud: bool = False
    """The client hears their agents as they speak, one branch after the other."""


@dataclass(frozen=True, slots=True)
class Together:
    """What the flows returned, in their order; or the one LocalReply."""

    results: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the client what happens in its run. Answered by Told."""

    event: str
    """"decided", "started", "progress", "delta", "answered", "failed" or "skipped"."""
    step: int = 0
    agent: str = ""
    why: str = ""
    text: str = ""
    """What was answered, or is told of the work; of a "delta", what comes next of the answer."""


@dataclass(frozen=True, slots=True)
class Told:
    """It was said."""


@dataclass(frozen=True, slots=True)
class Decide:
    """Ask the listener's orchestrator which agents fit. Answered by Decision; it never fails."""

    listener: str
    conversation: tuple[Turn, ...]
    """What the client has sent: its last user message is what is asked."""
    said: tuple[Turn, ...] = ()
    """What agents have answered to that in this run so far, in order, each with its name: the
    decision is then who goes on, and nobody when all is said."""
    among: tuple[str, ...] = ()
    """Only these agents; empty: all that may be chosen."""


@dataclass(frozen=True, slots=True)
class DecideAmong:
    """Ask an embedded router which of these fit. Answered by Decision or, when it is broken, by
    CallFailed."""

    agents: tuple[AgentTarget, ...]
    min_confidence: float
    conversation: tuple[Turn, ...]
    timeout_s: float | None = None
    """None: only the exchange's own deadline holds."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Ask the store of sessions. Answered by Recalled, also when the store cannot be reached."""

    key: str


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep something in the store of sessions. Answered by Recalled."""

    key: str
    value: bytes
    ttl_s: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a store has, or None."""

    value: bytes | None = None


@dataclass(frozen=True, slots=True)
class Await:
    """Run somebody else's coroutine. Answered by Awaited, or by CallFailed when it takes longer."""

    start: Callable[[], Coroutine[Any, Any, object]]
    timeout_s: float
    waits_for: "tuple[object] | None" = None
    """What it waits for, when its first step was made by who asks."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a coroutine has returned, or raised."""

    value: object = None
    raised: Exception | None = None


@dataclass(frozen=True, slots=True)
class Embed:
    """Ask the embedded encoder what a text means. Answered by Embedded."""

    text: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """A vector of length 1; None where this data plane has no encoder (yet)."""

    vector: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand an entry (a JSON object) to the sink of a filter; nobody waits for it. Answered by
    Recalled."""

    sink: str
    """The filter's id."""
    entry: bytes


@dataclass(frozen=True, slots=True)
class Flag:
    """Have the access log and metrics say a word about the exchange. Answered by Recalled."""

    filter: str
    """The filter's id."""
    word: str
    """One of a few: metrics count them."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Ask the models of this exchange once more, with another request, and read all of the answer.
    Answered by HttpReply, or by CallFailed: also where nobody can be asked again."""

    request: Request
    """In the client's protocol."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask the cache of a filter. Answered by Recalled, also when it cannot be reached."""

    cache: str
    """The filter's id."""
    key: str
    similarity: float = 0.0
    """Of what is asked to what was asked under this key, where that is another."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a request asks, as texts that ask nearly the same are found."""

    group: str
    """Of the requests that differ in this text alone."""
    vector: tuple[float, ...]
    """Of length 1."""
    text: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Put something into the cache of a filter; nobody waits for it. Answered by Recalled."""

    cache: str
    key: str
    value: bytes
    ttl_s: float
    meaning: Meaning | None = None
    """To find it by with FindAlike."""


@dataclass(frozen=True, slots=True)
class FindAlike:
    """Ask the cache of a filter what was asked before and means nearly the same. Answered by
    FoundAlike."""

    cache: str
    group: str
    vector: tuple[float, ...]
    at_least: float
    """A similarity: cosine, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Something that was asked before."""

    text: str
    key: str
    """Under which its answer may be."""
    similarity: float


@dataclass(frozen=True, slots=True)
class FoundAlike:
    """The most alike ones, best first."""

    found: tuple[Alike, ...] = ()


@dataclass(frozen=True, slots=True)
class CallFailed:
    """No answer came; `timed_out` tells a 504 from a 502."""

    detail: ResponseDetail
    message: str
    timed_out: bool = False
    status: int = 0
    """What the client may be answered; 0: by `timed_out`."""
    filter: str = ""
    """The one that has ended the answer, if one has."""


ForFilters = Emit | Flag | LookUp | Keep | FindAlike
Effect = (
    CallHttp
    | CallModel
    | AskAgent
    | PassOn
    | AtOnce
    | Tell
    | Decide
    | DecideAmong
    | Recall
    | Remember
    | Await
    | AskAgain
    | Embed
    | ForFilters
)
Reply = (
    HttpReply
    | CallFailed
    | Passed
    | Together
    | Told
    | Decision
    | Recalled
    | Awaited
    | Embedded
    | FoundAlike
)
Steps = Generator[Effect, Reply, T]
