"""Answer -> a response object."""

from dataplane.llm.hub.answer import Answer, Choice, Finish
from dataplane.llm.hub.custom import unwrapped
from dataplane.llm.hub.literals import literal
from dataplane.llm.hub.parts import Media, Part, Refusal, Text, Thinking, ToolCall
from dataplane.llm.translate.codec import Echo
from dataplane.llm.translate.responses import output
from dataplane.llm.translate.responses.response import Shell, called, closing


def write_answer(answer: Answer, echo: Echo) -> bytes:
    """The body for the client."""
    # the API has one choice; `n` was refused
    choice = answer.choices[0] if answer.choices else Choice([])
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    status, incomplete = closing(choice.finish or Finish.STOP, refused=refused)
    return Shell(echo).written(
        status,
        _Items(echo, choice, status).written(),
        model=answer.model,
        created=answer.created,
        service_tier=answer.service_tier,
        usage=answer.usage,
        error=output.FAILED if status == b"failed" else b"null",
        incomplete=incomplete,
    )


class _Items:
    """Writes the output: a run of words is one message, everything else an item of its own."""

    def __init__(self, echo: Echo, choice: Choice, status: bytes) -> None:
        self._answer_id = echo.answer_id.encode()
        self._request = echo.request
        self._choice = choice
        self._last = output.COMPLETED if status == b"completed" else output.INCOMPLETE
        self._items: list[bytes] = []
        self._words: list[bytes] = []
        self._logprobs = choice.logprobs or []

    def written(self) -> list[bytes]:
        for part in self._choice.parts:
            if type(part) is Text or type(part) is Refusal:
                if part.text:
                    self._words.append(self._part(part))
            else:
                self._item(part)
        self._flush(self._last)
        last = self._choice.parts[-1] if self._choice.parts else None
        if isinstance(last, Text):
            self._sign(last.signature)
        return self._items

    def _id(self, prefix: bytes) -> bytes:
        return b"%b_%b_%d" % (prefix, self._answer_id, len(self._items))

    def _flush(self, status: bytes = output.COMPLETED) -> None:
        if self._words:
            self._items.append(output.message_item(self._id(b"msg"), status, self._words))
            self._words = []

    def _part(self, part: Text | Refusal) -> bytes:
        if isinstance(part, Refusal):
            return output.refusal_part(literal(part.text))
        logprobs, self._logprobs = self._logprobs, []
        return output.text_part(
            literal(part.text),
            b"[%b]" % b",".join(output.annotations(part.citations, len(part.text))),
            output.logprobs_json(logprobs, whole=True),
        )

    def _item(self, part: Part) -> None:
        match part:
            case Thinking(text, signature, redacted):
                self._flush()
                summary = [] if redacted else [output.summary_part(literal(text))]
                self._items.append(output.reasoning_item(self._id(b"rs"), summary, signature))
            case ToolCall():
                self._flush()
                self._sign(part.signature)
                self._items.append(self._call(part))
            case Media(kind="image") if part.data:
                self._flush()
                self._items.append(output.image_item(self._id(b"ig"), part.data))
            case _:
                pass  # the provider's own tools at work, which the API has no item for

    def _call(self, call: ToolCall) -> bytes:
        tool = called(self._request, call.name)
        if call.custom or tool.custom:
            words = call.arguments if call.custom else unwrapped(call.arguments)
            item_id = self._id(b"ctc")
            return output.custom_item(item_id, call.id, tool.name, tool.namespace, literal(words))
        arguments = literal(call.arguments or "{}")
        return output.function_item(
            self._id(b"fc"), output.COMPLETED, call.id, tool.name, tool.namespace, arguments
        )

    def _sign(self, signature: str) -> None:
        """Calls have no field for one, and words neither: an item without words carries it, before
        the call or after the last words.
        """
        if signature:
            self._items.append(output.reasoning_item(self._id(b"rs"), [], signature))
