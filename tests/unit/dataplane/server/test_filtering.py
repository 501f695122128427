"""Requests that need no more than filters: they go on as relays, and who waits is a coroutine."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from dataplane.filters.python.author import Asked, Refuse
from dataplane.runtime.config import Endpoint, Filter, RuntimeConfig
from tests.support.gateway import gateway, model_config
from tests.support.raw_client import connected, post
from tests.support.scripted_filter import Asks, AsksLater, Hears, scripted
from tests.support.upstream import upstream
from tests.support.wait import until

ASK = b'{"model":"gpt","messages":[{"role":"user","content":"Hi"}]}'


def filtered(
    endpoint: Endpoint, filters: Mapping[str, Filter], timeout_s: float = 30.0
) -> RuntimeConfig:
    """A listener whose requests pass these filters, and its answers those that hear them."""
    names = tuple(filters)
    chains = {"input_filters": names, "output_filters": names}
    return replace(model_config(endpoint, listener=chains, timeout_s=timeout_s), filters=filters)


async def test_filters_that_wait_for_nobody_need_no_coroutine() -> None:
    def calls_it_ho(asked: Asked) -> None:
        asked.slots[0].text = "Ho"

    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(Asks, calls_it_ho))
        async with gateway(config) as gate, connected(gate.port) as client:  # (it has no exchange)
            client.send(post(ASK, headers=b"x-a: 1\r\nx-outrider-b: 1\r\n"))
            assert (await client.reply()).status == 200
            (seen,) = fake.requests
            assert seen.body == ASK.replace(b"Hi", b"Ho")
            assert seen.header(b"x-a") == b"1"
            assert seen.header(b"x-outrider-b") is None
            (record,) = gate.records
            assert (record.provider, record.bytes_received) == ("openai/gpt", len(ASK))


async def test_what_nobody_changes_is_the_very_bytes() -> None:
    body = ASK.replace(b":", b" :  ")
    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(Asks, lambda asked: asked.question and None))
        async with gateway(config) as gate, connected(gate.port) as client:
            client.send(post(body))
            assert (await client.reply()).status == 200
            assert fake.requests[0].body == body


async def test_a_refusal_is_the_answer_and_the_connection_stays() -> None:
    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(Asks, lambda _: Refuse("no", 422)))
        async with gateway(config) as gate, connected(gate.port) as client:
            for _ in range(2):
                client.send(post(ASK))
                reply = await client.reply()
                assert (reply.status, reply.detail) == (422, "filter_refused")
            assert [one.detail for one in gate.records] == ["filter_refused"] * 2
        assert fake.requests == []


async def test_what_filters_spoil_is_theirs_and_what_comes_spoilt_the_clients() -> None:
    def spoils(asked: Asked) -> None:
        del asked.json["messages"]
        asked.changed()

    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(Asks, spoils))
        async with gateway(config) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            assert (await client.reply()).detail == "filter_failed"
            client.send(post(b'{"model":"gpt"}'))
            assert (await client.reply()).detail == "invalid_body"


async def test_a_coroutine_of_an_authors_is_in_one_task_from_its_first_step() -> None:
    tasks = []

    async def looks(asked: Asked) -> None:
        async with asyncio.timeout(5):
            tasks.append(asyncio.current_task())
            await asyncio.sleep(0)
            tasks.append(asyncio.current_task())

    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(AsksLater, looks))
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            assert (await client.reply()).status == 200
            before, after = tasks
            assert before is after is not None
            assert before is not asyncio.current_task()


async def test_client_that_leaves_in_the_middle_of_a_filter_ends_it() -> None:
    left = asyncio.Event()
    began = asyncio.Event()

    async def hangs(asked: Asked) -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(AsksLater, hangs))
        async with gateway(config, filters=True) as gate:
            async with connected(gate.port) as client:
                client.send(post(ASK))
                async with asyncio.timeout(5):
                    await began.wait()
            async with asyncio.timeout(0.1):
                await left.wait()
            assert [(one.status, one.detail) for one in gate.records] == [(499, "downstream_gone")]
        assert fake.requests == []


async def test_deadline_ends_a_filter_that_waits() -> None:
    async def hangs(asked: Asked) -> None:
        await asyncio.Event().wait()

    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(AsksLater, hangs), timeout_s=0.1)
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            reply = await client.reply()
            assert (reply.status, reply.detail) == (504, "deadline_exceeded")
            assert len(gate.records) == 1


async def test_what_filters_bring_along_is_not_looked_for_again() -> None:
    """A route's preferences that a filter has added are whoever's chooses, once."""
    asked_for = 0

    def prefers(asked: Asked) -> None:
        nonlocal asked_for
        asked_for += 1
        asked.json["routing_preferences"] = []
        asked.changed()

    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(Asks, prefers))
        async with gateway(config, filters=True) as gate, connected(gate.port) as client:
            client.send(post(ASK))
            await client.reply()
            assert asked_for == 1
            await until(lambda: len(gate.records) == 1)


async def test_events_that_a_filter_hears_without_a_word_are_the_very_bytes() -> None:
    heard = []
    async with upstream() as fake:
        config = filtered(fake.endpoint, scripted(Hears, lambda e: heard.append(e.json)))
        async with gateway(config) as gate, connected(gate.port) as client:
            for _ in range(2):
                client.send(post(ASK))
                reply = await client.reply()
                assert reply.status == 200
                assert reply.body.startswith(b'{"id": "chatcmpl-1"')
            assert len(heard) == 2
            assert [one.bytes_sent for one in gate.records] == [len(reply.body)] * 2
