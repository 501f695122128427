"""A client that sends the very bytes a test writes and reads answers with llhttp."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httptools


@dataclass(slots=True)
class Reply:
    """One answer."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False
    """Whether it ended as its framing says."""

    @property
    def detail(self) -> str:
        """Our word for what happened."""
        return self.headers.get("x-outrider-detail", "")


class _Parse:
    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.pieces: list[list[bytes]] = []
        """Of their bodies."""
        self.parser = httptools.HttpResponseParser(self)

    def on_message_begin(self) -> None:
        self.replies.append(Reply())
        self.pieces.append([])

    def on_header(self, name: bytes, value: bytes) -> None:
        assert name.decode().lower() not in self.replies[-1].headers, name
        self.replies[-1].headers[name.decode().lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.replies[-1].status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.pieces[-1].append(body)

    def on_message_complete(self) -> None:
        if self.replies[-1].status == 100:
            self.replies.pop()
            self.pieces.pop()
        else:
            self.replies[-1].whole = True


class RawClient:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._parse = _Parse()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def reply(self, seconds: float = 5.0) -> Reply:
        """The next answer, as far as it came before the connection ended."""
        replies = self._parse.replies
        async with asyncio.timeout(seconds):
            while not (replies and replies[0].whole):
                try:
                    data = await self.reader.read(1 << 16)
                except ConnectionError:
                    data = b""
                if not data:
                    break
                self._parse.parser.feed_data(data)
        if not replies:
            return Reply()
        found = replies.pop(0)
        found.body = b"".join(self._parse.pieces.pop(0))
        return found

    async def closed(self, seconds: float = 5.0) -> bool:
        """Whether the other side ends the connection, with nothing more to say."""
        async with asyncio.timeout(seconds):
            try:
                return not await self.reader.read(1)
            except ConnectionError:
                return True

    async def everything(self, seconds: float = 5.0) -> bytes:
        """All bytes until the connection ends."""
        data = b""
        async with asyncio.timeout(seconds):
            try:
                while piece := await self.reader.read(1 << 16):
                    data += piece
            except ConnectionError:
                pass
        return data

    def close(self) -> None:
        """Leave."""
        self.writer.close()


@asynccontextmanager
async def connected(port: int, limit: int = 1 << 16) -> AsyncIterator[RawClient]:
    """A connection to a port of this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    client = RawClient(reader, writer)
    try:
        yield client
    finally:
        client.close()


def post(
    body: bytes,
    *,
    path: str = "/v1/chat/completions",
    headers: bytes = b"",
    version: str = "1.1",
) -> bytes:
    """A POST with Content-Length."""
    return b"POST %b HTTP/%b\r\nhost: gateway\r\n%bcontent-length: %d\r\n\r\n%b" % (
        path.encode(),
        version.encode(),
        headers,
        len(body),
        body,
    )
