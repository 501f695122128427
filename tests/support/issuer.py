"""An issuer of tokens: keys of every kind, and where they are published."""

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.test"
AUDIENCE = "outrider"


class SigningKey:
    """A private key with its public half as a JWK."""

    def __init__(self, kind: str = "EC", kid: str = "k1") -> None:
        self.kid = kid
        self.private: Any
        jwk: Any
        if kind == "RSA":
            self.private = rsa.generate_private_key(65537, 2048)
            self.algorithm, jwk = "RS256", RSAAlgorithm.to_jwk(self.private.public_key())
        elif kind == "OKP":
            self.private = ed25519.Ed25519PrivateKey.generate()
            self.algorithm, jwk = "EdDSA", OKPAlgorithm.to_jwk(self.private.public_key())
        else:
            self.private = ec.generate_private_key(ec.SECP256R1())
            self.algorithm, jwk = "ES256", ECAlgorithm.to_jwk(self.private.public_key())
        self.jwk: dict[str, Any] = {**json.loads(jwk), "kid": kid}

    def pem(self) -> bytes:
        """The private key, as files have it."""
        plain = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        made: bytes = self.private.private_bytes(*plain)
        return made

    def token(self, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A good token of alice, but for what is said otherwise; None takes a claim away."""
        said = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "alice",
            "exp": int(time.time()) + 600,  # noqa: TID251 - PyJWT has no other clock
            **claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(
            said,
            self.private,
            algorithm=self.algorithm,
            headers={"kid": self.kid, **(headers or {})},
        )


def unsigned(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """Whatever somebody puts together."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    return ".".join(
        (part(json.dumps(header).encode()), part(json.dumps(claims).encode()), part(signature))
    )


def jwks(*keys: SigningKey) -> str:
    """What an issuer publishes."""
    return json.dumps({"keys": [key.jwk for key in keys]})


class FakeIssuer:
    """Publishes keys; says how often it was asked."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.status = 200
        self.url = ""

    async def answer(self, _: web.Request) -> web.Response:
        """The keys of now."""
        self.asked += 1
        return web.Response(status=self.status, text=jwks(*self.keys))


@asynccontextmanager
async def issuer(*keys: SigningKey) -> AsyncIterator[FakeIssuer]:
    """Run one."""
    made = FakeIssuer(*keys)
    app = web.Application()
    app.router.add_get("/jwks.json", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
        yield made
    finally:
        await runner.cleanup()
