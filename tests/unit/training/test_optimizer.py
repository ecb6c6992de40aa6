"""The optimizer: kernels turn as far as they should, the rest is AdamW, and what decays is what was meant to."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from training.model import DetectorNet
from training.optimizer import ADAM_SIZE, Muon, orthogonal


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 64), st.integers(1, 64), st.floats(1e-6, 1e6), st.integers(0, 2**31 - 1))
def test_a_matrix_of_any_shape_and_size_becomes_orthogonal(rows: int, columns: int, size: float, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * size
    turned = orthogonal(matrix)
    assert turned.shape == matrix.shape
    # The polynomial trades exactness for speed: 0.7 to 1.2. What a matrix hardly has, five steps can't bring up to one.
    values, before = torch.linalg.svdvals(turned), torch.linalg.svdvals(matrix)
    assert float(values.max()) < 1.25
    assert bool((values[before > 0.02 * matrix.norm()] > 0.6).all())
    assert float((turned * matrix).sum()) > 0  # it points the same way


def test_nothing_to_learn_from_changes_nothing() -> None:
    assert not orthogonal(torch.zeros(4, 9)).any()


@pytest.fixture
def net() -> DetectorNet:
    torch.manual_seed(0)
    made = DetectorNet(2)
    for weights in made.parameters():
        weights.grad = torch.randn_like(weights)
    return made


def test_every_weight_takes_a_step_of_the_size_that_adamw_would(net: DetectorNet) -> None:
    before = {name: weights.detach().clone() for name, weights in net.named_parameters()}
    Muon(net, 1e-3, 0.0).step()
    for name, weights in net.named_parameters():
        size = float((weights.detach() - before[name]).square().mean().sqrt()) / 1e-3
        # The last convolution of a branch has outputs that mean something.
        turned = weights.ndim == 4 and "branch.1" not in name
        # The first step of AdamW has the full size for each weight; an orthogonal one is flat but for the polynomial's
        # error.
        assert size == pytest.approx(ADAM_SIZE if turned else 1.0, rel=0.3 if turned else 1e-3), name


def test_kernels_decay_and_normalisation_and_biases_do_not(net: DetectorNet) -> None:
    for weights in net.parameters():
        assert weights.grad is not None
        weights.grad.zero_()
    before = {name: weights.detach().clone() for name, weights in net.named_parameters()}
    Muon(net, 0.1, 0.5).step()
    for name, weights in net.named_parameters():
        assert torch.allclose(weights, before[name] * (0.95 if weights.ndim > 1 else 1.0)), name
