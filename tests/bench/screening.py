"""How well `type: screening` tells attempts from ordinary requests.

    python -m tests.bench.screening          # measure
    python -m tests.bench.screening --fit    # fit the head of the encoder, then measure

Samples are our own, in tests/golden/screening: signs and head were tuned on `tuned_*`, nothing on
`fresh_*`. Ordinary requests are the development data of the router, where it is on this machine.
"""

import json
import random
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from dataplane.filters.screening.head import FILE, Likeness
from dataplane.filters.screening.score import Score, score
from dataplane.intent.embed import load_encoder

SAMPLES = Path(__file__).parents[1] / "golden" / "screening"
ORDINARY = Path("/work/shared/data/routing/dev.jsonl")
FITTED = 400
"""Ordinary requests that the head is fitted to; the others are measured."""
THRESHOLD = 0.5


def samples(name: str) -> list[str]:
    """The lines of a file of samples."""
    return (SAMPLES / f"{name}.txt").read_text().rstrip("\n").split("\n")


def ordinary() -> list[str]:
    """What users of assistants say last, in an order of its own."""
    if not ORDINARY.exists():
        return []
    lines = ORDINARY.read_text().splitlines()
    found = [json.loads(line)["messages"][-1]["content"] for line in lines]
    random.Random(1).shuffle(found)
    return found


def main(fits: bool) -> None:
    """Print one line for each set."""
    encoder = load_encoder(second=False)
    assert encoder is not None
    if fits:
        bad = samples("tuned_attacks") + samples("tuned_data_attacks")
        good = samples("tuned_benign") + ordinary()[:FITTED]
        vectors = np.array([encoder.embed(text) for text in bad + good])
        wanted = np.array([1.0] * len(bad) + [0.0] * len(good))
        FILE.write_bytes(_fitted(vectors, wanted) + b"\n")
    likeness = Likeness()
    print(f"{'set':24} {'texts':>6} {'signs':>7} {'+ encoder':>10} {'ms':>6}")
    sets = [(name, samples(name)) for name in ("tuned_attacks", "tuned_benign")]
    sets += [(name, samples(name)) for name in ("fresh_attacks", "fresh_benign")]
    sets.append(("ordinary", ordinary()[FITTED : FITTED + 1000]))
    for name, texts in sets:
        if not texts:
            continue
        started = time.perf_counter()
        signs = [score(text) for text in texts]
        both = [
            likeness.added(found, encoder.embed(text))
            for found, text in zip(signs, texts, strict=True)
        ]
        took = (time.perf_counter() - started) / len(texts) * 1e3
        shares = [share(signs), share(both)]
        print(f"{name:24} {len(texts):6} {shares[0]:7.1%} {shares[1]:10.1%} {took:6.2f}")
    for name in ("tuned_data_attacks", "fresh_data_attacks", "fresh_benign"):
        texts = samples(name)
        found = [score(text, is_data=True) for text in texts]
        print(f"{name + ' (tool)':24} {len(texts):6} {share(found):7.1%}")


def share(found: list[Score]) -> float:
    """How many of them are taken for attempts."""
    return sum(one.value >= THRESHOLD for one in found) / len(found)


def _fitted(vectors: NDArray[np.float64], wanted: NDArray[np.float64]) -> bytes:
    weights, bias = np.zeros(vectors.shape[1]), 0.0
    balance = np.where(wanted == 1, (wanted == 0).sum() / (wanted == 1).sum(), 1.0)
    for _ in range(3000):
        chance = 1 / (1 + np.exp(-(vectors @ weights + bias)))
        slope = (chance - wanted) * balance
        weights -= 0.5 * (vectors.T @ slope / len(wanted) * 4 + 0.001 * weights)
        bias -= 0.5 * slope.mean() * 4
    rounded = {"bias": round(float(bias), 4), "weights": [round(float(w), 4) for w in weights]}
    return msgspec.json.encode(rounded)


if __name__ == "__main__":
    main("--fit" in sys.argv)
