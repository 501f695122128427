"""Limits: what is allowed passes, what is too much is a 429 in the caller's own words, and nothing
leaks: not over workers, not over broken streams, not over the end of a control plane.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from random import Random

import anthropic
import openai
import pytest
from aiohttp import ClientResponse, ClientSession

from tests.support.planes import Planes, planes
from tests.support.stores import redis_server
from tests.support.upstream import (
    FakeUpstream,
    Received,
    Script,
    Step,
    always,
    chunk,
    chunked_head,
    event,
    json_answer,
    upstream,
)
from tests.support.wait import until

TOKENS = 210
"""What the fake provider says each answer has used."""
CONFIG = """\
version: v0.4.0
model_providers:
  - model: house/m-1
    base_url: http://127.0.0.1:{port}/base
    access_key: $HOUSE_KEY
    apis: [chat, embeddings, messages]
listeners:
  - {{type: model, name: models, address: 127.0.0.1, port: 0, retry: {{num_retries: 0}}}}
"""
ASK = {"model": "house/m-1", "messages": [{"role": "user", "content": "Weather?"}]}


class House:
    """Both planes with a fake provider."""

    def __init__(self, made: Planes, provider: FakeUpstream, http: ClientSession) -> None:
        self.planes = made
        self.provider = provider
        self.http = http

    async def ask(
        self,
        worker: int = 0,
        headers: Mapping[str, str] | None = None,
        path: str = "/v1/chat/completions",
        **more: object,
    ) -> ClientResponse:
        """One request, with its whole answer."""
        url = self.planes.url("models", worker) + path
        answer = await self.http.post(url, json={**ASK, **more}, headers=headers)
        await answer.read()
        return answer

    async def statuses(self, count: int, workers: int = 1, **more: object) -> list[int]:
        """The statuses of as many requests, one after the other, over the workers in turn."""
        return [(await self.ask(n % workers, **more)).status for n in range(count)]  # type: ignore[arg-type]

    async def settled(self) -> None:
        """Wait until what was reserved is settled and told."""
        books = [worker.limits.quotas.book for worker in self.planes.workers]
        await until(lambda: not any(h.reserved for b in books for h in b.holdings.values()))


@asynccontextmanager
async def house(
    directory: Path,
    limits: str,
    script: Script | None = None,
    workers: int = 1,
    environ: Mapping[str, str] | None = None,
    config: str = CONFIG,
) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(upstream(script or always(json_answer())))
        text = config.format(port=provider.endpoint.port) + limits
        variables = {"HOUSE_KEY": "sk-house", **(environ or {})}
        made = await stack.enter_async_context(
            planes(text, directory, environ=variables, workers=workers)
        )
        http = await stack.enter_async_context(ClientSession())
        yield House(made, provider, http)


async def test_requests_pass_up_to_the_limit_and_no_further(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 3, window: 1h}}]\n"
    async with house(tmp_path, limits) as gateway:
        assert await gateway.statuses(5) == [200, 200, 200, 429, 429]
        assert len(gateway.provider.requests) == 3


async def test_workers_share_one_limit_exactly(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 20, window: 1h}}]\n"
    async with house(tmp_path, limits, workers=3) as gateway:
        answers = await asyncio.gather(*(gateway.ask(n % 3) for n in range(60)))
        statuses = [answer.status for answer in answers]
        assert (statuses.count(200), statuses.count(429)) == (20, 40)


async def test_what_one_worker_holds_unused_is_there_for_another(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 20, window: 1h}}]\n"
    async with house(tmp_path, limits, workers=2) as gateway:
        assert set(await gateway.statuses(10)) == {200}
        one, other = (worker.limits.quotas.book for worker in gateway.planes.workers)
        for _ in range(3):
            one.tick(asyncio.get_running_loop().time())
            one.wake()
            await asyncio.sleep(0)
        statuses = [(await gateway.ask(1)).status for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        assert other.connected


BODIES = [
    pytest.param("/v1/chat/completions", ("error", "code"), "rate_limit_exceeded", id="chat"),
    pytest.param("/v1/responses", ("error", "type"), "requests", id="responses"),
    pytest.param("/v1/messages", ("error", "type"), "rate_limit_error", id="messages"),
    pytest.param(
        "/v1beta/models/house%2Fm-1:generateContent",
        ("error", "status"),
        "RESOURCE_EXHAUSTED",
        id="gemini",
    ),
    pytest.param("/model/house%2Fm-1/converse", ("message",), None, id="converse"),
    pytest.param("/v1/embeddings", ("error", "type"), "requests", id="embeddings"),
]


@pytest.mark.parametrize(("path", "where", "word"), BODIES)
async def test_who_is_refused_reads_it_in_the_words_of_its_api(
    path: str, where: tuple[str, ...], word: str | None, tmp_path: Path
) -> None:
    limits = "limits: [{name: team, requests: {limit: 1, window: 1h}}]\n"
    async with house(tmp_path, limits) as gateway:
        assert (await gateway.ask()).status == 200
        answer = await gateway.ask(path=path)
        found = json.loads(await answer.read())
    assert answer.status == 429
    assert answer.headers["x-outrider-detail"] == "rate_limited"
    for key in where:
        found = found[key]
    assert found == word if word is not None else "Limit 'team'" in found
    if path.endswith("converse"):
        assert answer.headers["x-amzn-errortype"] == "ThrottlingException"
    # the bucket gives one an hour: the wait is told to the second
    assert 3590 <= int(answer.headers["retry-after"]) <= 3600
    assert 3590_000 <= int(answer.headers["retry-after-ms"]) <= 3600_000


async def test_every_answer_tells_what_is_left(tmp_path: Path) -> None:
    limits = """\
