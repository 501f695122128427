"""Products in bytes."""

import pytest

np = pytest.importorskip("numpy", reason="needs the router extra")

from dataplane.intent.session import Floats, int8_product, quantise  # noqa: E402
from dataplane.intent.views import unit  # noqa: E402


def vectors(count: int, seed: int) -> Floats:
    found: Floats = np.random.default_rng(seed).normal(size=(count, 384)).astype(np.float32)
    return unit(found)


def test_a_product_in_bytes_is_nearly_that_of_floats() -> None:
    matrix, rows = vectors(50, 1), vectors(7, 2)
    assert int8_product(matrix)(rows) == pytest.approx(rows @ matrix.T, abs=0.01)


def test_each_column_has_a_scale_of_its_own() -> None:
    matrix = np.array([[1.0, 100.0], [-0.5, -50.0]], np.float32)
    rounded, scale = quantise(matrix)
    assert rounded.tolist() == [[127, 127], [-64, -64]]
    assert rounded * scale == pytest.approx(matrix, rel=0.01)


def test_no_two_products_that_are_added_in_16_bits_are_too_much_for_them() -> None:
    rounded, _ = quantise(np.random.default_rng(3).normal(size=(384, 200)).astype(np.float32))
    whole = rounded.astype(np.int64)
    for sign in (1, -1):
        ones = np.maximum(sign * whole, 0)
        assert (255 * (ones[0::2] + ones[1::2])).max() < 2**15
    assert np.abs(whole).max() > 90
