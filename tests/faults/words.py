"""What every healthy request is answered with: the same sixty words, one token each."""

ANSWER = (
    "Before the river meets the sea it slows, spreads and forgets its name; boats that left the"
    " mountains with snow on their decks arrive in warm rain, and the people who unload them speak"
    " softly of stone, of pine, and of a light that stayed on the peaks long after evening had come"
    " down to cover the quiet harbour towns"
)


def tokens_of(text: str) -> list[str]:
    """Words as a model makes them: each but the first begins with its space."""
    first, *rest = text.split(" ")
    return [*filter(None, (first,)), *(f" {word}" for word in rest)]


TOKENS = tokens_of(ANSWER)
PROMPT_TOKENS = 12