limits:
  - {name: wide, requests: {limit: 100, window: 1m}}
  - {name: narrow, requests: {limit: 2, window: 1m}, tokens: {limit: 10000, window: 1m}}
"""
    script = always(json_answer(extra=b"x-ratelimit-remaining-requests: 777\r\n"))
    async with house(tmp_path, limits, script) as gateway:
        first, second, third = [await gateway.ask(max_tokens=100) for _ in range(3)]
        theirs = await gateway.ask(path="/v1/messages", max_tokens=100)
    told = [answer.headers["x-ratelimit-remaining-requests"] for answer in (first, second, third)]
    assert told == ["1", "0", "0"]
    assert first.headers["x-ratelimit-limit-requests"] == "2"
    assert first.headers["x-ratelimit-reset-requests"] == "30s"
    assert 9800 <= int(first.headers["x-ratelimit-remaining-tokens"]) < 9900
    assert theirs.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert theirs.headers["anthropic-ratelimit-requests-reset"].endswith("Z")


async def test_callers_have_buckets_of_their_own(tmp_path: Path) -> None:
    limits = """\
limits:
  - name: team
    scope: {tenants: ["*"]}
    per: [tenant]
    tenant_header: X-Tenant
    requests: {limit: 2, window: 1h}
"""
    async with house(tmp_path, limits) as gateway:
        assert await gateway.statuses(3, headers={"x-tenant": "acme"}) == [200, 200, 429]
        assert await gateway.statuses(3, headers={"X-Tenant": "umbrella"}) == [200, 200, 429]
        assert await gateway.statuses(3) == [200, 200, 200]


async def test_a_limit_of_one_model_leaves_others_alone(tmp_path: Path) -> None:
    limits = """\
