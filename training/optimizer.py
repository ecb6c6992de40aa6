"""How the weights follow the gradients: Muon for the kernels of convolutions, AdamW for everything else.

Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) turns a kernel's momentum into the
nearest orthogonal matrix before the step, so that rare directions are learned as fast as common ones: a detector that
has seen a few hundred batches finds what takes AdamW (Loshchilov & Hutter, 2019) twice as many. Scaled so that a step
is as large as one of AdamW with the same learning rate (Liu et al., "Muon is Scalable for LLM Training", 2025).
"""

from typing import TypedDict

import torch
from torch import nn

MOMENTUM = 0.95
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of AdamW
STEPS = 5  # of Newton and Schulz's iteration
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of its polynomial: all singular values come near 1 within STEPS
ADAM_SIZE = 0.2  # the root mean square of a usual step of AdamW, as a share of its learning rate


class Momentum(TypedDict, total=False):
    """What Muon keeps of a kernel; nothing before its first step."""

    momentum: torch.Tensor


class Moments(TypedDict, total=False):
    """What AdamW keeps of other weights; nothing before their first step."""

    steps: int
    mean: torch.Tensor
    square: torch.Tensor


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest matrix whose singular values are all about 1, float [m, n], by Newton and Schulz's iteration."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: torch.Tensor = wide / wide.norm().clamp(min=1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide is matrix else x.T


class Muon(torch.optim.Optimizer):
    """Steps of equal size for both kinds of weights. Biases and normalisation do not decay.

    The kernels are those of convolutions without a bias of their own, which a normalisation follows: the last ones,
    whose outputs mean something, stay with AdamW.
    """

    def __init__(self, net: nn.Module, learning_rate: float, weight_decay: float) -> None:
        kernels = [part.weight for part in net.modules() if isinstance(part, nn.Conv2d) and part.bias is None]
        turned = {id(kernel) for kernel in kernels}
        others = [weights for weights in net.parameters() if id(weights) not in turned]
        groups = [
            {"params": kernels, "turned": True, "weight_decay": weight_decay},
            {"params": [one for one in others if one.ndim > 1], "turned": False, "weight_decay": weight_decay},
            {"params": [one for one in others if one.ndim <= 1], "turned": False, "weight_decay": 0.0},
        ]
        super().__init__(groups, {"lr": learning_rate})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # nothing here asks for the closure that PyTorch allows
        """One step along the gradients; weights without one stay."""
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    change = (_turned if group["turned"] else _scaled)(weights.grad, self.state[weights])
                    weights.mul_(1 - group["lr"] * group["weight_decay"]).sub_(change, alpha=group["lr"])


def _turned(gradient: torch.Tensor, state: Momentum) -> torch.Tensor:
    """Muon's change of a kernel [O, I, H, W], for a learning rate of 1; `state` is its own."""
    if not state:
        state["momentum"] = torch.zeros_like(gradient)
    momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
    ahead = gradient.lerp(momentum, MOMENTUM).flatten(1)  # Nesterov's look ahead
    change: torch.Tensor = orthogonal(ahead).view_as(gradient) * (ADAM_SIZE * max(ahead.shape) ** 0.5)
    return change


def _scaled(gradient: torch.Tensor, state: Moments) -> torch.Tensor:
    """AdamW's change of any weights, for a learning rate of 1; `state` is their own."""
    if not state:
        state |= {"steps": 0, "mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient)}
    state["steps"] += 1
    mean = state["mean"].lerp_(gradient, 1 - BETAS[0]) / (1 - BETAS[0] ** state["steps"])
    square = state["square"].lerp_(gradient**2, 1 - BETAS[1]) / (1 - BETAS[1] ** state["steps"])
    change: torch.Tensor = mean / (square.sqrt() + EPSILON)
    return change
