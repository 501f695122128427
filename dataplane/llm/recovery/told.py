"""How a client is told that somebody else has gone on with its stream.

The rule: in a comment, and once more beside the usage, in a field that clients of the API pass
over. google-genai takes comments for data and knows every field, so its clients are told nothing.
"""

import msgspec

from dataplane.runtime.protocols import Protocol

_ENCODER = msgspec.json.Encoder()
_COMMENTED = (Protocol.CHAT, Protocol.MESSAGES, Protocol.RESPONSES)
_BESIDE = {
    # what stands at the beginning of the last event that tells usage
    Protocol.CHAT: b'"choices":[],"usage":',
    Protocol.MESSAGES: b'{"type":"message_delta",',
    Protocol.RESPONSES: b'{"type":"response.completed",',
}


def comment(client: Protocol, note: dict[str, object]) -> bytes:
    """`: outrider recovered by=resume after=40 provider=openai/gpt model=gpt`."""
    if client not in _COMMENTED:
        return b""
    words = " ".join(
        f"{name.removeprefix('recovered_').removesuffix('_tokens')}={_word(value)}"
        for name, value in note.items()
    )
    return f": outrider recovered {words}\n\n".encode()


def with_note(client: Protocol, events: bytes, note: dict[str, object]) -> bytes:
    """The last events with the note in them, where there is a place for it."""
    beside = _BESIDE.get(client)
    if beside is None:
        return events
    field = b'"outrider":%b,' % _ENCODER.encode(note)
    at = events.rfind(beside)
    if at < 0:
        return events
    if beside[:1] == b"{":
        at += len(beside)
    return events[:at] + field + events[at:]


def _word(value: object) -> str:
    """Without what would end a comment, or a word of it."""
    return "".join(sign for sign in str(value) if sign.isprintable() and sign != " ")
