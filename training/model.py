"""The detector: a small residual network, features of three strides added up, one head at stride 8.

Anchor-free, one box for each cell, as in FCOS (Tian et al., 2019); residual blocks after He et al., 2015; features
added from coarse to fine after Lin et al., "Feature Pyramid Networks", 2017; classification and box in separate
branches after Ge et al., "YOLOX", 2021.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

STRIDE = 8
WIDTHS = (16, 24, 48, 88, 128)
NECK = 56


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, SiLU. [N, inputs, H, W] → [N, outputs, H/stride, W/stride]"""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03), nn.SiLU(inplace=True))


class Block(nn.Module):
    """Two convolutions around which the input is led: [N, C, H, W] → [N, C, H, W]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(conv(channels, channels), conv(channels, channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change: torch.Tensor = self.layers(x)
        return x + change


class Surroundings(nn.Module):
    """Each cell sees the strongest features up to 2, 4 and 6 cells around it: [N, C, H, W] → [N, C, H, W].

    Repeated pooling after He et al., "Spatial Pyramid Pooling", 2015; so that a long scratch is seen as one.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.narrow = conv(channels, channels // 2, 1)
        self.widen = conv(channels // 2 * 4, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        views = [self.narrow(x)]
        for _ in range(3):
            views.append(F.max_pool2d(views[-1], 5, 1, 2))
        seen: torch.Tensor = self.widen(torch.cat(views, dim=1))
        return seen


class DetectorNet(nn.Module):
    """Raw predictions for each cell of the stride-8 grid.

    Input float32 [N, 3, H, W] in 0..1, H and W multiples of 32. Output: logits [N, A, C] and boxes [N, A, 4] (x1, y1,
    x2, y2 in input pixels), A = H/8 · W/8, row after row.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        w = WIDTHS
        self.stem = nn.Sequential(conv(3, w[0], 3, 2), conv(w[0], w[1], 3, 2), conv(w[1], w[1]))
        self.stage8 = nn.Sequential(conv(w[1], w[2], 3, 2), Block(w[2]), Block(w[2]))
        self.stage16 = nn.Sequential(conv(w[2], w[3], 3, 2), Block(w[3]), Block(w[3]))
        self.stage32 = nn.Sequential(conv(w[3], w[4], 3, 2), Block(w[4]), Surroundings(w[4]))
        self.from8, self.from16, self.from32 = (conv(width, NECK, 1) for width in w[2:])
        self.fuse16, self.fuse8 = conv(NECK, NECK), conv(NECK, NECK)
        self.class_branch = nn.Sequential(conv(NECK, NECK), nn.Conv2d(NECK, classes, 1))
        self.box_branch = nn.Sequential(conv(NECK, NECK), nn.Conv2d(NECK, 4, 1))
        # At the start every cell says "defect" with probability 0.01 (Lin et al., "Focal Loss", 2017).
        for branch, value in ((self.class_branch, -math.log(99.0)), (self.box_branch, 1.0)):
            nn.init.constant_(branch[-1].get_parameter("bias"), value)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        c8 = self.stage8(self.stem(x))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p16 = self.fuse16(self.from16(c16) + F.interpolate(self.from32(c32), scale_factor=2.0, mode="nearest"))
        p8 = self.fuse8(self.from8(c8) + F.interpolate(p16, scale_factor=2.0, mode="nearest"))
        logits = self.class_branch(p8).flatten(2).transpose(1, 2)
        distances = F.softplus(self.box_branch(p8)).flatten(2).transpose(1, 2) * STRIDE
        centres = cell_centres(p8.shape[2], p8.shape[3], x.device)
        return logits, torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], dim=-1)


def cell_centres(rows: int, columns: int, device: torch.device) -> torch.Tensor:
    """The middle of each cell in input pixels, float32 [rows · columns, 2] (x, y)."""
    y, x = torch.meshgrid(torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij")
    return (torch.stack([x, y], dim=-1).reshape(-1, 2).float() + 0.5) * STRIDE
