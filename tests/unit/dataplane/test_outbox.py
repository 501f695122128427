import asyncio

from dataplane.outbox import LIMIT, Outbox


async def test_bytes_go_out_in_order_at_the_end_of_the_turn() -> None:
    outbox, sent = Outbox(), list[bytes]()
    for data in (b"a", b"b", b"c"):
        outbox.put(sent.append, data)
    assert sent == []
    turn = outbox.turn
    await asyncio.sleep(0)
    assert sent == [b"a", b"b", b"c"]
    assert outbox.turn == turn + 1


async def test_many_pieces_do_not_wait() -> None:
    outbox, sent = Outbox(), list[bytes]()
    for _ in range(LIMIT):
        outbox.put(sent.append, b"a")
    assert len(sent) == LIMIT
    outbox.put(sent.append, b"b")
    assert len(sent) == LIMIT


async def test_closed_transport_does_not_hold_up_the_others() -> None:
    def closed(data: bytes) -> None:
        raise RuntimeError("the handler is closed")

    outbox, sent = Outbox(), list[bytes]()
    outbox.put(closed, b"a")
    outbox.put(sent.append, b"b")
    outbox.flush()
    assert sent == [b"b"]
