"""How the events of a streamed response begin: up to their number, then come their fields.

(Templates that fill in everything cost four times what putting these pieces together does.)
"""

from typing import Final

from dataplane.llm.translate.responses import output

TAIL: Final = b"}\n\n"


def begin(name: bytes) -> bytes:
    """Of an event of this name."""
    return b'event: response.%b\ndata: {"type":"response.%b","sequence_number":' % (name, name)


CREATED: Final = begin(b"created")
IN_PROGRESS: Final = begin(b"in_progress")
ENDS: Final = {status: begin(status) for status in (b"completed", b"incomplete", b"failed")}
ITEM_ADDED: Final = begin(b"output_item.added")
ITEM_DONE: Final = begin(b"output_item.done")
PART_ADDED: Final = begin(b"content_part.added")
PART_DONE: Final = begin(b"content_part.done")
TEXT_DONE: Final = begin(b"output_text.done")
NOTED: Final = begin(b"output_text.annotation.added")
REFUSAL_DONE: Final = begin(b"refusal.done")
SUMMARY_ADDED: Final = begin(b"reasoning_summary_part.added")
SUMMARY_DONE: Final = begin(b"reasoning_summary_part.done")
SUMMARY_TEXT_DONE: Final = begin(b"reasoning_summary_text.done")
CALL_DONE: Final = begin(b"function_call_arguments.done")
CUSTOM_DONE: Final = begin(b"custom_tool_call_input.done")
WORDLESS: Final = output.text_part(b'""')
"""A text that begins."""
