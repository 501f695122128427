"""Our own count of a request's tokens, for providers that offer none.

Rule: an estimate, made of how many bytes of each script a text has; nothing is fetched and no
vocabulary is kept. The weights were fitted by least squares to OpenAI's o200k_base on 800 texts
(code, prose, JSON, 90 languages) and checked on 800 others: the mean error is 7.6 %, of English
prose and Python 5 %, of JSON 13 %. Claude's tokenizers need some 10 to 30 % more than o200k.
"""

import msgspec

from dataplane.llm.hub.parts import Media, Native, Part, Refusal, Text, ToolCall, ToolResult
from dataplane.llm.hub.request import Request, Tool
from dataplane.llm.image_size import image_size

_PER_BYTE = (
    (b"abcdefghijklmnopqrstuvwxyz", 215),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 229),
    (b"0123456789", 1245),
    (b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", 469),
    (bytes(range(0xC2, 0xCC)), 1042),  # Latin letters with marks
    (bytes(range(0xCC, 0xD4)), 312),  # Greek, Cyrillic
    (bytes(range(0xD4, 0xE0)), 336),  # Armenian, Hebrew, Arabic
    (b"\xe0\xe1", 422),  # Indic, Thai, Georgian
    (b"\xe2", 1269),  # typographic marks
    (b"\xe3", 622),  # Kana
    (bytes(range(0xE4, 0xEA)), 975),  # Chinese characters
    (bytes(range(0xEA, 0xF0)), 677),  # Hangul
    (bytes(range(0xF0, 0xF5)), 2000),  # emoji
)
"""Thousandths of a token for each of these bytes, most of which begin a character."""
_PER_WORD = 166
_PER_INDENT = 81
"""For each blank that does not stand between two words."""

SAMPLE_BYTES = 64 * 1024
STRIDE_BYTES = 4096

PER_REQUEST = 3
PER_MESSAGE = 4
PER_CALL = 8
PER_TOOL = 8
"""What stands around them, in tokens; so the 35 recorded prompts of OpenAI's fit to 8 %."""
CLAUDE_TOOLS = 346
"""What Claude is told about tools in general as soon as there are any (Anthropic's documents)."""
IMAGE_PIXELS = 750
"""Of an image for one token (Anthropic's rule)."""
MAX_IMAGE = 1600
"""Tokens of the largest image: larger ones are made smaller first. And of one of unknown size."""
PDF_PAGE = 2000
"""Anthropic says 1,500 to 3,000 for a page."""
PDF_PAGE_BYTES = 50_000
BYTES_PER_SOUND_TOKEN = 500
"""16 kB and 32 tokens a second."""


def count_tokens(request: Request) -> int:
    """The tokens of a whole prompt: instructions, messages, tools, the schema of the answer."""
    total = PER_REQUEST + sum(_tool(tool) for tool in request.tools)
    if request.tools and "claude" in request.model:
        total += CLAUDE_TOOLS
    if request.system:
        total += PER_MESSAGE + sum(_part(part) for part in request.system)
    for message in request.messages:
        total += PER_MESSAGE + sum(_part(part) for part in message.parts)
    if request.output is not None and request.output.schema is not None:
        total += _raw(request.output.schema)
    return total


def count_text(text: str) -> int:
    """The tokens of a text."""
    return _bytes(text.encode("utf-8", "replace"))


def _bytes(data: bytes) -> int:
    whole = len(data)
    if not whole:
        return 0
    if whole > 2 * SAMPLE_BYTES:
        data = _sampled(data)
    size = len(data)
    words = len(data.split())
    blanks = size - len(data.translate(None, b" \t"))
    thousandths = words * _PER_WORD + max(0, blanks - words) * _PER_INDENT
    for kind, weight in _PER_BYTE:
        thousandths += (size - len(data.translate(None, kind))) * weight
    return max(1, round(thousandths * whole / size / 1000))


def _sampled(data: bytes) -> bytes:
    """Evenly spread pieces of a long text: what is counted takes 20 ms for 1 MB."""
    stride = STRIDE_BYTES * len(data) // SAMPLE_BYTES
    return b"".join([data[at : at + STRIDE_BYTES] for at in range(0, len(data), stride)])


def _raw(raw: msgspec.Raw) -> int:
    return _bytes(bytes(raw))


def _tool(tool: Tool) -> int:
    # Providers show models a shorter form than JSON: three fifths fit OpenAI's usage.
    schema = tool.raw if tool.parameters is None else tool.parameters
    words = count_text(tool.name) + count_text(tool.description)
    return PER_TOOL + words + (_raw(schema) * 3 // 5 if schema is not None else 0)


def _part(part: Part) -> int:
    match part:
        case Text(text) | Refusal(text):
            return count_text(text)
        case ToolCall():
            return PER_CALL + count_text(part.name) + count_text(part.arguments)
        case ToolResult():
            return PER_CALL + sum(_part(inner) for inner in part.parts)
        case Media():
            return _media(part)
        case Native(raw=raw):
            return _raw(raw)
        case _:
            return 0  # earlier thinking does not count


def _media(media: Media) -> int:
    if media.text:
        return count_text(media.text) + count_text(media.name) + count_text(media.context)
    if media.kind == "image":
        size = image_size(media.data)
        if size is None:
            return MAX_IMAGE
        return max(1, min(MAX_IMAGE, size[0] * size[1] // IMAGE_PIXELS))
    length = len(media.data) * 3 // 4
    if media.kind == "document":
        return PDF_PAGE * max(1, length // PDF_PAGE_BYTES)
    return max(MAX_IMAGE if not length else 1, length // BYTES_PER_SOUND_TOKEN)
