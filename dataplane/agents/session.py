"""What is remembered of a conversation with agents, from one turn to the next.

Rule: a session that cannot be read is none. Another version of this file may have written it, and
whatever it says can be worked out again.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec
from msgspec.structs import replace as replace_fields

from dataplane.agents.run import Run
from dataplane.runtime.decision import Turn


class Asking(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run that has stopped at a question of an agent; see agents/run.py, Left."""

    agent: str
    part: int = 0
    agents: tuple[str, ...] = ()


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A conversation's. Times are seconds of a clock that all workers share."""

    agents: tuple[str, ...] = ()
    """Who answered the last turn, in order: the last of them has the conversation."""
    versions: dict[str, str] = {}
    """Of agents that have several, the one that it has."""
    turns: int = 0
    """That were answered."""
    tokens: int = 0
    """Input and output of all turns, as far as agents and models tell."""
    last_used: float = 0.0
    cost_usd: float = 0.0
    """Of all turns, as far as prices are known; of the last one only what the router has cost."""
    asking: "Asking | None" = None
    """Who wants the client's next words, because its last ones were a question."""
    run: str = ""
    """The run of the last turn. What was asked within it may be counted after its answer."""


_AMOUNT = re.compile(rb"\d{1,9}(\.\d{1,9})?")
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Session)


def encode(session: Session) -> bytes:
    """As a store keeps it."""
    return _ENCODER.encode(session)


def decode(data: bytes | None) -> Session:
    """What a store kept; an empty one when that is nothing we know."""
    if data is None:
        return Session()
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError):
        return Session()


def answered(
    session: Session,
    agents: tuple[str, ...],
    versions: dict[str, str],
    tokens: int,
    now: float,
    cost_usd: float = 0.0,
    run: str = "",
    asking: Asking | None = None,
) -> Session:
    """After one more turn; `session` has what requests within the run of the last one cost."""
    return Session(
        agents,
        session.versions | versions,
        session.turns + 1,
        session.tokens + tokens,
        now,
        round(session.cost_usd + cost_usd, 9),
        asking,
        run,
    )


def waiting(turns: Sequence[Turn], session: Session, *, explicit: bool) -> Asking | None:
    """The run that the client's words go on with, if they answer a question of an agent; a
    conversation that is begun anew answers none.

    :param explicit: as of `named`.
    """
    if session.asking is None or not turns or turns[-1].role != "user":
        return None
    answers = sum(turn.role == "assistant" and bool(turn.text) for turn in turns)
    known = answers > 0 if explicit else answers == session.turns
    return session.asking if known else None


def asking_of(run: Run) -> Asking | None:
    """What a run has stopped for; None: it has not."""
    left = run.left
    return Asking(run.asker, left.part, left.agents) if run.asker else None


def added_up(session: Session, lines: Sequence[bytes]) -> Session:
    """With what requests within the run of its last turn have cost: a line each, in US dollars."""
    cost_usd = sum(float(line) for line in lines if _AMOUNT.fullmatch(line))
    return replace_fields(session, cost_usd=round(session.cost_usd + cost_usd, 9), run="")


def named(turns: Sequence[Turn], session: Session, *, explicit: bool) -> tuple[Turn, ...]:
    """The conversation, in which its last answer says whose it is: clients leave that out.

    :param explicit: whether the client has a word for the session. Else strangers may have begun
        in the same way, so it is only believed when both have as many answers.
    """
    answers = [at for at, turn in enumerate(turns) if turn.role == "assistant" and turn.text]
    if not answers or not session.agents or turns[answers[-1]].name:
        return tuple(turns)
    if not explicit and len(answers) != session.turns:
        return tuple(turns)
    last = answers[-1]
    return (*turns[:last], replace(turns[last], name=session.agents[-1]), *turns[last + 1 :])
