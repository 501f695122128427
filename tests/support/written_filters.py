"""Python filters as an operator would write them, for tests."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from dataplane.filters.python.author import (
    Asked,
    Cut,
    Event,
    Exchange,
    Filter,
    Head,
    Refuse,
    windowed,
)

_CARD = re.compile(r"\b\d{4}-\d{4}\b")


class Cards(Filter):
    """Hides card numbers on the way in, and on the way out also when they come in pieces."""

    async def on_request(self, asked: Asked, exchange: Exchange) -> Asked:
        for slot in asked.slots:
            slot.text = _CARD.sub("<card>", slot.text)
        return asked

    def on_text(self, text: str, exchange: Exchange, last: bool) -> tuple[str, str]:
        return windowed(
            text, last, 9, lambda text: ((*m.span(), "<card>") for m in _CARD.finditer(text))
        )


class Words:
    """Refuses, cuts and fails at words of its settings, in requests and in answers."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._refuse = settings.get("refuse", "\0")
        self._cut = settings.get("cut", "\0")
        self._fail = settings.get("fail", "\0")
        self._wait_s = settings.get("wait_s", 0)

    async def on_request(self, asked: Asked, exchange: Exchange) -> Refuse | None:
        await asyncio.sleep(self._wait_s)
        if self._fail in asked.question:
            raise ValueError(self._fail)
        if self._refuse in asked.question:
            return Refuse(f"no {self._refuse}", 422)
        asked.instruct("Be brief.")
        exchange.notes["words"] = asked.question
        return None

    async def on_event(self, event: Event, exchange: Exchange) -> Cut | Refuse | None:
        await asyncio.sleep(0)
        text = event.text
        if self._fail in text:
            raise ValueError(self._fail)
        if self._refuse in text:
            return Refuse(f"no {self._refuse}", 451)
        return Cut("enough") if self._cut in text else None

    def on_head(self, head: Head, exchange: Exchange) -> Head:
        return head.with_header("x-question", str(exchange.notes.get("words", "none")))


class Nothing:
    """Has no method of a filter."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        pass
