"""An endpoint that fails is left out for a while, and nobody is left out in silence."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession

from dataplane.runtime.cluster import NO_OUTLIERS, OutlierDetection
from dataplane.runtime.retry import Recovery
from tests.support.gateway import MovableClock
from tests.support.planes import planes
from tests.support.pool_of import NO_RETRIES, pool_of
from tests.support.raw_client import connected, post
from tests.support.upstream import (
    DONE,
    Close,
    Cut,
    always,
    chunk,
    chunked_head,
    event,
    json_answer,
    upstream,
)
from tests.support.wait import until

ILL = always(json_answer(b"{}", "500 Oops"))
QUICK = OutlierDetection(interval_s=0.1, max_ejection_percent=100.0)


@pytest.mark.parametrize("script", [ILL, always(Close())], ids=["500", "no_answer"])
async def test_endpoint_that_fails_is_ejected_and_comes_back(
    script: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = MovableClock()
    async with pool_of(script, None, outlier=QUICK, clock=clock) as pool:  # type: ignore[arg-type]
        assert set(await pool.statuses(30)) == {200}
        assert pool.endpoint(0).ejected_for_s > 0
        assert not pool.endpoint(0).picked
        ill = pool.asked()[0]
        assert await pool.statuses(20) == {200: 20}
        assert pool.asked()[0] == ill
        assert sum(pool.report.ejections.values()) == 1

        pool.upstreams[0].script = always(json_answer())
        clock.ahead_s += 34.0
        await until(lambda: pool.endpoint(0).ejected_for_s == 0.0)
        assert await pool.statuses(20) == {200: 20}
        assert pool.asked()[0] > ill
    told = [record.getMessage() for record in caplog.records]
    assert any("is left out" in line for line in told)
    assert any("is asked again" in line for line in told)


async def test_endpoint_whose_streams_break_off_each_time_is_ejected() -> None:
    breaks = always(chunked_head() + chunk(event("Ra")), Cut())
    whole = always(chunked_head() + chunk(event("Rain.") + DONE) + b"0\r\n\r\n")
    retry = replace(NO_RETRIES, stream_recovery=Recovery.ERROR)
    body = b'{"model":"gpt","stream":true,"messages":[]}'
    async with pool_of(breaks, whole, retry=retry, outlier=QUICK) as pool:
        for _ in range(40):
            async with connected(pool.gate.port) as client:
                client.send(post(body))
                await client.reply()
            if pool.endpoint(0).ejected_for_s:
                break
        assert pool.endpoint(0).ejected_for_s > 0
        assert (pool.endpoint(0).answers, pool.endpoint(0).failures) == (0, 5)
        assert pool.endpoint(1).failures == 0


async def test_last_endpoint_is_never_ejected_and_that_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with pool_of(ILL, ILL, retry=NO_RETRIES, outlier=QUICK) as pool:
        await pool.statuses(40)
        assert sum(one.ejected_for_s > 0 for one in pool.report.endpoints) == 1
        assert pool.report.kept["last"] > 0
        left = next(n for n, one in enumerate(pool.report.endpoints) if one.ejected_for_s == 0)
        pool.upstreams[left].script = always(json_answer())
        assert (await pool.statuses(12))[200] >= 2  # (the breaker of the cluster has opened, too)
    assert any("the last one left" in record.getMessage() for record in caplog.records)


async def test_single_endpoint_is_asked_whatever_it_does() -> None:
    async with pool_of(ILL, retry=NO_RETRIES, outlier=QUICK) as pool:
        assert await pool.statuses(10) == {500: 10}
        assert pool.asked() == [10]


async def test_percentage_keeps_the_others_in_and_panic_asks_everybody() -> None:
    rules = OutlierDetection(max_ejection_percent=50.0)
    async with pool_of(ILL, ILL, ILL, None, retry=NO_RETRIES, outlier=rules) as pool:
        for _ in range(60):
            await pool.ask()
        assert sum(one.ejected_for_s > 0 for one in pool.report.endpoints) == 2
        assert pool.report.kept["percent"] > 0


async def test_refusals_of_what_was_asked_eject_nobody() -> None:
    refuses = always(json_answer(b"{}", "400 Bad Request"))
    async with pool_of(refuses, refuses, outlier=QUICK) as pool:
        assert await pool.statuses(30) == {400: 30}
        assert not any(one.ejected_for_s for one in pool.report.endpoints)


async def test_switched_off_nobody_is_ejected() -> None:
    async with pool_of(ILL, None, outlier=NO_OUTLIERS) as pool:
        await pool.statuses(30)
        assert not any(one.ejected_for_s for one in pool.report.endpoints)


async def test_what_an_operator_writes_is_what_happens(tmp_path: Path) -> None:
    async with upstream(ILL) as ill, upstream() as well, ClientSession() as http:
        urls = [f"http://127.0.0.1:{one.endpoint.port}/v1" for one in (ill, well)]
        config = {
            "version": "v0.4.0",
            "listeners": [{"type": "model", "name": "models", "address": "127.0.0.1", "port": 0}],
            "model_providers": [
                {
                    "name": "llama",
                    "model": "vllm/llama",
                    "endpoints": urls,
                    "load_balancing": {"policy": "round_robin"},
                    "outlier_detection": {"consecutive_5xx": 2, "base_ejection_time": "200s"},
                }
            ],
        }
        async with planes(json.dumps(config), tmp_path) as p:
            body = {"model": "llama", "messages": [{"role": "user", "content": "hi"}]}
            for _ in range(12):
                async with http.post(f"{p.url('models')}/v1/chat/completions", json=body) as reply:
                    assert reply.status == 200
            assert len(ill.requests) == 2
            (cluster,) = p.workers[0].clusters.each()
            assert [one.ejected_for_s > 100 for one in cluster.endpoints] == [True, False]
            families = {family.name: family.samples for family in p.workers[0].families()}
            ejections = families["outrider_cluster_ejections_total"]
            assert ejections[cluster.name, "consecutive_5xx"] == 1
