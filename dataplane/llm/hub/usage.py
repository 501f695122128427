"""What an answer has used up.

A struct and no compiled class: it is mostly made where JSON was read, which is not compiled, and
there a call of a compiled class costs ten times as much.
"""

import msgspec


class Usage(msgspec.Struct, gc=False):
    """Tokens. `input` and `output` are totals; the others are parts of them."""

    input: int = 0
    """All of the prompt, cached or not (Anthropic's input_tokens does not count cached ones)."""
    output: int = 0
    """All that was generated, thinking included (Gemini counts thoughts apart)."""
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    input_audio: int = 0
    output_audio: int = 0
