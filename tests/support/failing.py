"""Ways in which an agent fails; which one, each request says by its `model`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from tests.support.agents import Answering, Received, completion, events, never, replies, says

Way = Callable[[Received], Awaitable[web.StreamResponse]]


def _leave(one: Received) -> None:
    """Break the connection off."""
    transport = one.request.transport
    assert transport is not None
    transport.abort()


async def _begin(one: Received) -> web.StreamResponse:
    """The first words, in the form that was asked for."""
    if one.body.get("stream") is True:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(one.request)
        await response.write(events(["This "])[0])
        return response
    whole = msgspec.json.encode(completion("This is all."))
    kind = {"content-type": "application/json", "content-length": str(len(whole))}
    response = web.StreamResponse(headers=kind)
    await response.prepare(one.request)
    await response.write(whole[:-10])
    return response


async def dies_before(one: Received) -> web.StreamResponse:
    """No byte of an answer."""
    _leave(one)
    return web.Response()


async def dies_during(one: Received) -> web.StreamResponse:
    """The connection breaks in the middle."""
    response = await _begin(one)
    await asyncio.sleep(0)
    _leave(one)
    return response


async def dies_after(one: Received) -> web.StreamResponse:
    """All was said."""
    response = await says("This is ", "all.")(one)
    if not response.prepared:
        await response.prepare(one.request)
    await response.write_eof()
    _leave(one)
    return response


async def is_silent(one: Received) -> web.StreamResponse:
    """Says nothing."""
    return await never()(one)


async def falls_silent(one: Received) -> web.StreamResponse:
    """Begins and says no more."""
    await _begin(one)
    return await never()(one)


async def is_no_chat(one: Received) -> web.StreamResponse:
    """Another type of content."""
    return web.Response(text="<html>welcome</html>", content_type="text/html")


async def is_no_json(one: Received) -> web.StreamResponse:
    """What calls itself JSON and is none."""
    return web.Response(text="welcome", content_type="application/json")


async def is_huge(one: Received) -> web.StreamResponse:
    """More than anybody holds."""
    return web.json_response(completion("x" * (9 << 20)))


async def fails_in_band(one: Received) -> web.StreamResponse:
    """An error within what was begun as a good answer."""
    error = {"error": {"message": "The model broke.", "type": "server_error"}}
    if one.body.get("stream") is not True:
        return web.json_response(error)
    response = await _begin(one)
    await response.write(b"data: " + msgspec.json.encode(error) + b"\n\n")
    return response


WAYS: Mapping[str, Way] = {
    "dies before": dies_before,
    "dies during": dies_during,
    "dies after": dies_after,
    "is silent": is_silent,
    "falls silent": falls_silent,
    "is no chat": is_no_chat,
    "is no json": is_no_json,
    "is huge": is_huge,
    "answers 503": replies(503, {"error": {"message": "Asleep."}}),
    "fails in band": fails_in_band,
}


def as_told(well: Answering) -> Answering:
    """Fails in the way that the request's `model` says; any other model is answered well."""

    async def answer(one: Received) -> web.StreamResponse:
        return await WAYS.get(str(one.body["model"]), well)(one)

    return answer
