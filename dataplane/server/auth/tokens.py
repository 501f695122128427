"""A JSON Web Token -> who shows it, or why it is not good.

PyJWT checks signature, issuer, audience and times; here is which key it may use, and what the
claims say of the caller.
"""

from collections.abc import Callable
from typing import Any

import jwt
from jwt import exceptions

from dataplane.runtime.auth import Jwt
from dataplane.runtime.principal import Principal
from dataplane.server.auth.key_set import KeySet

MAX_CHARS = 256
"""Of an id or a tenant: they are in logs, and what is kept by them must not be cut."""
MAX_MODELS = 1000


class NotOursError(Exception):
    """Whatever it is, nobody we trust has signed it for us."""


class KeysMissingError(Exception):
    """It cannot be checked now."""


class BadTokenError(Exception):
    """Ours, and not good: the text says why."""


class NotAllowedError(Exception):
    """Good, and it opens nothing."""


class Tokens:
    """The tokens of one issuer."""

    def __init__(self, rules: Jwt, keys: KeySet, wanted: Callable[[], None]) -> None:
        """`wanted` is called when keys should be asked for."""
        self._rules = rules
        self._set = keys
        self._wanted = wanted

    @property
    def generation(self) -> object:
        """Another one when the keys have changed."""
        return self._set.keys

    def check(self, token: bytes, now: float) -> tuple[Principal, float]:
        """Who shows a token, and until when (Unix time) it is good.

        Raises NotOursError, KeysMissingError, BadTokenError, NotAllowedError.
        """
        claims = self._verified(token, now)
        return self._principal(claims), float(claims["exp"])

    def _verified(self, token: bytes, now: float) -> dict[str, Any]:
        rules = self._rules
        try:
            header = jwt.get_unverified_header(token)
        except (exceptions.PyJWTError, ValueError, RecursionError) as problem:
            raise NotOursError from problem
        algorithm, kid = header.get("alg"), header.get("kid", "")
        if not (isinstance(algorithm, str) and isinstance(kid, str)):
            raise NotOursError
        if algorithm not in rules.algorithms:
            raise NotOursError
        key = self._set.find(kid, now)
        if key is None:
            if self._set.asked:
                self._wanted()
                raise KeysMissingError
            if self._set.keys is None:
                raise KeysMissingError
            raise NotOursError
        if algorithm not in key.algorithms:
            raise NotOursError
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.material,
                algorithms=[algorithm],
                audience=rules.audiences,
                issuer=rules.issuer,
                leeway=rules.leeway_s,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (exceptions.InvalidSignatureError, exceptions.InvalidIssuerError) as problem:
            raise NotOursError from problem
        except exceptions.ExpiredSignatureError as problem:
            raise BadTokenError("has expired") from problem
        except exceptions.ImmatureSignatureError as problem:
            raise BadTokenError("is not good yet") from problem
        except exceptions.InvalidAudienceError as problem:
            raise BadTokenError("is meant for another audience") from problem
        except exceptions.MissingRequiredClaimError as problem:
            raise BadTokenError(f"has no claim `{problem.claim}`") from problem
        except (exceptions.PyJWTError, ValueError, TypeError, RecursionError) as problem:
            raise NotOursError from problem
        return claims

    def _principal(self, claims: dict[str, Any]) -> Principal:
        rules = self._rules
        who = _text(claims, rules.id_claim)
        if not who:
            raise BadTokenError(f"has no claim `{rules.id_claim}` that names its caller")
        tenant = _text(claims, rules.tenant_claim) if rules.tenant_claim else ""
        return Principal(who, tenant, self._models(claims), "jwt")

    def _models(self, claims: dict[str, Any]) -> frozenset[str]:
        """Never empty where a claim is asked for: that would mean everything."""
        name = self._rules.models_claim
        if not name:
            return frozenset()
        said = claim(claims, name)
        words = said.split() if isinstance(said, str) else said
        if not isinstance(words, list) or len(words) > MAX_MODELS:
            words = []
        models = frozenset(word for word in words if isinstance(word, str) and word)
        if not models:
            raise NotAllowedError(f"The token's claim `{name}` names no model.")
        return models


def claim(claims: dict[str, Any], name: str) -> object:
    """A claim by its name, or by a path of names with dots."""
    if name in claims:
        return claims[name]
    found: object = claims
    for step in name.split("."):
        if not isinstance(found, dict) or step not in found:
            return None
        found = found[step]
    return found


def _text(claims: dict[str, Any], name: str) -> str:
    """A claim that is a short printable text; empty when it is not."""
    said = claim(claims, name)
    if not isinstance(said, str) or len(said) > MAX_CHARS or not said.isprintable():
        return ""
    return said