limits: [{name: other, scope: {models: ["house/m-1"]}, requests: {limit: 1, window: 1h}}]
model_aliases: {nick: {target: house/m-1}}
"""
    async with house(tmp_path, limits) as gateway:
        assert await gateway.statuses(2) == [200, 429]
        assert (await gateway.ask(model="nick")).status == 429


async def test_tokens_are_reserved_and_what_is_not_used_comes_back(tmp_path: Path) -> None:
    limits = "limits: [{name: team, tokens: {limit: 1000, window: 100h}}]\n"
    async with house(tmp_path, limits) as gateway:
        for _ in range(3):
            assert (await gateway.ask(max_tokens=300)).status == 200
            await gateway.settled()
        # 630 are used; 370 are left, and 400 would be reserved
        refused = await gateway.ask(max_tokens=400)
        assert refused.status == 429
        assert json.loads(await refused.read())["error"]["type"] == "tokens"
        await until(lambda: _left(gateway) == 1000 - 3 * TOKENS)
        await asyncio.sleep(0.11)  # a refusal holds so long
        assert (await gateway.ask(max_tokens=300)).status == 200


def _left(gateway: House, measure: str = "tokens") -> int:
    """What the control plane has, with what is out and not reserved."""
    ledger = gateway.planes.control.ledger
    levels = [int(one.level) + one.leased for one in ledger.standings(0.0) if one.id[1] == measure]
    return levels[0] if levels else -1


async def test_a_request_that_is_larger_than_the_bucket_is_told_so(tmp_path: Path) -> None:
    limits = "limits: [{name: team, tokens: {limit: 1000, window: 1h}}]\n"
    async with house(tmp_path, limits) as gateway:
        answer = await gateway.ask(max_tokens=5000)
        assert answer.status == 429
        assert "too large" in json.loads(await answer.read())["error"]["message"]
        assert "retry-after" not in answer.headers
        assert answer.headers["x-should-retry"] == "false"


def _stream(*tokens: str, usage: bool = False, ends: bool = True) -> Script:
    async def script(_: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for token in tokens:
            yield chunk(event(token))
        if usage:
            told = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}
            yield chunk(b"data: " + json.dumps(told).encode() + b"\n\n")
        if ends:
            yield chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"
        else:
            await asyncio.sleep(60)

    return script


async def _used(gateway: House) -> int:
    await gateway.settled()
    (book,) = [worker.limits.quotas.book for worker in gateway.planes.workers]
    return sum(h.total_spent for h in book.holdings.values() if h.id[1] == "tokens")


PLENTY = "limits: [{name: team, tokens: {limit: 100000, window: 1h}, concurrent: 1}]\n"


async def test_a_stream_that_tells_its_usage_is_charged_that(tmp_path: Path) -> None:
    async with house(tmp_path, PLENTY, _stream("a", "b", usage=True)) as gateway:
        assert (await gateway.ask(stream=True, max_tokens=500)).status == 200
        assert await _used(gateway) == 12


async def test_a_whole_answer_without_usage_is_charged_what_was_reserved(tmp_path: Path) -> None:
    async with house(tmp_path, PLENTY, _stream("a", "b")) as gateway:
        assert (await gateway.ask(stream=True, max_tokens=500)).status == 200
        assert 500 < await _used(gateway) < 560


async def test_a_stream_whose_client_leaves_is_charged_what_was_delivered(tmp_path: Path) -> None:
    script = _stream(*["word "] * 40, ends=False)
    async with house(tmp_path, PLENTY, script) as gateway:
        url = gateway.planes.url("models") + "/v1/chat/completions"
        async with gateway.http.post(url, json={**ASK, "stream": True, "max_tokens": 5000}) as got:
            seen = b""
            while seen.count(b"\n\n") < 40:
                seen += await got.content.readany()
            got.close()
        assert 40 <= await _used(gateway) < 120


async def test_requests_at_the_same_time_are_limited_and_free_again_at_once(
    tmp_path: Path,
) -> None:
    script = _stream("word ", ends=False)
    async with house(tmp_path, PLENTY, script) as gateway:
        url = gateway.planes.url("models") + "/v1/chat/completions"
        for _ in range(3):
            body = {**ASK, "stream": True}
            async with gateway.http.post(url, json=body) as got:
                await got.content.readany()
                refused = await gateway.ask(stream=True)
                assert refused.status == 429
                assert json.loads(await refused.read())["error"]["type"] == "concurrent"
                got.close()
            await gateway.settled()
            await asyncio.sleep(0.11)  # a refusal holds so long


async def test_errors_of_the_provider_cost_no_tokens(tmp_path: Path) -> None:
    script = always(json_answer(b'{"error": {"message": "no"}}', "500 Internal Server Error"))
    async with house(tmp_path, PLENTY, script) as gateway:
        assert (await gateway.ask(max_tokens=500)).status == 500
        assert await _used(gateway) == 0


async def test_a_limit_in_the_shadow_counts_and_lets_through(tmp_path: Path) -> None:
    limits = "limits: [{name: team, mode: shadow, requests: {limit: 1, window: 1h}}]\n"
    async with house(tmp_path, limits) as gateway:
        assert await gateway.statuses(3) == [200, 200, 200]
        outcomes = gateway.planes.workers[0].limits.quotas.outcomes
        assert outcomes["team", "shadow_refused"] == 2
        assert not any("ratelimit" in name for name in (await gateway.ask()).headers)


async def test_money_is_limited_by_the_prices_of_a_source(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("house/m-1: {input: 10, output: 100}\n")
    limits = f"""\
