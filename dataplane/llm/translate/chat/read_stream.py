"""The chunks of a streamed chat completion -> deltas.

Rule: servers do not say where a part ends, so one ends when another begins; what grows a tool call
that has ended is an error, never lost. Ends are told last of all: servers send finish_reason, usage
and [DONE] in several orders, and some send words after the reason.
"""

from typing import Final

import msgspec

from dataplane.llm.event import Event
from dataplane.llm.hub.answer import Failure, Finish
from dataplane.llm.hub.delta import (
    Begin,
    Delta,
    End,
    Failed,
    Finished,
    PartBegin,
    TextDelta,
    TextRun,
    UsageDelta,
    broken,
)
from dataplane.llm.hub.literals import readable
from dataplane.llm.sse import DONE, SseDecoder, SseError
from dataplane.llm.translate.chat.chunks import CHUNK, USAGE, Chunk, WireChoice
from dataplane.llm.translate.chat.errors import failure_of
from dataplane.llm.translate.chat.read_choice import ChoiceReader, StreamBroken
from dataplane.llm.translate.chat.wire import ABSENT, finish_of
from dataplane.llm.translate.template import Template

_NULL: Final = b"null"


_VALUE: Final = msgspec.json.Decoder()


class StreamReader:
    """One provider's answer."""

    def __init__(self) -> None:
        self._sse = SseDecoder()
        self._over = False
        self._begun = False
        self._id = ""
        self._choices: dict[int, ChoiceReader] = {}
        self._usage = ABSENT
        self._template = Template()
        self._index = 0
        """The choice that the template's words belong to."""

    def feed(self, chunk: bytes) -> list[Delta]:
        """The deltas of the events that `chunk` completes."""
        deltas: list[Delta] = []
        if self._over:
            return deltas
        template = self._template
        try:
            for event in self._sse.read(chunk, template):
                if isinstance(event, list):
                    deltas.append(
                        TextDelta(event[0], self._index)
                        if len(event) == 1
                        else TextRun(event, self._index)
                    )
                    continue
                data = event.data
                words = template.words(data)
                if words is not None:
                    deltas.append(TextDelta(words, self._index))
                    continue
                template.forget()
                if data.strip() == DONE:
                    self._end(deltas)
                    break
                if event.name == b"error":
                    raise _ToldFailure(failure_of(_VALUE.decode(data)))
                if data:
                    wire = readable(CHUNK, data, begun=self._begun)
                    if wire is not None:
                        self._take(wire, event, deltas)
        except _ToldFailure as told:
            self._over = True
            deltas.append(Failed(told.failure))
        except (StreamBroken, SseError) as problem:
            self._fail(str(problem), deltas)
        except msgspec.ValidationError as invalid:
            self._fail(f"an event is not of a streamed chat completion: {invalid}", deltas)
        except (ValueError, RecursionError, OverflowError):
            self._fail("an event is not JSON", deltas)
        return deltas

    def finish(self) -> list[Delta]:
        """The last event may lack the empty line that ends it, and the stream its [DONE]: it is
        whole when every choice has told why it stopped.
        """
        deltas = self.feed(b"\n\n")
        if self._over or not self._begun:
            return deltas
        if self.has_all():
            self._end(deltas)
        elif self._usage:
            self._over = True
            self._count(deltas)
        return deltas

    def has_all(self) -> bool:
        """See StreamReader."""
        choices = self._choices
        return not self._over and bool(choices) and all(one.reason for one in choices.values())

    def _take(self, wire: Chunk, event: Event, deltas: list[Delta]) -> None:
        if wire.error and bytes(wire.error) != _NULL:
            raise _ToldFailure(failure_of(_VALUE.decode(event.data)))
        if wire.usage and bytes(wire.usage) != _NULL:
            self._usage = wire.usage
        if not wire.choices:
            return  # usage alone, or Azure's verdict on the prompt before there is an id
        if not self._begun:
            self._begin(wire, deltas)
        before = len(deltas)
        for choice in wire.choices:
            reader = self._choices.get(choice.index)
            if reader is None:
                reader = self._choices[choice.index] = ChoiceReader(choice.index, self._id)
            said = choice.delta
            if said is None and choice.message is not None and not reader.said_anything:
                said = choice.message
            if said is not None:
                reader.take(said, choice.logprobs, deltas)
            if choice.finish_reason:
                reader.stop(choice.finish_reason, choice.stop_reason, deltas)
        count = len(deltas) - before
        if (count == 1 or (count == 2 and type(deltas[before]) is PartBegin)) and bytes(
            wire.usage
        ) in (b"", _NULL):
            self._learn(wire.choices, deltas[-1], event)

    def _learn(self, choices: list[WireChoice], delta: Delta, event: Event) -> None:
        """Most events of a stream are like this one: a text that goes on, and nothing else."""
        said = choices[0].delta
        if (
            len(choices) == 1
            and type(delta) is TextDelta
            and delta.logprobs is None
            and said is not None
            and delta.text == bytes(said.content)
            and not (said.tool_calls or said.function_call or said.reasoning_details)
        ):
            self._index = choices[0].index
            self._template.learn(event.data, b'"content":', delta.text, event.name)

    def _begin(self, wire: Chunk, deltas: list[Delta]) -> None:
        self._begun = True
        self._id = wire.id or ""
        deltas.append(
            Begin(
                self._id,
                wire.model or "",
                int(wire.created or 0),
                service_tier=wire.service_tier or "",
            )
        )

    def _end(self, deltas: list[Delta]) -> None:
        if not self._begun:
            raise StreamBroken("it ended without an answer")
        self._over = True
        if not self._choices:
            self._choices[0] = ChoiceReader(0, self._id)
        for choice in self._choices.values():
            choice.close(deltas)
            finish = finish_of(choice.reason, called=choice.called, refused=choice.refused)
            sequence = choice.stop_sequence
            if sequence and finish is Finish.STOP:
                finish = Finish.STOP_SEQUENCE
            deltas.append(Finished(finish, choice.index, sequence))
        self._count(deltas)
        deltas.append(End())

    def _count(self, deltas: list[Delta]) -> None:
        if self._usage:
            deltas.append(UsageDelta(USAGE.decode(self._usage).counted()))

    def _fail(self, problem: str, deltas: list[Delta]) -> None:
        self._over = True
        deltas.append(broken(problem))


class _ToldFailure(Exception):
    """The provider says within the stream that it failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
