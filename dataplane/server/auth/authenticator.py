"""Who calls a listener: the head of a request -> its Principal, or why there is none.

The rules. It is asked before a route is looked for and, where a body is still coming, before that
is read. What was accepted is remembered by its very bytes, so that the next request costs one
look-up; never longer than RECHECK_S, never past its end, never past a change of the config.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from dataplane.runtime.auth import ApiKey, Auth
from dataplane.runtime.messages import Headers, LocalReply, ResponseDetail
from dataplane.runtime.principal import Principal
from dataplane.server.auth.shown import bare, is_signed, shown

if TYPE_CHECKING:
    from dataplane.server.auth.tokens import Tokens
    from dataplane.server.incoming import Incoming

MAX_ACCEPTED = 4096
"""Credentials remembered for each listener; the oldest goes."""
RECHECK_S = 60.0
"""An end that is told by the wall clock is met this late at most when that clock is set."""

Keys = Mapping[bytes, ApiKey]


class Authenticator:
    """Of one listener, under one configuration."""

    __slots__ = (
        "_accepted",
        "_auth",
        "_generation",
        "_keys",
        "_listener",
        "_own_header",
        "_reads_heads",
        "_tokens",
        "_wall",
    )

    def __init__(
        self,
        auth: Auth,
        listener: str,
        keys: Keys,
        wall: Callable[[], float],
        tokens: "Tokens | None" = None,
    ) -> None:
        self._tokens = tokens
        self._generation: object = None
        self._auth = auth
        self._own_header = auth.own_header
        self._reads_heads = auth.reads_heads
        self._listener = listener
        self._keys = keys
        self._wall = wall
        self._accepted: dict[bytes, tuple[Principal, float]] = {}
        """By the bytes of a header's value: who it is, and until when (on Clock.now())."""

    def made_of(self, auth: Auth | None, listener: str, keys: Keys) -> bool:
        """Whether a new configuration says the very same things as when this was made."""
        return self._auth is auth and self._listener == listener and self._keys is keys

    def refusal(self, incoming: "Incoming") -> LocalReply | None:
        """Find out who calls; why the request is refused, or None when it may go on."""
        if not self._reads_heads:
            return self._missing() if self._auth.required else None
        shape = incoming.shape
        at = shape.own_key if self._own_header else shape.credential
        if at >= 0:
            found = self._accepted.get(incoming.values[at])
            if found is not None and incoming.started < found[1]:
                incoming.principal = found[0]
                return None
        return self._look(incoming, at)

    def _look(self, incoming: "Incoming", at: int) -> LocalReply | None:
        """Check everything that is shown; the first that is good counts."""
        reasons: list[LocalReply] = []
        names, values = incoming.names, incoming.values
        for text in shown(names, values, incoming.target, self._auth.own_header):
            found = self._check(text, incoming.started)
            if isinstance(found, LocalReply):
                reasons.append(found)
            elif found is not None:
                if at >= 0 and bare(values[at]) == text:
                    self._remember(values[at], found)
                incoming.principal = found[0]
                return None
            else:
                reasons.append(_UNKNOWN)
        if is_signed(names, values) and not self._auth.own_header:
            reasons.append(_SIGNED)
        # A credential of ours that is not good any more is told, rather than let in as nobody.
        telling = [reason for reason in reasons if reason is not _UNKNOWN and reason is not _SIGNED]
        if telling:
            return telling[0]
        if not self._auth.required:
            return None
        return reasons[0] if reasons else self._missing()

    def _check(self, text: bytes, now: float) -> tuple[Principal, float] | LocalReply | None:
        """Who shows a credential, and until when that is so; None when it is not of ours."""
        if self._auth.api_keys:
            key = self._keys.get(sha256(text).digest())
            if key is not None:
                return self._check_key(key, now)
        tokens = self._tokens
        if tokens is not None and text.startswith(b"ey") and text.count(b".") == 2:
            if tokens.generation is not self._generation:
                self._generation = tokens.generation
                self._accepted.clear()  # by keys that may be gone
            return self._check_token(tokens, text, now)
        return None

    def _check_token(
        self, tokens: "Tokens", text: bytes, now: float
    ) -> tuple[Principal, float] | LocalReply | None:
        from dataplane.server.auth import tokens as reasons

        try:
            principal, until = tokens.check(text, now)
        except reasons.NotOursError:
            return None
        except reasons.KeysMissingError:
            return _UNAVAILABLE
        except reasons.BadTokenError as problem:
            return _unauthenticated(f"The token {problem}.", _INVALID)
        except reasons.NotAllowedError as problem:
            return _forbidden(str(problem))
        left_s = until + self._auth.leeway_s - self._wall()
        return principal, now + min(left_s, RECHECK_S)

    def _check_key(self, key: ApiKey, now: float) -> tuple[Principal, float] | LocalReply:
        if key.disabled:
            return _unauthenticated("The API key is disabled.", _INVALID)
        left_s = key.expires - self._wall()
        if left_s <= 0:
            return _unauthenticated("The API key has expired.", _INVALID)
        if key.listeners and self._listener not in key.listeners:
            return _forbidden("The API key is not for this listener.")
        return key.principal, now + min(left_s, RECHECK_S)

    def _remember(self, value: bytes, found: tuple[Principal, float]) -> None:
        accepted = self._accepted
        accepted.pop(value, None)
        if len(accepted) >= MAX_ACCEPTED:
            del accepted[next(iter(accepted))]
        accepted[value] = found

    def _missing(self) -> LocalReply:
        auth = self._auth
        what = " or ".join(
            word
            for word, wanted in (("an API key", auth.api_keys), ("a token", auth.jwt is not None))
            if wanted
        )
        if not what:
            message = (
                "This listener wants a client certificate, and none was shown that is good here."
            )
            return LocalReply(401, message, ResponseDetail.UNAUTHENTICATED)
        where = "in `x-outrider-key`" if auth.own_header else "as `Authorization: Bearer ...`"
        return _unauthenticated(f"This listener wants {what}, {where}; none was given.", "")


def _challenge(error: str) -> Headers:
    return (("www-authenticate", f'Bearer realm="outrider"{error}'),)


def _unauthenticated(message: str, error: str) -> LocalReply:
    return LocalReply(401, message, ResponseDetail.UNAUTHENTICATED, _challenge(error))


def _forbidden(message: str) -> LocalReply:
    challenge = _challenge(', error="insufficient_scope"')
    return LocalReply(403, message, ResponseDetail.FORBIDDEN, challenge)


_INVALID = ', error="invalid_token"'
_UNKNOWN = _unauthenticated("The credential is not one that is known here.", _INVALID)
_UNAVAILABLE = LocalReply(
    503,
    "The keys of the token's issuer are not there yet.",
    ResponseDetail.AUTH_UNAVAILABLE,
    (("retry-after", "1"),),
)
_SIGNED = _unauthenticated(
    "A signature of AWS cannot be verified here: show an API key as a Bedrock API key"
    " (AWS_BEARER_TOKEN_BEDROCK).",
    _INVALID,
)
