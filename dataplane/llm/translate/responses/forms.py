"""Templates of the events of a streamed response, for bytes that are all there already.

Each leaves open the event's number first, then what its name says.
"""

from typing import Final

from dataplane.llm.translate.responses import output

TAIL: Final = b"}\n\n"
DELTA_HEAD: Final = b'event: response.%b\ndata: {"type":"response.%b",%b,"sequence_number":'
"""Of an event that grows a part, up to its number."""


def form(name: bytes, fields: bytes) -> bytes:
    """A template of an event: its number, then what the fields leave open."""
    head = b'event: response.%b\ndata: {"type":"response.%b","sequence_number":%%d,' % (name, name)
    return head + fields + TAIL


BEGUN: Final = b"".join([form(name, b'"response":%b') for name in (b"created", b"in_progress")])
"""Two events."""
ENDS: Final = {
    status: form(status, b'"response":%b') for status in (b"completed", b"incomplete", b"failed")
}
ITEM_ADDED: Final = form(b"output_item.added", b'"output_index":%d,"item":%b')
ITEM_DONE: Final = form(b"output_item.done", b'"output_index":%d,"item":%b')
# These name their place first: the item, and the part in it.
PART_ADDED: Final = form(b"content_part.added", b'%b,"part":%b')
PART_DONE: Final = form(b"content_part.done", b'%b,"part":%b')
TEXT_DONE: Final = form(b"output_text.done", b'%b,"text":%b,"logprobs":%b')
NOTED: Final = form(b"output_text.annotation.added", b'%b,"annotation_index":%d,"annotation":%b')
REFUSAL_DONE: Final = form(b"refusal.done", b'%b,"refusal":%b')
SUMMARY_ADDED: Final = form(b"reasoning_summary_part.added", b'%b,"part":%b')
SUMMARY_DONE: Final = form(b"reasoning_summary_part.done", b'%b,"part":%b')
SUMMARY_TEXT_DONE: Final = form(b"reasoning_summary_text.done", b'%b,"text":%b')
# Two events each, of words that are nothing more.
WORDS_BEGUN: Final = form(
    b"output_item.added",
    b'"output_index":%%d,"item":%b' % output.message_item(b"%b", output.IN_PROGRESS, []),
) + form(b"content_part.added", b'%%b,"part":%b' % output.text_part(b'""'))
WORDS_DONE: Final = form(b"output_text.done", b'%b,"text":%b,"logprobs":[]') + form(
    b"content_part.done", b'%%b,"part":%b' % output.text_part(b"%b")
)
WORDS_HEAD: Final = DELTA_HEAD % (b"output_text.delta", b"output_text.delta", b'%b,"logprobs":[]')
CALL_DONE: Final = form(b"function_call_arguments.done", b'%b,"arguments":%b')
CUSTOM_DONE: Final = form(b"custom_tool_call_input.done", b'%b,"input":%b')
