"""What of a conversation matters to the router: what is asked, and what was before.

Rule: everything is a pure reading of the turns; nothing is remembered between two requests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dataplane.runtime.decision import Turn

MAX_ASKED = 8
"""User messages looked at, the last ones: each unknown one costs a run of the encoder."""
MAX_CHARACTERS = 4_000
"""Looked at of one message, half at each end: a pasted file is not read to its end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One user message with what the assistant had said just before it."""

    text: str
    said: str = ""
    """The assistant message it answers; empty at the start."""
    said_by: str = ""
    """The agent that said it, if the message names one."""


def asked(conversation: Sequence[Turn]) -> tuple[Asked, ...]:
    """The last user messages, oldest first; empty ones and other roles' turns are left out.

    Several user messages in a row stay apart: the last is what is asked now.
    """
    found: list[Asked] = []
    said = said_by = ""
    for turn in conversation:
        text = _readable(turn.text)
        if turn.role == "assistant":
            said, said_by = text or said, turn.name or said_by
        elif turn.role == "user" and text:
            found.append(Asked(text, said, said_by))
            said = said_by = ""
    return tuple(found[-MAX_ASKED:])


def _readable(text: str) -> str:
    """The text without runs of white space, a long one without its middle."""
    half = MAX_CHARACTERS // 2
    if len(text) > MAX_CHARACTERS:
        text = f"{text[:half]}\n{text[-half:]}"
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


_THANKS = (
    r"thank(?:s| you)|thx|cheers|appreciate|good ?bye|\bbye\b|have a (?:good|great|nice)"
    r"|that(?:'s| is|s| was| will be|'ll be) (?:all|it|everything)|i'?m (?:good|fine|all set|done)"
    r"|nothing else|no more|take care|see you"
)
_DECLINE = (
    r"^(?:no|nope|nah|not)\b[^?]{0,40}$|\bnot (?:now|yet|right now|at (?:this|the) (?:time|moment))"
    r"|maybe (?:later|some other time)|no need|don'?t need"
)
_CLOSING = re.compile(f"{_THANKS}|{_DECLINE}", re.IGNORECASE)
_DECLINING = re.compile(_DECLINE, re.IGNORECASE)
_THANKING = re.compile(_THANKS, re.IGNORECASE)
_GOODBYE = re.compile(r"\b(?:(?:good ?)?bye|see (?:you|ya)|take care)\b", re.IGNORECASE)
_ONLY_POLITE = re.compile(
    # Possessive, so that no text takes more than one pass.
    r"(?:(?>thanks?(?: you)?|thx|cheers|(?:good ?)?bye|see (?:you|ya)|take care|later|great|perfect"
    r"|that(?:'s| is|s| was| will be|'ll be) (?:all|it|everything)(?: i need(?:ed)?)?|no|nope|okay"
    r"|ok|nothing|else|good|fine|cool|awesome|wonderful|nice|a lot|so much|very much|again|for now"
    r"|for (?:that|(?:all )?(?:your|the) (?:help|info|information|assistance|time))|then|and|you"
    r"|now|too"
    r"|have a (?:good|great|nice) (?:day|one|evening|night|time|weekend)|all|i'?m|done|set)"
    r"[\s.,!;:)-]*+)++",
    re.IGNORECASE,
)
_OFFER = re.compile(
    r"(?:any ?thing|something) (?:else|more|additional|further)|what (?:else|more)|else (?:can|may)"
    r"|help you (?:with|further|more)|(?:further|other) (?:assistance|help)|of (?:any )?further",
    re.IGNORECASE,
)

_INQUIRY = re.compile(
    r"\W*(?:(?:and|so|ok|okay|sure|yes)\W+)*"
    r"(?:what|which|where|when|how|who|does|do|is|are|can)\b",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?:i(?:'d| would| want|'m looking| am looking| need| wanna| also)"
    r"|(?:can|could|would|will) you|please|find|help me|also|let's|look for|search)\b",
    re.IGNORECASE,
)


def is_closing(text: str) -> bool:
    """Thanks, a goodbye or a "no, not now": nothing is asked, as far as the words go."""
    return bool(_CLOSING.search(text))


def declines(text: str) -> bool:
    """A short no to what was offered."""
    return bool(_DECLINING.search(text))


def is_thanks(text: str) -> bool:
    """Thanks or a goodbye."""
    return bool(_THANKING.search(text))


def is_only_thanks(text: str) -> bool:
    """Thanks or a goodbye and nothing else ("great, thanks for your help, bye!")."""
    return is_thanks(text) and bool(_ONLY_POLITE.fullmatch(text.strip()))


def is_goodbye(text: str) -> bool:
    """A goodbye and nothing else: whoever says it asks for nobody."""
    return is_only_thanks(text) and bool(_GOODBYE.search(text))


def offers_more(text: str) -> bool:
    """The assistant asked whether there is anything else: what was begun is done."""
    return bool(_OFFER.search(text))


def inquires(text: str) -> bool:
    """Begins as a question does: mostly one about what was just said."""
    return bool(_INQUIRY.match(text))


def requests(text: str) -> bool:
    """Asks for something to be done, as a new task is put ("I'd like", "can you", "find")."""
    return bool(_REQUEST.search(text))
