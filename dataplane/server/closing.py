"""How a client's connection ends, so that the client sees what it must see."""

import asyncio
import struct
from contextlib import suppress
from socket import SO_LINGER, SOL_SOCKET

_RESET = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Of a client that speaks HTTP/1.0: its end of connection is its end of body, and only a reset
    tells the difference.
    """
    transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
    transport.abort()


def half_close(transport: asyncio.Transport) -> None:
    """Say no more, and go on reading: closing with unread bytes in the socket sends a reset, which
    may overtake our answer.
    """
    if not transport.can_write_eof():
        transport.close()  # TLS has no half of a connection
    elif not transport.is_closing():
        with suppress(OSError):  # it has left, and we are told so soon
            transport.write_eof()
