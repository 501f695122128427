"""What is remembered of a conversation with agents, from one turn to the next.

Rule: a session that cannot be read is none. Another version of this file may have written it, and
whatever it says can be worked out again.
"""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from dataplane.runtime.decision import Turn


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
) -> Session:
    """After one more turn."""
    return Session(
        agents,
        session.versions | versions,
        session.turns + 1,
        session.tokens + tokens,
        now,
    )


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