model_metrics_sources: [{{type: cost, provider: file, path: {prices}}}]
limits: [{{name: team, cost: {{limit: 0.05, window: 30d}}}}]
"""
    async with house(tmp_path / "planes", limits) as gateway:
        worker = gateway.planes.workers[0]
        await until(lambda: bool(worker.client.state.config.model_routing.prices))
        # an answer costs 112 x $10 + 98 x $100 a million: $0.01092
        statuses = []
        for _ in range(6):
            statuses.append((await gateway.ask(max_tokens=98)).status)
            await gateway.settled()
        assert statuses == [200] * 4 + [429] * 2
        answer = await gateway.ask(max_tokens=98)
        assert json.loads(await answer.read())["error"]["type"] == "cost"
        assert answer.headers["x-ratelimit-remaining-cost"] == "0.006320"


async def test_each_conversation_has_its_own_money(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("house/m-1: {input: 10, output: 100}\n")
    per = "per: ['header:x-model-affinity'], cost: {limit: 0.015, window: 30d}"
    limits = f"""\
model_metrics_sources: [{{type: cost, provider: file, path: {prices}}}]
limits: [{{name: talk, {per}}}]
"""
    async with house(tmp_path / "planes", limits) as gateway:
        worker = gateway.planes.workers[0]
        await until(lambda: bool(worker.client.state.config.model_routing.prices))
        statuses = []
        for talk in ("one", "one", "two"):
            headers = {"x-model-affinity": talk}
            statuses.append((await gateway.ask(headers=headers, max_tokens=98)).status)
            await gateway.settled()
        assert statuses == [200, 429, 200]


async def test_a_model_without_a_price_is_refused_unless_it_is_free(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("house/other: {input: 10, output: 100}\n")
    source = f"model_metrics_sources: [{{type: cost, provider: file, path: {prices}}}]\n"
    limits = "limits: [{name: team, cost: {limit: 5}%s}]\n"
    async with house(tmp_path / "planes", source + limits % "") as gateway:
        answer = await gateway.ask()
        assert answer.status == 429
        assert "price" in json.loads(await answer.read())["error"]["message"]
        free = source + limits % ", on_unknown_price: free"
        await gateway.planes.apply(CONFIG.format(port=gateway.provider.endpoint.port) + free)
        assert (await gateway.ask()).status == 200


async def test_agents_are_limited_too(tmp_path: Path) -> None:
    async with upstream(always(json_answer())) as agent, ClientSession() as http:
        config = f"""\
version: v0.4.0
agents: [{{id: hotels, url: "http://127.0.0.1:{agent.endpoint.port}"}}]
listeners:
  - type: agent
    name: travel
    address: 127.0.0.1
    port: 0
    agents: [{{id: hotels, description: books hotels}}]
