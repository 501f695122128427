"""What the semantic cache would answer with another's answer, and how much of it the guard stops.

    python -m tests.bench.near [DEV.jsonl] [--show]

Two measurements on the routing data (`make eval-router` reads the same file). Real ones: pairs of
messages of people; which of them are paraphrases, people must judge. Made ones: a message with one
of its words replaced by a word of another message of its scenario, with two words swapped, with
other numbers, or negated: all wrong, but for those where the word that changed says nothing.
`--show` prints what the guard lets through.
"""

import argparse
import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from dataplane.filters.cache.alike import may_share
from dataplane.intent.embed import load_encoder

DATA = Path("/work/shared/data/routing/dev.jsonl")
COSINES = (0.85, 0.9, 0.92, 0.95)
MADE = 300
"""Of each kind."""
NEGATED = {f" {word} ": f" {word} not " for word in ("is", "are", "can", "do", "was", "should")}
Spoil = Callable[[str, list[str], random.Random], str]


def replaced(text: str, others: list[str], rng: random.Random) -> str:
    """One long word is another's."""
    words, strangers = text.split(), [w for w in rng.choice(others).split() if len(w) > 3]
    places = [at for at, word in enumerate(words) if len(word) > 3]
    if places and strangers:
        words[rng.choice(places)] = rng.choice(strangers)
    return " ".join(words)


def swapped(text: str, _: list[str], rng: random.Random) -> str:
    """Two long words are in each other's place."""
    words = text.split()
    places = [at for at, word in enumerate(words) if len(word) > 3]
    if len(places) > 1:
        one, other = rng.sample(places, 2)
        words[one], words[other] = words[other], words[one]
    return " ".join(words)


def counted(text: str, _: list[str], rng: random.Random) -> str:
    """Its numbers are others."""
    return re.sub(r"\d{1,9}", lambda found: str(int(found[0]) + rng.randint(1, 9)), text)


def negated(text: str, _: list[str], __: random.Random) -> str:
    """It says "not"."""
    return next((text.replace(a, b, 1) for a, b in NEGATED.items() if a in text), text)


def read(path: Path) -> dict[str, list[str]]:
    """First messages by scenario, each once."""
    found: dict[str, dict[str, None]] = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if len(row["messages"]) == 1:
            found.setdefault(row["scenario"], {})[row["messages"][0]["content"]] = None
    return {name: list(texts) for name, texts in found.items()}


def spoilt(data: dict[str, list[str]], spoil: Spoil) -> Iterator[tuple[str, str]]:
    """Messages, each with what it must not be taken for."""
    rng = random.Random(7)
    both = [(text, texts) for texts in data.values() for text in texts if len(text) < 400]
    rng.shuffle(both)
    made = 0
    for text, texts in both:
        other = spoil(text, texts, rng)
        changed = other.lower() != text.lower()
        if spoil is not swapped:  # (it is the same words)
            changed = sorted(other.lower().split()) != sorted(text.lower().split())
        if changed and made < MADE:
            made += 1
            yield text, other


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=DATA)
    parser.add_argument("--show", action="store_true", help="the pairs the guard lets through")
    options = parser.parse_args()
    encoder = load_encoder(second=False)
    if encoder is None:
        raise SystemExit("the `router` extra is not installed")
    data = read(options.data)
    print("made pairs, all wrong          cosine  near enough  guard lets through")
    for spoil in (replaced, swapped, counted, negated):
        pairs = list(spoilt(data, spoil))
        near = [np.dot(encoder.embed(a), encoder.embed(b)) for a, b in pairs]
        if options.show:
            told = [pair for pair, how in zip(pairs, near, strict=True) if how >= COSINES[1]]
            print(*(f"    {a} | {b}" for a, b in told if may_share(a, b)), sep="\n")
        for cosine in COSINES:
            found = [pair for pair, how in zip(pairs, near, strict=True) if how >= cosine]
            passed = sum(may_share(*pair) for pair in found)
            row = f"{spoil.__name__:12} {len(pairs):4} pairs"
            print(f"{row:30} {cosine:6} {len(found):12} {passed:19}")
    texts = list(dict.fromkeys(text for texts in data.values() for text in texts))
    vectors = np.array([encoder.embed(text) for text in texts], np.float32)
    ones, others = np.nonzero(np.triu(vectors @ vectors.T, 1) >= COSINES[0])
    pairs_of = [
        (texts[a], texts[b], float(vectors[a] @ vectors[b]))
        for a, b in zip(ones, others, strict=True)
    ]
    for cosine in COSINES:
        found = [(a, b) for a, b, how in pairs_of if how >= cosine]
        passed = sum(may_share(*pair) for pair in found)
        print(f"real pairs of {len(texts)} messages  {cosine:6} {len(found):12} {passed:19}")
    if options.show:
        for one, other, how in sorted(pairs_of, key=lambda pair: -pair[2]):
            if may_share(one, other):
                print(f"{how:.3f} | {one} | {other}")


if __name__ == "__main__":
    main()
