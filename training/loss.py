"""Which cells answer for which label, and how wrong they are.

Assignment and soft targets after Feng et al., "TOOD: Task-aligned One-stage Object Detection", 2021: of the cells
inside a label the K best answer for it, best by score and overlap together, and their target score is their share of
the best overlap. Boxes by generalised IoU (Rezatofighi et al., 2019).
"""

import torch
import torch.nn.functional as F

from training.model import STRIDE

TOP_K = 10
SCORE_POWER, OVERLAP_POWER = 0.5, 6.0
BOX_WEIGHT = 5.0


def pair_iou(a: torch.Tensor, b: torch.Tensor, generalised: bool = False) -> torch.Tensor:
    """(Generalised) intersection over union of boxes [..., 4] pair by pair: [...]."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    iou = shared / union.clamp(min=1e-6)
    if not generalised:
        return iou
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    return iou - (hull - union) / hull.clamp(min=1e-6)


@torch.no_grad()
def assign(
    scores: torch.Tensor, boxes: torch.Tensor, centres: torch.Tensor, labels: torch.Tensor, classes: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """For one image: the label of each cell, int64 [A] (-1: none), and its target score, float32 [A].

    `scores` [A, C] in 0..1, `boxes` [A, 4], `centres` [A, 2], `labels` [n, 4], `classes` [n].
    """
    cells = len(centres)
    owner = torch.full((cells,), -1, dtype=torch.long, device=boxes.device)
    target = torch.zeros(cells, device=boxes.device)
    if not len(labels):
        return owner, target
    overlap = pair_iou(labels[:, None], boxes[None]).clamp(min=0)  # [n, A]
    metric = scores[:, classes].T ** SCORE_POWER * overlap**OVERLAP_POWER
    # A label thinner than a cell has no centre inside it: it is widened to at least one and a half cells.
    half = ((labels[:, 2:] - labels[:, :2]) / 2).clamp(min=STRIDE * 0.75)
    middle = (labels[:, 2:] + labels[:, :2]) / 2
    inside = ((centres[None] - middle[:, None]).abs() < half[:, None]).all(-1)  # [n, A]
    metric = torch.where(inside, metric + 1e-9, torch.zeros_like(metric))
    best = metric.topk(min(TOP_K, cells), dim=1).indices
    chosen = torch.zeros_like(inside).scatter_(1, best, True) & inside
    # A cell that several labels want answers for the one that it overlaps most.
    claims = torch.where(chosen, overlap, torch.full_like(overlap, -1.0))
    value, label = claims.max(dim=0)
    owner = torch.where(value >= 0, label, owner)
    mine = owner >= 0
    kept = metric * (torch.arange(len(labels), device=boxes.device)[:, None] == owner[None])
    top_metric, top_overlap = kept.max(dim=1).values, (overlap * (kept > 0)).max(dim=1).values
    share = kept.max(dim=0).values[mine] / top_metric[owner[mine]].clamp(min=1e-12)
    target[mine] = share * top_overlap[owner[mine]]
    return owner, target


def detection_loss(
    logits: torch.Tensor,
    boxes: torch.Tensor,
    centres: torch.Tensor,
    labels: list[torch.Tensor],
    classes: list[torch.Tensor],
) -> torch.Tensor:
    """The loss of a batch, a scalar: `logits` [N, A, C], `boxes` [N, A, 4], labels and classes image by image."""
    targets = torch.zeros_like(logits)
    scores = logits.detach().sigmoid()
    wrong_boxes = []
    for n in range(len(labels)):
        owner, target = assign(scores[n], boxes[n].detach(), centres, labels[n], classes[n])
        mine = owner >= 0
        if mine.any():
            targets[n, mine, classes[n][owner[mine]]] = target[mine]
            wrong = 1 - pair_iou(boxes[n, mine], labels[n][owner[mine]], generalised=True)
            wrong_boxes.append((wrong * target[mine]).sum())
    weight = targets.sum().clamp(min=1.0)
    wrong_scores = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    # Easy background weighs little (the modulation of Li et al., "Generalized Focal Loss", 2020).
    wrong_scores = (wrong_scores * (targets - logits.sigmoid()).abs() ** 1.5).sum()
    box_loss = torch.stack(wrong_boxes).sum() if wrong_boxes else boxes.sum() * 0
    return (wrong_scores + BOX_WEIGHT * box_loss) / weight
