"""Whose model it is, read from its name: what lies behind Converse differs by vendor.

Rule: a name that tells nothing (an application's inference profile, a provisioned model, ...) is
taken for Anthropic's: Bedrock names a field that a model does not take, it does not pass over it.
"""

import re
from functools import lru_cache

ANTHROPIC = "anthropic"
NOVA = "nova"
OPENAI = "openai"
COHERE = "cohere"
MISTRAL = "mistral"
OTHER = "other"

_OPAQUE = re.compile(
    r":(application-inference-profile|provisioned-model|custom-model|custom-model-deployment"
    r"|imported-model|prompt-router|prompt|endpoint)/"
)
_KNOWN = (
    (re.compile(r"anthropic|claude"), ANTHROPIC),
    (re.compile(r"amazon\.nova|nova-"), NOVA),
    (re.compile(r"openai\.|gpt-"), OPENAI),
    (re.compile(r"cohere\."), COHERE),
    (re.compile(r"mistral\."), MISTRAL),
)


@lru_cache(maxsize=256)
def family(model: str) -> str:
    """The vendor of a model, by its id or ARN, with or without a region's prefix."""
    name = model.lower()
    for pattern, vendor in _KNOWN:
        if pattern.search(name):
            return vendor
    return ANTHROPIC if _OPAQUE.search(name) else OTHER
