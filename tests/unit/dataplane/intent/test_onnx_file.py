"""Weights out of one model, a graph into another."""

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent.onnx_file import Graph, weights  # noqa: E402


def test_what_is_stored_is_read_again() -> None:
    graph = Graph()
    stored = {
        "floats": np.array([[1.5, -2.0]], np.float32),
        "bytes": np.array([-128, 127], np.int8),
        "numbers": np.array([300], np.int64),
    }
    for name, value in stored.items():
        graph.tensor(name, value)
    graph.node("Add", ["x", "floats"], ["y"])
    found = weights(graph.model({"x": (np.float32, 2)}, "y"))
    assert found.keys() == stored.keys()
    for name, value in stored.items():
        assert found[name].dtype == value.dtype
        assert found[name].tolist() == value.tolist()


def test_what_is_written_runs() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    graph = Graph()
    graph.tensor("two", np.array([[2.0], [3.0]], np.float32))
    graph.node("Concat", ["x", "two"], ["both"], axis=0)
    graph.node("LeakyRelu", ["both"], ["y"], alpha=0.5)
    session = onnxruntime.InferenceSession(
        graph.model({"x": (np.float32, 2)}, "y"), providers=["CPUExecutionProvider"]
    )
    (y,) = session.run(None, {"x": np.array([[-1.0]], np.float32)})
    assert y.tolist() == [[-0.5], [2.0], [3.0]]


def test_a_model_without_weights_has_none() -> None:
    assert weights(b"") == {}
    assert weights(Graph().model({}, "y")) == {}


@pytest.mark.parametrize("model", [b"\x3f", b"not a model"], ids=["group", "text"])
def test_what_is_no_model_is_refused(model: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        weights(model)
