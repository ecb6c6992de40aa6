"""The network as the one ONNX file that ships: normalisation before it and non-maximum suppression behind it, inside.

Suppression keeps a box unless a surer one of its class overlaps it ("Fast NMS", Bolya et al., "YOLACT", 2019): plain
tensor arithmetic, so PyTorch and onnxruntime run the same thing, with any batch size.
"""

from pathlib import Path

import torch
from torch import nn

from training.model import STRIDE, DetectorNet

OPSET = 17
CANDIDATES = 200  # cells that suppression looks at
KEPT = 100  # detections of one image, padded with score 0
MAX_OVERLAP = 0.5


class Deployed(nn.Module):
    """uint8 [N, H, W, 3] → boxes float32 [N, 100, 4] in input pixels, scores float32 [N, 100], classes int64 [N,
    100].
    """

    def __init__(self, net: DetectorNet, cells: int) -> None:
        super().__init__()
        self.net = net
        self.candidates = min(CANDIDATES, cells)
        self.kept = min(KEPT, cells)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        logits, boxes = self.net(images.permute(0, 3, 1, 2).float() / 255.0)
        scores, classes = logits.sigmoid().max(dim=-1)  # [N, A]
        scores, order = scores.topk(self.candidates, dim=1)
        boxes = boxes.gather(1, order.unsqueeze(-1).expand(-1, -1, 4))
        classes = classes.gather(1, order)
        # Side by side, [N, 200, 200] each: arithmetic over a last axis of two corners is several times slower.
        x1, y1, x2, y2 = boxes.unbind(dim=-1)
        wide = torch.minimum(x2[:, :, None], x2[:, None]) - torch.maximum(x1[:, :, None], x1[:, None])
        high = torch.minimum(y2[:, :, None], y2[:, None]) - torch.maximum(y1[:, :, None], y1[:, None])
        shared = wide.clamp(min=0) * high.clamp(min=0)
        area = (x2 - x1) * (y2 - y1)
        overlap = shared / (area[:, :, None] + area[:, None] - shared).clamp(min=1e-6)
        same = (classes[:, :, None] == classes[:, None, :]).float()
        # Counted in the graph: as a constant the matrix would be 160 kB of the file.
        place = torch.ones_like(scores).cumsum(dim=1)
        surer = (place[:, :, None] < place[:, None]).float()
        suppressed = (overlap * same * surer).max(dim=1).values > MAX_OVERLAP
        scores = scores * (~suppressed).float()
        scores, order = scores.topk(self.kept, dim=1)
        return boxes.gather(1, order.unsqueeze(-1).expand(-1, -1, 4)), scores, classes.gather(1, order)


def export(net: DetectorNet, path: Path, height: int, width: int) -> None:
    """Write model.onnx with a dynamic batch size."""
    deployed = Deployed(net, (height // STRIDE) * (width // STRIDE)).eval()
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    names = ["boxes", "scores", "classes"]
    torch.onnx.export(
        deployed,
        (example,),
        str(path),
        input_names=["images"],
        output_names=names,
        dynamic_axes={name: {0: "N"} for name in ["images", *names]},
        opset_version=OPSET,
        dynamo=False,
    )