limits: [{{name: team, tokens: {{limit: 3000, window: 100h}}, concurrent: 1}}]
"""
        async with planes(config, tmp_path) as made:
            statuses = []
            for _ in range(11):
                url = made.url("travel") + "/v1/chat/completions"
                async with http.post(url, json={**ASK, "max_tokens": 800}) as answer:
                    assert answer.headers["x-ratelimit-limit-tokens"] == "3000"
                    statuses.append(answer.status)
        # each uses 210 of 3000 in the end; the next must find about 810
        assert statuses == [200] * 11 or statuses.count(429) <= 1
        assert statuses[:10] == [200] * 10


async def test_an_operator_sees_who_has_used_what(tmp_path: Path) -> None:
    limits = "limits: [{name: team, per: [listener], requests: {limit: 5, window: 1h}}]\n"
    async with house(tmp_path, limits) as gateway:
        await gateway.statuses(3)
        worker = gateway.planes.workers[0]
        (shown,) = worker.limits.shown()["tightest"]
        assert (shown["limit"], shown["values"], shown["spent"]) == ("team", ("models",), 3)
        families = {family.name: family for family in worker.families()}
        assert families["outrider_limit_spent"].samples == {("team", "requests"): 3.0}
        assert families["outrider_limit_overshoot_bound"].samples == {("team", "requests"): 0.0}
        ledger = gateway.planes.control.ledger
        await until(lambda: [one.spent for one in ledger.standings(0.0)] == [3])


async def test_without_its_control_plane_a_worker_goes_on_with_its_share(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 4, window: 1h}}]\n"
    async with house(tmp_path, limits, workers=2) as gateway:
        assert await gateway.statuses(2) == [200, 200]
        book = gateway.planes.workers[1].limits.quotas.book
        await until(lambda: book.holders == 2)
        book.lost()
        book.expired()
        # what it knows is a full bucket, of which half is its share
        assert [(await gateway.ask(1)).status for _ in range(3)] == [200, 200, 429]


async def test_a_changed_limit_keeps_what_was_used(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: %d, window: 1h}}]\n"
    async with house(tmp_path, limits % 2) as gateway:
        assert await gateway.statuses(3) == [200, 200, 429]
        config = CONFIG.format(port=gateway.provider.endpoint.port)
        await gateway.planes.apply(config + limits % 4)
        await asyncio.sleep(0.11)  # a refusal holds so long
        assert await gateway.statuses(3) == [200, 200, 429]
        await gateway.planes.apply(config)
        assert await gateway.statuses(2) == [200, 200]


async def test_workers_share_a_limit_in_redis(tmp_path: Path) -> None:
    limits = """\
limits: [{name: team, requests: {limit: 20, window: 1h}, tokens: {limit: 1000000, window: 1h}}]
limits_storage: {type: redis, url: $LIMITS_URL}
"""
    with redis_server() as url:
        async with house(tmp_path, limits, workers=2, environ={"LIMITS_URL": url}) as gateway:
            books = [worker.limits.quotas.book for worker in gateway.planes.workers]
            await until(lambda: all(book.connected for book in books))
            answers = await asyncio.gather(*(gateway.ask(n % 2) for n in range(40)))
            statuses = [answer.status for answer in answers]
            assert (statuses.count(200), statuses.count(429)) == (20, 20)


@pytest.mark.parametrize(("held", "expected"), [("open", 200), ("closed", 429)])
async def test_a_redis_that_is_gone_is_held_as_configured(
    held: str, expected: int, tmp_path: Path
) -> None:
    limits = f"""\
limits: [{{name: team, requests: {{limit: 1, window: 1h}}}}]
limits_storage: {{type: redis, url: "redis://127.0.0.1:1/0", on_failure: {held}}}
"""
    async with house(tmp_path, limits) as gateway:
        assert await gateway.statuses(3) == [expected] * 3


@pytest.mark.slow
async def test_requests_at_the_same_time_are_counted_in_redis_too(tmp_path: Path) -> None:
    more = "limits_storage: {type: redis, url: $LIMITS_URL}\n"
    with redis_server() as url:
        environ = {"LIMITS_URL": url}
        async with house(
            tmp_path, PLENTY + more, _stream("word ", ends=False), 2, environ
        ) as gateway:
            books = [worker.limits.quotas.book for worker in gateway.planes.workers]
            await until(lambda: all(book.connected for book in books))
            address = gateway.planes.url("models") + "/v1/chat/completions"
            for _ in range(2):
                async with gateway.http.post(address, json={**ASK, "stream": True}) as got:
                    await got.content.readany()
                    assert (await gateway.ask(1, stream=True)).status == 429
                    got.close()
                await until(lambda: not any(h.reserved for h in books[0].holdings.values()))
                await asyncio.sleep(0.11)  # a refusal holds so long


async def test_a_caller_with_a_key_is_limited_by_its_name(tmp_path: Path) -> None:
    limits = f"""\
