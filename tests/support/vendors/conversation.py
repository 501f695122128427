"""What every fake vendor says to whom: one conversation, told in no vendor's words.

A request that a real vendor would refuse raises Wrong.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

HELLO = "Grüß Gott from Oslo \U0001f327"
RED = "A red dot."
CITY = {"city": "Tromsø", "celsius": -4}
FIRST = "Let me look."
CALLS = (("get_weather", {"city": "Tromsø"}), ("get_weather", {"city": "Bergen"}))
THOUGHT = "It is cold in the north."
FAILURE = "Slow down, please."

INPUT, CACHED, OUTPUT = 42, 10, 7
"""Tokens of every answer; CACHED are among INPUT."""


class Wrong(Exception):
    """The vendor's 400, in its words."""


class Declined(Wrong):
    """A 400 that the vendor's SDK expects and has an answer to."""


def must(condition: object, sentence: str) -> None:
    """Refuse a request unless a condition holds."""
    if not condition:
        raise Wrong(sentence)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request comes to."""

    text: str
    """All words of the user."""
    system: str = ""
    stream: bool = False
    tools: tuple[str, ...] = ()
    forced: str = ""
    """The tool that must be called."""
    schema: dict[str, Any] | None = None
    results: tuple[tuple[str, str, str], ...] = ()
    """Of each call that was answered: the tool, its arguments as JSON, what it said."""
    images: tuple[tuple[str, bytes], ...] = ()
    """And documents. Type and bytes; of one at an address, "url" and the address."""
    thinks: bool = False
    """Whether thoughts are asked for, and their words."""
    limit: int = 0
    """Tokens at most; 0 when that is not said."""
    stops: tuple[str, ...] = ()
    """Words to stop at."""
    signatures: tuple[str, ...] = ()
    """Of thoughts, as far as the vendor's own came back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a vendor answers."""

    text: str = ""
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    thought: str = ""
    """What it thinks before it says that, where the vendor's models think aloud."""
    broken: bool = False
    """Whether the limit of tokens came first."""
    serial: str = ""
    """Makes ids of an answer its own."""

    def pieces(self) -> list[str]:
        """The text as a stream brings it."""
        return [self.text[at : at + 5] for at in range(0, len(self.text), 5)]

    def thoughts(self) -> list[str]:
        """What it thinks, as a stream brings it."""
        return [self.thought[at : at + 9] for at in range(0, len(self.thought), 9)]


def answer(asked: Asked) -> Turn | None:
    """What to say; None to fail with 429."""
    if "zz-fail" in asked.text:
        return None
    if "zz-long" in asked.text:
        return Turn(HELLO, broken=True)
    return replace(_said(asked), thought=THOUGHT if asked.thinks else "")


def _said(asked: Asked) -> Turn:
    if asked.results:
        told = sorted(
            f"{json.loads(arguments)['city']} {_plain(said)}"
            for _, arguments, said in asked.results
        )
        return Turn("; ".join(told))
    if asked.forced and asked.forced != "get_weather":
        return Turn("", ((asked.forced, CITY),))
    if "get_weather" in asked.tools:
        return Turn(FIRST, CALLS)
    if asked.tools:
        return Turn("", ((asked.tools[0], CITY),))
    if asked.schema is not None:
        return Turn(json.dumps(CITY, ensure_ascii=False))
    return Turn(RED if asked.images else HELLO)


def _plain(said: str) -> str:
    """A result; some frameworks have it within an object, which means no more."""
    return str(json.loads(said)["return_value"]) if said.startswith('{"return_value"') else said


def closed(schema: Any, where: str) -> None:
    """Strict schemas name every property as required and allow no other."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            must(schema.get("additionalProperties") is False, f"{where}: additionalProperties")
            needed = set(schema.get("properties", {})) - set(schema.get("required", []))
            must(not needed, f"{where}: 'required' must include {sorted(needed)}")
        for name, value in schema.items():
            closed(value, f"{where}.{name}")
    elif isinstance(schema, list):
        for value in schema:
            closed(value, where)


def known(body: dict[str, Any], names: str, where: str = "body") -> None:
    """Refuse keys that the vendor has not."""
    for name in body:
        must(name in names.split(), f"{where}: Unrecognized request argument supplied: {name}")
