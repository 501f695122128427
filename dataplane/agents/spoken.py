"""What agents have said, as values; and an answer of our own that is made of it.

Rule: nothing is added to what was said but empty lines between speakers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from dataplane.llm.chat_answer import Unreadable, answer_text, header
from dataplane.llm.hub.answer import Answer, Choice, Finish, Usage
from dataplane.llm.hub.delta import (
    Begin,
    Delta,
    End,
    Finished,
    PartBegin,
    PartEnd,
    TextDelta,
    TextRun,
    UsageDelta,
)
from dataplane.llm.hub.literals import literal as words_of
from dataplane.llm.hub.literals import text_of
from dataplane.llm.hub.parts import Text
from dataplane.llm.hub.request import Request
from dataplane.llm.hub.whole import Whole, deltas_of
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.codecs import CODECS
from dataplane.runtime.messages import HttpReply
from dataplane.runtime.protocols import Protocol

BETWEEN = "\n\n"
"""Between two speakers."""
_CHAT = CODECS[Protocol.CHAT]
_TYPES = ("text/event-stream", "application/json", "text/plain", "")
"""Some call their events plain text, and some nothing at all."""


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Asked(msgspec.Struct):
    stream_options: _Options | None = None


_ASKED = msgspec.json.Decoder(_Asked)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One agent's answer."""

    agent: str
    text: str
    """Its words; empty when it has none (a tool call)."""
    answer: Answer
    """All of it."""

    @property
    def calls_tools(self) -> bool:
        """Whether it waits for what only the client can do."""
        choices = self.answer.choices
        return bool(choices) and choices[0].finish is Finish.TOOL_CALLS


def spoken(agent: str, reply: HttpReply) -> Spoken | Unreadable:
    """A 2xx answer, read."""
    kind = header(reply, "content-type").partition(";")[0].strip().lower()
    if not is_chat(kind):
        return Unreadable(f"its content-type is {kind}")
    text = answer_text(reply)
    if isinstance(text, Unreadable):
        return text
    return Spoken(agent, text, _answer(reply) or _of_text(text))


def is_chat(kind: str) -> bool:
    """Whether chat completions may come as this type of content, in lower case."""
    return kind in _TYPES or kind.endswith("+json")


def joined(said: Sequence[Spoken]) -> Answer:
    """One answer of several, in their order; of one it is all that it said."""
    if len(said) == 1:
        return said[0].answer
    text = BETWEEN.join(one.text for one in said if one.text)
    cut = any(one.answer.choices[0].finish is Finish.LENGTH for one in said if one.answer.choices)
    used = [one.answer.usage for one in said if one.answer.usage is not None]
    usage = Usage(sum(one.input for one in used), sum(one.output for one in used))
    first = said[0].answer
    choice = Choice([Text(text)], Finish.LENGTH if cut else Finish.STOP)
    return Answer(first.id, first.model, [choice], usage if used else None, first.created)


class Saying:
    """A chat completion of our own, whole or streamed as it grows."""

    def __init__(self, body: bytes, model: str, answer_id: str, created: int) -> None:
        """:param body: the client's request, which is chat."""
        wants_usage = _wants_usage(body)
        asked = Request(model, True, Protocol.CHAT, [], include_usage=wants_usage)
        self._echo = Echo(asked, created, answer_id)
        self._writer = _CHAT.stream_writer(self._echo)
        self._begun = False

    def whole(self, answer: Answer) -> bytes:
        """Not streamed."""
        return _CHAT.write_answer(answer, self._echo)

    def streamed(self, answer: Answer) -> bytes:
        """All events at once."""
        return self._writer.feed(deltas_of(answer))

    def more(self, text: str) -> bytes:
        """Events of more words."""
        begin: list[Delta] = [] if self._begun else [Begin("", ""), PartBegin(Text(""))]
        self._begun = True
        return self._writer.feed([*begin, TextDelta(words_of(text))])

    def end(self, answer: Answer) -> bytes:
        """The last events, when all words of the answer were said; all, when none was."""
        if not self._begun:
            return self.streamed(answer)
        finish = (answer.choices[0].finish if answer.choices else None) or Finish.STOP
        usage = [UsageDelta(answer.usage)] if answer.usage is not None else []
        return self._writer.feed([PartEnd(), Finished(finish), *usage, End()])

    @property
    def chunk(self) -> dict[str, object]:
        """The beginning of a chunk without words."""
        echo = self._echo
        return {
            "id": f"chatcmpl-{echo.answer_id}",
            "object": "chat.completion.chunk",
            "created": echo.created,
            "model": echo.request.model,
            "choices": [],
        }


class InOrder:
    """Several who speak at once, heard one after the other: a fold."""

    def __init__(self, count: int) -> None:
        self._waiting: list[list[str]] = [[] for _ in range(count)]
        self._done = [False] * count
        self._heard = 0
        """Whose turn it is."""
        self._anything = False
        self._of_this = False
        """Whether the one whose turn it is has said anything."""

    def say(self, at: int, text: str) -> str:
        """More words of one; what can be heard now."""
        self._waiting[at].append(text)
        return self._due()

    def done(self, at: int) -> str:
        """One has said all; what can be heard now."""
        self._done[at] = True
        return self._due()

    def _due(self) -> str:
        due: list[str] = []
        while self._heard < len(self._done):
            words = "".join(self._waiting[self._heard])
            self._waiting[self._heard].clear()
            if words:
                if self._anything and not self._of_this:
                    due.append(BETWEEN)
                due.append(words)
                self._anything = self._of_this = True
            if not self._done[self._heard]:
                break
            self._heard += 1
            self._of_this = False
        return "".join(due)


def _answer(reply: HttpReply) -> Answer | None:
    if header(reply, "content-type").lower().startswith("text/event-stream"):
        whole, reader = Whole(), _CHAT.stream_reader()
        whole.feed(reader.feed(reply.body))
        whole.feed(reader.finish())
        return whole.answer() if whole.failure is None else None
    answer = _CHAT.read_answer(reply.body)
    return answer if isinstance(answer, Answer) else None


def _wants_usage(body: bytes) -> bool | None:
    try:
        options = _ASKED.decode(body).stream_options
    except msgspec.ValidationError:
        return None
    return options.include_usage if options is not None else None


def _of_text(text: str) -> Answer:
    return Answer("", "", [Choice([Text(text)])])


def texts_of(deltas: list[Delta], is_text: bool) -> tuple[list[str], bool]:
    """The words among deltas, of the first choice; and whether the open part is words."""
    texts: list[str] = []
    for delta in deltas:
        match delta:
            case PartBegin(part=part, choice=0):
                is_text = isinstance(part, Text)
            case TextDelta(text=text, choice=0) if is_text:
                texts.append(text_of(text))
            case TextRun(texts=several, choice=0) if is_text:
                texts += map(text_of, several)
            case _:
                pass
    return texts, is_text