limits: [{{name: each, per: [key], scope: {{keys: ["*"]}}, requests: {{limit: 2, window: 1h}}}}]
api_keys:
  - {{name: anna, hash: sha256:{sha256(b"sk-outrider-of-anna-1").hexdigest()}}}
  - {{name: bert, hash: sha256:{sha256(b"sk-outrider-of-bert-1").hexdigest()}}}
"""
    config = CONFIG.replace("port: 0,", "port: 0, auth: {{api_keys: true}},")
    async with house(tmp_path, limits, config=config) as gateway:
        for name in ("anna", "bert"):
            headers = {"authorization": f"Bearer sk-outrider-of-{name}-1"}
            assert await gateway.statuses(3, headers=headers) == [200, 200, 429]
        shown = gateway.planes.workers[0].limits.shown()["tightest"]
        assert sorted(one["values"] for one in shown) == [("anna",), ("bert",)]


async def test_sdks_understand_the_refusal(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 1, window: 1h}}]\n"
    async with house(tmp_path, limits) as gateway:
        assert (await gateway.ask()).status == 200
        url = gateway.planes.url("models")
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="none", max_retries=0
        ) as client:
            with pytest.raises(openai.RateLimitError) as refused:
                await client.chat.completions.create(
                    model="house/m-1", messages=[{"role": "user", "content": "hi"}]
                )
        assert (refused.value.code, refused.value.type) == ("rate_limit_exceeded", "requests")
        async with anthropic.AsyncAnthropic(base_url=url, api_key="none", max_retries=0) as theirs:
            with pytest.raises(anthropic.RateLimitError):
                await theirs.messages.create(
                    model="house/m-1",
                    max_tokens=10,
                    messages=[{"role": "user", "content": "hi"}],
                )


@pytest.mark.slow
async def test_an_sdk_that_is_told_to_wait_gets_its_answer_then(tmp_path: Path) -> None:
    limits = "limits: [{name: team, requests: {limit: 4, window: 1s, burst: 1}}]\n"
    async with house(tmp_path, limits) as gateway:
        url = gateway.planes.url("models")
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="none", max_retries=3
        ) as client:
            for _ in range(4):
                await client.chat.completions.create(
                    model="house/m-1", messages=[{"role": "user", "content": "hi"}]
                )
        assert len(gateway.provider.requests) == 4


@pytest.mark.first
async def test_whenever_clients_leave_nothing_stays_reserved(tmp_path: Path) -> None:
    limits = """\
limits: [{name: team, tokens: {limit: 30000, window: 100h}, concurrent: 5}]
"""
    random = Random(4)

    async def slowly(_: Received) -> AsyncIterator[Step]:
        yield chunked_head()
        for _word in range(5):
            await asyncio.sleep(random.random() / 100)
            yield chunk(event("word "))
        yield chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"

    async with house(tmp_path, limits, slowly, workers=2) as gateway:

        async def client(n: int) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(random.random() / 10):
                    await gateway.ask(n % 2, stream=True, max_tokens=100)

        for _ in range(5):
            await asyncio.gather(*(client(n) for n in range(20)))
        await gateway.settled()
        ledger = gateway.planes.control.ledger
        books = [worker.limits.quotas.book for worker in gateway.planes.workers]

        def unused() -> bool:
            for book in books:
                book.return_all()
                book.wake()
            spent = sum(h.total_spent for b in books for h in b.holdings.values() if not h.returns)
            left = {one.id[1]: (one.leased, round(one.level)) for one in ledger.standings(0.0)}
            return left == {"tokens": (0, 30000 - spent), "concurrent": (0, 5)}

        await until(unused)
