"""The credentials that a request shows us, in every form that SDKs send them. Pure.

The rule: which header carries a credential says nothing about what it is good for, so `Bearer ` is
taken off wherever it stands; and nothing but the head is read, never Host.
"""

from collections.abc import Iterator

from dataplane.server.credentials import key_of_query
from dataplane.server.heads import CREDENTIAL_NAMES, OWN_KEY, Names, Values

MAX_BYTES = 8192
"""Of a credential. The longest tokens with groups in them have about 4 KB; a head has 16."""
_BEARER = b"bearer "
_AWS = b"aws4-"


def shown(names: Names, values: Values, target: str, own_header: bool) -> Iterator[bytes]:
    """Credentials without their scheme, those of headers in the order of CREDENTIAL_NAMES."""
    wanted = (OWN_KEY,) if own_header else CREDENTIAL_NAMES
    lower = [name.lower() for name in names]
    for name in wanted:
        for at, candidate in enumerate(lower):
            if candidate == name and (text := bare(values[at])):
                yield text
    if not own_header and (query := target.partition("?")[2]):
        key = key_of_query(query)
        if key:
            yield key


def bare(value: bytes) -> bytes:
    """A credential without its scheme; empty for what cannot be one of ours."""
    if value[:7].lower() == _BEARER:
        value = value[7:].strip()
    if not value or b" " in value or len(value) > MAX_BYTES:
        return b""
    return value


def is_signed(names: Names, values: Values) -> bool:
    """Whether the request brings a signature of AWS, which only who has the secret can check."""
    return any(
        name.lower() == b"authorization" and value[:5].lower() == _AWS
        for name, value in zip(names, values, strict=True)
    )
