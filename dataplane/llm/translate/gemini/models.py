"""What a model of Google's can, by its name."""

import re

_GENERATION = re.compile(r"gemini-(\d+)")
SKIP_VALIDATION = "skip_thought_signature_validator"
"""Google's own word for calls that another model has made: Gemini 3 refuses calls of the present
turn that have no signature (ai.google.dev, "Thought signatures")."""


def generation(model: str) -> int:
    """3 for "models/gemini-3-pro-preview"; 0 when the name does not tell."""
    found = _GENERATION.search(model)
    return int(found[1]) if found is not None and len(found[1]) < 4 else 0
