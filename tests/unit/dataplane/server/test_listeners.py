"""Ports come, change and go while clients are at work."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dataplane.runtime.config import Listener, ListenerKind, RuntimeConfig
from dataplane.server.listeners import ListenFailedError
from tests.support.gateway import gateway, model_config
from tests.support.ports import free_port
from tests.support.raw_client import connected, post
from tests.support.upstream import Received, Step, chunk, chunked_head, json_answer, upstream
from tests.support.wait import until

ASK = b'{"model":"gpt","messages":[]}'


def with_listeners(config: RuntimeConfig, *listeners: Listener) -> RuntimeConfig:
    return replace(config, listeners={listener.name: listener for listener in listeners})


async def test_changed_listener_keeps_its_socket_and_its_connections() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        before = gate.listeners.bound()
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        await gate.listeners.reconcile(model_config(fake.endpoint, models=("new",)))
        assert gate.listeners.bound() == before
        client.send(post(ASK))
        assert (await client.reply()).status == 404
        client.send(post(b'{"model":"new"}'))
        assert (await client.reply()).status == 200
        assert fake.accepted == 1


async def test_unchanged_routes_keep_what_was_compiled() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        ((_, sock),) = gate.listeners._open.values()
        before = sock.host.serving
        await gate.listeners.reconcile(replace(before.config, version="2"))
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        after = sock.host.serving
        assert after is not before
        assert after.lanes[0]["gpt"] == before.lanes[0]["gpt"]


async def test_running_request_ends_on_the_config_it_began_with() -> None:
    go_on = asyncio.Event()

    async def waits(received: Received) -> AsyncIterator[Step]:
        yield chunked_head() + chunk(b"a")
        await go_on.wait()
        yield chunk(b"b") + b"0\r\n\r\n"

    async with (
        upstream(waits) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        await until(lambda: len(fake.requests) == 1)
        await gate.listeners.reconcile(model_config(models=()))
        await gate.listeners.reconcile(RuntimeConfig())
        assert gate.listeners.bound() == {}
        go_on.set()
        reply = await client.reply()
        assert (reply.status, reply.body, reply.whole) == (200, b"ab", True)
        assert gate.records[0].provider == "openai/gpt"
        client.send(post(ASK))  # nobody told the client that it was the last one
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (404, "close")
        assert await client.closed()


async def test_renamed_listener_keeps_its_socket() -> None:
    async with upstream() as fake:
        config = model_config(fake.endpoint)
        port = free_port()
        old = replace(config.listeners["m"], port=port)
        async with gateway(with_listeners(config, old)) as gate, connected(port) as client:
            await gate.listeners.reconcile(with_listeners(config, replace(old, name="n")))
            assert gate.listeners.bound() == {"n": ("127.0.0.1", port)}
            client.send(post(ASK))
            assert (await client.reply()).status == 200
            assert gate.records[0].listener == "n"


async def test_taken_port_changes_nothing() -> None:
    async with upstream() as fake:
        config = model_config(fake.endpoint)
        first = config.listeners["m"]
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            async with gateway(config) as gate, connected(gate.port) as client:
                before = gate.listeners.bound()
                wished = with_listeners(
                    model_config(fake.endpoint, models=("other",)),
                    replace(first, by_model={}),
                    replace(first, name="a", kind=ListenerKind.MODEL),
                    replace(first, name="b", port=port),
                )
                with pytest.raises(ListenFailedError, match=f"listener b.*:{port}"):
                    await gate.listeners.reconcile(wished)
                assert gate.listeners.bound() == before
                client.send(post(ASK))
                assert (await client.reply()).status == 200


async def test_bad_address_is_a_refusal_with_its_name() -> None:
    config = model_config()
    bad = replace(config.listeners["m"], address="no such host")
    async with gateway(config) as gate:
        with pytest.raises(ListenFailedError, match="cannot listen on no"):
            await gate.listeners.reconcile(with_listeners(config, bad))


async def test_waiting_connections_of_a_gone_listener_are_served() -> None:
    async with upstream() as fake, gateway(model_config(fake.endpoint)) as gate:
        port = gate.port
        socks = []
        for _ in range(20):  # they wait in the queue: the loop gets no chance to accept
            sock = socket.create_connection(("127.0.0.1", port))
            sock.sendall(post(ASK, headers=b"connection: close\r\n"))
            sock.setblocking(False)
            socks.append(sock)
        await gate.listeners.reconcile(RuntimeConfig())
        loop = asyncio.get_running_loop()
        for sock in socks:
            async with asyncio.timeout(5):
                assert (await loop.sock_recv(sock, 100)).startswith(b"HTTP/1.1 200 ")
            sock.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_idle_connection_of_a_gone_listener_may_ask_once_more() -> None:
    async with (
        upstream() as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as client,
    ):
        client.send(post(ASK))
        assert (await client.reply()).status == 200
        await gate.listeners.reconcile(RuntimeConfig())
        await asyncio.sleep(0)
        client.send(post(ASK))
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await client.closed()


async def test_drain_lets_requests_finish_and_cuts_what_takes_too_long() -> None:
    async def slow(received: Received) -> AsyncIterator[Step]:
        if b"never" in received.body:
            await asyncio.Event().wait()
        await asyncio.sleep(0.05)
        yield json_answer()

    async with (
        upstream(slow) as fake,
        gateway(model_config(fake.endpoint)) as gate,
        connected(gate.port) as quick,
        connected(gate.port) as endless,
    ):
        quick.send(post(ASK))
        endless.send(post(b'{"model":"gpt","x":"never"}'))
        await until(lambda: len(fake.requests) == 2)
        await gate.listeners.drain(0.2)
        assert (await quick.reply()).status == 200
        assert (await endless.reply()).status == 0
        await until(lambda: fake.open == 1)  # the one that is kept


async def test_a_hundred_changes_under_load_lose_nothing() -> None:
    async with (
        upstream() as fake,
        upstream() as other,
        gateway(model_config(fake.endpoint)) as gate,
    ):
        port = gate.port
        stop = False
        done = 0

        async def ask() -> None:
            nonlocal done
            while not stop:
                async with connected(port) as client:
                    for _ in range(5):
                        client.send(post(ASK))
                        reply = await client.reply()
                        assert (reply.status, reply.whole) == (200, True)
                        done += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(ask())
            for number in range(100):
                endpoint = (fake if number % 2 else other).endpoint
                config = model_config(endpoint, models=("gpt", f"m{number}"))
                extra = replace(config.listeners["m"], name=f"x{number % 3}")
                await gate.listeners.reconcile(with_listeners(config, config.listeners["m"], extra))
                target = done + 2
                await until(lambda at_least=target: done >= at_least)  # type: ignore[misc]
            stop = True
        assert len(gate.records) == done


async def test_swap_of_a_thousand_routes_takes_no_time() -> None:
    config = model_config(models=tuple(f"m{n}" for n in range(1000)))
    async with gateway(config) as gate:
        loop = asyncio.get_running_loop()
        started = loop.time()
        for version in range(20):
            await gate.listeners.reconcile(replace(config, version=str(version)))
        assert loop.time() - started < 0.1
