"""Callers show tokens of an issuer; its keys are fetched, rotated, away, and back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.issuer import AUDIENCE, ISSUER, FakeIssuer, SigningKey, issuer, jwks
from tests.support.planes import Planes, planes
from tests.support.raw_client import Reply, connected, post
from tests.support.upstream import FakeUpstream, upstream
from tests.support.wait import until

CONFIG = f"""\
version: v0.4.0
listeners:
  - type: model
    name: models
    address: 127.0.0.1
    port: 0
    auth:
      jwt:
        issuer: "{ISSUER}"
        audiences: [{AUDIENCE}]
        claims: {{tenant: org, models: models}}
        KEYS
model_providers:
  - {{model: house/m-1, base_url: "http://127.0.0.1:PORT/v1", access_key: $HOUSE_KEY}}
  - {{model: house/m-2, base_url: "http://127.0.0.1:PORT/v1", access_key: $HOUSE_KEY}}
"""
CHAT = b'{"model":"house/m-1","messages":[{"role":"user","content":"hi"}]}'
OLD, NEW = SigningKey("EC", "old"), SigningKey("EC", "new")
ALLOWED: dict[str, Any] = {"org": "acme", "models": ["house/m-1"]}


@asynccontextmanager
async def house(folder: Path, keys: str) -> AsyncIterator[tuple[Planes, FakeUpstream]]:
    async with upstream() as fake:
        text = CONFIG.replace("PORT", str(fake.endpoint.port)).replace("KEYS", keys)
        async with planes(text, folder, environ={"HOUSE_KEY": "sk-house"}) as made:
            yield made, fake


@asynccontextmanager
async def published(folder: Path, *keys: SigningKey) -> AsyncIterator[tuple[Planes, FakeIssuer]]:
    async with issuer(*keys) as it, house(folder, f'jwks_uri: "{it.url}"') as (made, _):
        yield made, it


async def ask(made: Planes, token: str, body: bytes = CHAT) -> Reply:
    async with connected(int(made.url("models").rpartition(":")[2])) as client:
        client.send(post(body, headers=f"authorization: Bearer {token}\r\n".encode()))
        return await client.reply()


async def test_token_opens_what_its_claims_say(tmp_path: Path) -> None:
    async with published(tmp_path, OLD) as (made, _):
        token = OLD.token(**ALLOWED)
        assert (await ask(made, token)).status == 200
        other = CHAT.replace(b"m-1", b"m-2")
        assert (await ask(made, token, other)).detail == "forbidden"
        assert (await ask(made, OLD.token())).detail == "forbidden"
        expired = await ask(made, OLD.token(exp=1, **ALLOWED))
        assert (expired.status, b"has expired" in expired.body) == (401, True)
        assert (await ask(made, NEW.token({"kid": "old"}, **ALLOWED))).status == 401
    log = (tmp_path / "access.log").read_text()
    assert '"principal":"alice","tenant":"acme"' in log
    assert token not in log


async def test_new_key_of_an_issuer_is_fetched_when_it_is_shown(tmp_path: Path) -> None:
    async with published(tmp_path, OLD) as (made, it):
        assert (await ask(made, OLD.token(**ALLOWED))).status == 200
        it.keys = [OLD, NEW]
        issuers = made.workers[0]._issuers
        (known,) = issuers._issuers.values()
        known.keys._fetched_at = float("-inf")  # as if some time had passed
        asked = it.asked
        first = await ask(made, NEW.token(**ALLOWED))
        assert (first.status, first.headers["retry-after"]) == (503, "1")
        assert first.detail == "auth_unavailable"
        await until(lambda: it.asked == asked + 1 and "new" in (known.keys.keys or {}))
        assert (await ask(made, NEW.token(**ALLOWED))).status == 200
        for _ in range(5):
            assert (await ask(made, NEW.token({"kid": "made up"}))).status == 401
        assert it.asked == asked + 1, "strangers do not make us ask"


async def test_key_that_is_taken_back_opens_nothing_more(tmp_path: Path) -> None:
    async with published(tmp_path, OLD) as (made, it):
        assert (await ask(made, OLD.token(**ALLOWED))).status == 200
        it.keys = [NEW]
        (known,) = made.workers[0]._issuers._issuers.values()
        known.want()
        await until(lambda: "new" in (known.keys.keys or {}))
        assert (await ask(made, NEW.token(**ALLOWED))).status == 200
        assert (await ask(made, OLD.token(**ALLOWED))).status == 401


async def test_issuer_that_is_away_lets_nobody_in_and_breaks_nothing(tmp_path: Path) -> None:
    async with issuer(OLD) as it:
        it.status = 500
        async with house(tmp_path, f'jwks_uri: "{it.url}"') as (made, _):
            reply = await ask(made, OLD.token(**ALLOWED))
            assert (reply.status, reply.detail) == (503, "auth_unavailable")
            it.status = 200
            (known,) = made.workers[0]._issuers._issuers.values()
            known.want()
            await until(lambda: known.keys.keys is not None)
            assert (await ask(made, OLD.token(**ALLOWED))).status == 200
            it.status = 500
            asked = it.asked
            known.want()
            await until(lambda: it.asked > asked)
            assert (await ask(made, OLD.token(sub="bob", **ALLOWED))).status == 200, "still good"


async def test_keys_are_read_of_a_file_or_of_the_config_too(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(jwks(OLD).replace(",", ",\n"))
    for where in (f"jwks: file:{file}", f"jwks: '{jwks(OLD)}'"):
        async with house(tmp_path, where) as (made, _):
            assert (await ask(made, OLD.token(**ALLOWED))).status == 200
