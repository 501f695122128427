"""Continue: a stream that goes on from words that were given to its model as the beginning.

The rule: what comes is appended to the very part that the client has open, and nothing is said
twice; some servers repeat what they were given before they go on.
"""

from dataplane.llm.hub.answer import Usage
from dataplane.llm.hub.delta import (
    Begin,
    Delta,
    Finished,
    PartBegin,
    PartEnd,
    TextDelta,
    TextRun,
    UsageDelta,
)
from dataplane.llm.hub.literals import join, literal, text_of
from dataplane.llm.hub.parts import Text, Thinking
from dataplane.llm.recovery.delivered import Delivered


class Continuation:
    """A fold: deltas of the new stream in, those that the client does not have yet out."""

    differs = False
    """See Repetition: nothing is to be proved here."""
    reached = True

    def __init__(self, delivered: Delivered, given: str, repeats: bool) -> None:
        """:param given: the beginning of `delivered.words` that the model was given.
        :param repeats: whether the server may say it again.
        """
        self._open = bool(delivered.choices[0]) and not delivered.choices[0][-1].ended
        """Whether the client's last part is open, and nothing was said to it yet."""
        self._blank = delivered.words[len(given) :]
        """White space at the end, which models are not given and may say again."""
        self._given = given if repeats else ""
        """What is still to be said again, if it is."""
        self._held = ""
        """What may be the beginning of that."""
        self._thinks = False
        self._told = delivered.tokens

    def feed(self, deltas: list[Delta]) -> list[Delta]:
        """What goes on to the client."""
        out: list[Delta] = []
        for delta in deltas:
            match delta:
                case Begin(usage=usage):
                    if usage is not None:
                        out.append(UsageDelta(self._counted(usage)))
                case UsageDelta(usage):
                    out.append(UsageDelta(self._counted(usage)))
                case PartBegin(part):
                    self._begin(delta, out)
                    if isinstance(part, Text) and part.text:
                        self._words(part.text, delta.choice, out)
                        part.text = ""
                case TextDelta(text) if not self._thinks:
                    if self._given or self._blank:
                        self._words(text_of(text), delta.choice, out)
                    else:
                        out.append(delta)
                case TextRun(texts) if not self._thinks:
                    if self._given or self._blank:
                        self._words(text_of(join(texts)), delta.choice, out)
                    else:
                        out.append(delta)
                case PartEnd() if self._thinks:
                    self._thinks = False
                case Finished() | PartEnd():
                    self._release(delta.choice, out)
                    if isinstance(delta, Finished):
                        self._close(out)
                    out.append(delta)
                case _ if not self._thinks:
                    out.append(delta)
                case _:
                    pass
        return out

    def _begin(self, begin: PartBegin, out: list[Delta]) -> None:
        if self._open and isinstance(begin.part, Thinking):
            self._thinks = True  # about words that the client has: there is no place for it
        elif self._open and isinstance(begin.part, Text):
            self._open = False
        else:
            if not isinstance(begin.part, Text):
                self._release(begin.choice, out)
            self._close(out)
            out.append(begin)

    def _close(self, out: list[Delta]) -> None:
        """End the client's part, which was not gone on with."""
        if self._open:
            self._open = False
            out.append(PartEnd())

    def _words(self, words: str, choice: int, out: list[Delta]) -> None:
        given = self._given
        if given:
            self._held += words
            if given.startswith(self._held) and len(self._held) < len(given):
                return
            words, self._held = self._held, ""
            self._given = ""
            words = words.removeprefix(given)
        blank = self._blank
        if blank and words:
            self._blank = ""
            at = 0
            while at < len(blank) and words[at : at + 1] == blank[at]:
                at += 1
            words = words[at:]
            if not words:
                self._blank = blank[at:]
        if words:
            out.append(TextDelta(literal(words), choice))

    def _release(self, choice: int, out: list[Delta]) -> None:
        """Nothing more comes of the words that may have been a repetition: they were not."""
        held, self._held = self._held, ""
        self._given = ""
        if held:
            self._words(held, choice, out)

    def _counted(self, usage: Usage) -> Usage:
        """As the client sees it: words that were given as a part of the prompt are output."""
        moved = min(self._told, usage.input)
        return Usage(
            usage.input - moved,
            usage.output + moved,
            min(usage.cache_read, usage.input - moved),
            usage.cache_write,
            usage.reasoning,
            usage.input_audio,
            usage.output_audio,
        )
