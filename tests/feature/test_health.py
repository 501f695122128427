"""Endpoints are asked whether they are well, and left out while they are not."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from dataplane.runtime.cluster import HealthCheck, OutlierDetection
from tests.support.gateway import model_config
from tests.support.pool_of import NO_RETRIES, PoolOf, pool_of
from tests.support.upstream import FakeUpstream, Received, Script, Step, json_answer
from tests.support.wait import until

QUICK = HealthCheck(interval_s=0.03, timeout_s=0.5, healthy_threshold=2, unhealthy_threshold=2)


class Patient:
    """An upstream that says whether it is well."""

    def __init__(self, status: str = "200 OK", answer: str = "200 OK") -> None:
        self.status = status
        self.answer = answer
        self.asked: list[Received] = []

    async def __call__(self, received: Received) -> AsyncIterator[Step]:
        if received.line.startswith(b"GET"):
            self.asked.append(received)
            yield json_answer(b"{}", self.status)
        else:
            yield json_answer(status=self.answer)


def served(one: FakeUpstream) -> int:
    return sum(received.line.startswith(b"POST") for received in one.requests)


def scripts(*patients: Patient) -> tuple[Script, ...]:
    return tuple(one.__call__ for one in patients)


def is_well(pool: PoolOf, number: int) -> bool | None:
    return pool.endpoint(number).healthy


async def test_check_takes_an_endpoint_out_and_in(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ill, well = Patient("503 Unwell"), Patient()
    async with pool_of(*scripts(ill, well), health_check=QUICK) as pool:
        await until(lambda: is_well(pool, 0) is False and is_well(pool, 1) is True)
        assert await pool.statuses(10) == {200: 10}
        assert served(pool.upstreams[0]) == 0
        assert not pool.endpoint(0).picked
        ill.status = "200 OK"
        await until(lambda: is_well(pool, 0) is True)
        await pool.statuses(20)
        assert served(pool.upstreams[0]) > 0
        assert pool.report.checks["failed"] >= 1
    told = [record.getMessage() for record in caplog.records]
    assert any("is not well: it answered 503" in line for line in told)
    assert any("is well again" in line for line in told)


async def test_what_is_sent_carries_no_credential_and_the_right_host() -> None:
    patient = Patient()
    check = replace(QUICK, path="/health?deep=1", host="model.test")
    async with pool_of(*scripts(patient, Patient()), health_check=check):
        await until(lambda: bool(patient.asked))
        received = patient.asked[0]
        assert received.line == b"GET /health?deep=1 HTTP/1.1"
        assert received.header(b"host") == b"model.test"
        assert received.header(b"authorization") is None
        assert received.header(b"user-agent") == b"outrider-health-check"


async def test_silence_and_a_closed_port_are_no_good_answers() -> None:
    async def silent(received: Received) -> AsyncIterator[Step]:
        yield b"HTTP/1.1 "

    check = replace(QUICK, timeout_s=0.05)
    async with pool_of(silent, Patient().__call__, health_check=check) as pool:
        await until(lambda: is_well(pool, 0) is False)
        assert is_well(pool, 1) is not False


async def test_all_are_ill_and_are_asked_all_the_same_unless_panic_is_off() -> None:
    ill = (Patient("503 Unwell"), Patient("503 Unwell"))
    async with pool_of(*scripts(*ill), health_check=QUICK) as pool:
        await until(lambda: is_well(pool, 0) is False and is_well(pool, 1) is False)
        assert pool.report.panics
        assert await pool.statuses(5) == {200: 5}
        assert pool.report.panicked == 1

        ports = [one.endpoint for one in pool.upstreams]
        config = model_config(*ports, cluster={"health_check": QUICK})
        balancing = replace(config.clusters["c"].balancing, panic_threshold_percent=0.0)
        off = replace(config.clusters["c"], balancing=balancing)
        await pool.gate.listeners.reconcile(replace(config, clusters={"c": off}))
        reply = await pool.ask()
        assert (reply.status, reply.detail) == (503, "no_usable_endpoint")


async def test_good_check_brings_an_ejected_endpoint_back() -> None:
    patient = Patient(answer="500 Oops")
    rules = OutlierDetection(max_ejection_percent=100.0)
    slow = replace(QUICK, interval_s=0.3)
    async with pool_of(
        *scripts(patient, Patient()), retry=NO_RETRIES, health_check=slow, outlier=rules
    ) as pool:
        await until(lambda: is_well(pool, 0) is True)
        for _ in range(100):
            await pool.ask()
            if pool.report.ejections["consecutive_5xx"]:
                break
        assert pool.report.ejections["consecutive_5xx"] == 1
        patient.answer = "200 OK"
        await until(lambda: pool.report.unejections == 1)


async def test_checks_follow_the_configuration() -> None:
    first, second = Patient(), Patient()
    async with pool_of(*scripts(first, second), health_check=QUICK) as pool:
        await until(lambda: bool(first.asked) and bool(second.asked))
        left = model_config(pool.upstreams[1].endpoint, cluster={"health_check": QUICK})
        await pool.gate.listeners.reconcile(left)
        count, others = len(first.asked), len(second.asked)
        await until(lambda: len(second.asked) >= others + 3)
        assert len(first.asked) <= count + 1  # (one may have been on its way)
        await pool.gate.listeners.reconcile(model_config(pool.upstreams[1].endpoint))
        assert pool.endpoint(0).healthy is None
        tasks = pool.gate.services.clusters._checks._tasks._running
        await until(lambda: not tasks)
