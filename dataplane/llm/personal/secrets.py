"""Keys, tokens and passwords, by the forms that their makers gave them.

Rule: only the secret itself is found: of `password = hunter2` and of an address with a password in
it the part that must not be seen.
"""

from collections.abc import Iterator

import re2

Span = tuple[int, int]

_TOKENS = (
    r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}",  # AWS
    r"gh[pousr]_[0-9A-Za-z]{36,255}",
    r"github_pat_[0-9A-Za-z_]{22,255}",
    r"glpat-[0-9A-Za-z_-]{20,64}",
    r"xox[abeoprs]-[0-9A-Za-z-]{10,250}",  # Slack
    r"xapp-\d-[0-9A-Za-z-]{20,250}",
    r"[rsp]k_(?:live|test)_[0-9A-Za-z]{16,250}",  # Stripe
    r"whsec_[0-9A-Za-z]{24,250}",
    r"sk-(?:ant-|proj-|svcacct-|or-)?[0-9A-Za-z_-]{20,250}",  # OpenAI, Anthropic, OpenRouter
    r"xai-[0-9A-Za-z]{40,250}",
    r"gsk_[0-9A-Za-z]{40,250}",  # Groq
    r"AIza[0-9A-Za-z_-]{35}",  # Google
    r"ya29\.[0-9A-Za-z_-]{20,500}",
    r"GOCSPX-[0-9A-Za-z_-]{20,64}",
    r"hf_[0-9A-Za-z]{30,64}",
    r"npm_[0-9A-Za-z]{36}",
    r"pypi-[0-9A-Za-z_-]{50,500}",
    r"SG\.[0-9A-Za-z_-]{16,64}\.[0-9A-Za-z_-]{16,64}",  # SendGrid
    r"dop_v1_[0-9a-f]{64}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}",  # JWT
    r"or-[0-9a-zA-Z]{40,64}",  # (our own keys)
)
_TOKEN = re2.compile(rf"\b({'|'.join(_TOKENS)})(?:[^0-9A-Za-z]|$)")
_PRIVATE_KEY = re2.compile(
    r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----[^-]*(?:-----END [A-Z ]*-----)?"
)
_ASSIGNED = re2.compile(
    r"(?i)(?:pass(?:word|wd|phrase)|secret|(?:api|access|private)[_-]?key|token)"
    r"[\"']?\s{0,4}(?:[:=]|=>|\bis\b)\s{0,4}"
    r"(?:[\"']([^\"'\s]{8,256})[\"']|([^\s\"',;)}\]]{8,256}))"
)
_BEARER = re2.compile(r"(?i)\b(?:bearer|basic)\s+([0-9A-Za-z+/=._~-]{16,})")
_IN_ADDRESS = re2.compile(r"\b[a-z][a-z0-9+.-]*://[^\s:/@]*:([^\s/@]+)@")
_PLACEHOLDERS = re2.compile(r"(?i)[<\[{$*x.]|your|example|changeme|redacted|none|null")


def secrets(text: str, begin: int) -> Iterator[Span]:
    """Keys, tokens, private keys, passwords in assignments and in addresses."""
    for found in _TOKEN.finditer(text, begin):
        yield found.span(1)
    if "-----BEGIN" in text:
        for found in _PRIVATE_KEY.finditer(text, begin):
            yield found.span()
    if "://" in text:
        for found in _IN_ADDRESS.finditer(text, begin):
            yield found.span(1)
    for found in _BEARER.finditer(text, begin):
        yield found.span(1)
    for found in _ASSIGNED.finditer(text, begin):
        group = 1 if found[1] is not None else 2
        said = found[group]
        # "the password is required" is no password: one has more than letters.
        if not said.isalpha() and not _PLACEHOLDERS.match(said):
            yield found.span(group)
