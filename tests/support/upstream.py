"""A model provider whose every byte is scripted, and which remembers what it was sent.

A script is an async generator: it gets the Received request and yields what goes on the wire, one
write each. `Cut()` resets the connection, `Close()` closes it; after the last item the connection
is kept.
"""

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

from dataplane.runtime.config import Endpoint

USAGE = {"prompt_tokens": 112, "completion_tokens": 98, "total_tokens": 210}
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1760000000,
        "model": "fake-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Rain in Oslo."},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }
).encode()


class Cut:
    """Reset the connection."""


class Close:
    """Close the connection after what was sent."""


Step = bytes | Cut | Close


@dataclass(slots=True)
class Received:
    """One request as it came."""

    connection: int
    """Which of the accepted connections, from 0."""
    line: bytes
    headers: list[tuple[bytes, bytes]]
    """Names in lower case."""
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """The only value of a header; None when it is missing."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name!r} came {len(values)} times"
        return values[0] if values else None


Script = Callable[[Received], AsyncIterator[Step]]


@dataclass(slots=True)
class FakeUpstream:
    """A running fake."""

    endpoint: Endpoint
    script: Script
    requests: list[Received] = field(default_factory=list)
    accepted: int = 0
    open: int = 0
    """Connections that are open now."""
    written: int = 0
    """Bytes of answers that went to the socket."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def close_idle(self) -> None:
        """Close every connection, as a server does whose keep-alive time is over."""
        for writer in self.writers:
            writer.close()


def json_answer(body: bytes = COMPLETION, status: str = "200 OK", extra: bytes = b"") -> bytes:
    """A whole answer with Content-Length."""
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n%b" % (
        status.encode(),
        len(body),
        extra,
        body,
    )


def chunked_head(kind: bytes = b"text/event-stream", extra: bytes = b"") -> bytes:
    """The head of an answer in chunks."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n%b\r\n" % (
        kind,
        extra,
    )


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def in_chunks(body: bytes, size: int) -> bytes:
    """A body as chunks of `size` bytes, with the last one."""
    whole = len(body) - len(body) % size
    head = b"%x\r\n" % size
    # (a call of `chunk` for each of a million takes seconds)
    pieces = [head + body[at : at + size] + b"\r\n" for at in range(0, whole, size)]
    last = chunk(body[whole:]) if body[whole:] else b""
    return b"".join(pieces) + last + b"0\r\n\r\n"


def event(content: str) -> bytes:
    """One SSE event of a chat completion."""
    delta = {"choices": [{"index": 0, "delta": {"content": content}}]}
    return b"data: " + json.dumps(delta).encode() + b"\n\n"


USAGE_EVENT = b"data: " + json.dumps({"choices": [], "usage": USAGE}).encode() + b"\n\n"
DONE = b"data: [DONE]\n\n"


def always(*steps: Step) -> Script:
    """The same answer to everything."""

    async def script(received: Received) -> AsyncIterator[Step]:
        for step in steps:
            yield step

    return script


def in_turn(*scripts: Script) -> Script:
    """The first script for the first request and so on; the last one for all others."""
    left = list(scripts)

    async def script(received: Received) -> AsyncIterator[Step]:
        chosen = left.pop(0) if len(left) > 1 else left[0]
        async for step in chosen(received):
            yield step

    return script


@asynccontextmanager
async def upstream(
    script: Script | None = None, port: int = 0, host: str = "127.0.0.1"
) -> AsyncIterator[FakeUpstream]:
    """Run a fake provider; answers a completion when no script is given."""
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        number = fake.accepted
        fake.accepted += 1
        fake.open += 1
        fake.writers.append(writer)
        try:
            while True:
                received = await _read(reader, number)
                fake.requests.append(received)
                if not await _answer(fake, received, reader, writer):
                    return
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            fake.open -= 1
            fake.writers.remove(writer)
            writer.close()
            running.discard(task)

    server = await asyncio.start_server(serve, host, port, limit=1 << 24)
    host, port = server.sockets[0].getsockname()
    fake = FakeUpstream(Endpoint(host, port), script or always(json_answer()))
    try:
        yield fake
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.wait_closed()


async def _answer(
    fake: FakeUpstream,
    received: Received,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> bool:
    """Play the script until it ends or the other side leaves; False when the connection is over."""
    playing = asyncio.ensure_future(_play(fake, received, writer))
    leaving = asyncio.ensure_future(reader.read(1))
    try:
        await asyncio.wait((playing, leaving), return_when=asyncio.FIRST_COMPLETED)
        return playing.done() and playing.result()
    finally:
        playing.cancel()
        leaving.cancel()
        await asyncio.gather(playing, leaving, return_exceptions=True)


async def _play(fake: FakeUpstream, received: Received, writer: asyncio.StreamWriter) -> bool:
    async for step in fake.script(received):
        match step:
            case Close():
                return False
            case Cut():
                sock = writer.get_extra_info("socket")
                sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case data:
                writer.write(data)
                await writer.drain()
                fake.written += len(data)
    return True


async def _read(reader: asyncio.StreamReader, number: int) -> Received:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head[:-4].split(b"\r\n")
    headers = [
        (name.lower(), value.strip())
        for name, _, value in (entry.partition(b":") for entry in lines)
    ]
    received = Received(number, line, headers, b"")
    length = received.header(b"content-length")
    assert length is not None or line.startswith((b"GET ", b"DELETE ")), (
        "we always say how long a request is"
    )
    received.body = await reader.readexactly(int(length or 0))
    return received
