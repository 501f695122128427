"""What makes two requests the same.

Rule: everything in a request counts but what says nothing about its answer; and whose it is counts,
so that nobody gets what another's credential has paid for or could see.
"""

import hashlib
from typing import Any

import msgspec

from dataplane.runtime.messages import Request

_IRRELEVANT = frozenset(
    ("user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
)
"""Members of a body that change no answer: labels, and hints to a provider's own cache."""
_HEADERS = ("anthropic-beta", "anthropic-version", "openai-beta")
_encode = msgspec.json.Encoder(order="deterministic").encode


def request_key(request: Request, operation: str, body: Any, owner: str, salt: str) -> str:
    """:param body: the decoded body of the request.
    :param salt: of the filter: what belongs to one is none of another's.
    """
    said = {name: value for name, value in body.items() if name not in _IRRELEVANT}
    headers = [request.header(name) for name in _HEADERS]
    # Gemini and Converse have the model and whether they stream in the path.
    where = [operation, request.path, request.query, owner, salt, headers]
    return hashlib.sha256(_encode([where, said])).hexdigest()
