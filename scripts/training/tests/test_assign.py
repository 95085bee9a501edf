"""Laws of the assignment, the loss and the boxes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goshawk_training.assign import TOP_CELLS, Assignment, Targets, assign
from goshawk_training.boxes import complete_iou, pairwise_iou
from goshawk_training.config import ModelConfig, RunConfig
from goshawk_training.loss import DetectionLoss
from goshawk_training.model import cell_grid, decode_boxes

CONFIG = ModelConfig(input_width=96, input_height=64, classes=3)
CORNERS, STRIDES = cell_grid(CONFIG)
CENTERS = (CORNERS + 0.5) * STRIDES[:, None]


def random_boxes(count: int, generator: torch.Generator, least: float = 3.0) -> Tensor:
    sides = least + torch.rand(count, 2, generator=generator) * 40
    low = torch.rand(count, 2, generator=generator) * (torch.tensor([96.0, 64.0]) - sides)
    return torch.cat((low, low + sides), dim=1)


def random_case(seed: int) -> tuple[Tensor, Tensor, Targets]:
    generator = torch.Generator().manual_seed(seed)
    cells, objects = len(STRIDES), 7
    scores = torch.rand(2, cells, 3, generator=generator)
    boxes = random_boxes(2 * cells, generator).view(2, cells, 4)
    targets = Targets(
        torch.randint(2, (objects,), generator=generator),
        torch.randint(3, (objects,), generator=generator),
        random_boxes(objects, generator),
    )
    return scores, boxes, targets


def run(seed: int) -> tuple[Assignment, Targets]:
    scores, boxes, targets = random_case(seed)
    return assign(scores, boxes, CENTERS, STRIDES, targets), targets


@pytest.mark.parametrize("seed", range(20))
def test_each_cell_has_one_object_and_each_object_few_cells(seed: int) -> None:
    found, targets = run(seed)
    slots = list(zip(found.image.tolist(), found.cell.tolist(), strict=True))
    assert len(slots) == len(set(slots))
    assert found.target.bincount(minlength=len(targets)).max() <= TOP_CELLS
    assert torch.equal(targets.image[found.target], found.image)
    assert ((found.quality >= 0) & (found.quality <= 1)).all()


@pytest.mark.parametrize("side", [1.0, 3.0, 7.0, 20.0])
def test_an_object_alone_always_gets_a_cell(side: float) -> None:
    generator = torch.Generator().manual_seed(0)
    for _ in range(30):
        low = torch.rand(2, generator=generator) * (torch.tensor([96.0, 64.0]) - side)
        targets = Targets(torch.tensor([0]), torch.tensor([1]), torch.cat((low, low + side))[None])
        raw = torch.zeros(1, len(STRIDES), 4) + torch.tensor([0.5, 0.5, 1.0, 1.0])
        found = assign(
            torch.full((1, len(STRIDES), 3), 0.1), decode_boxes(raw, CORNERS, STRIDES), CENTERS, STRIDES, targets
        )
        assert len(found.cell) > 0


def test_the_exact_prediction_wins() -> None:
    target = torch.tensor([[20.0, 12.0, 52.0, 44.0]])
    boxes = torch.zeros(1, len(STRIDES), 4) + torch.tensor([16.0, 8.0, 40.0, 40.0])
    right = int(((CENTERS - torch.tensor([36.0, 28.0])).abs().sum(1) + STRIDES).argmin())
    boxes[0, right] = target[0]
    found = assign(
        torch.full((1, len(STRIDES), 3), 0.5), boxes, CENTERS, STRIDES,
        Targets(torch.tensor([0]), torch.tensor([2]), target),
    )  # fmt: skip
    assert found.cell[found.quality.argmax()] == right
    assert found.quality.max() == pytest.approx(1.0, abs=1e-4)


def test_images_without_objects_assign_nothing_and_still_teach() -> None:
    none = Targets(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4))
    raw = torch.zeros(2, len(STRIDES), 8, requires_grad=True)
    parts = DetectionLoss(CONFIG, 5.0)(raw, none)
    parts.total.backward()
    assert parts.classes == 0.0
    assert parts.box == 0.0
    assert raw.grad is not None
    assert (raw.grad[..., 4] > 0).all()
    assert (raw.grad[..., :4] == 0).all()


def test_loss_is_least_at_the_truth(toy_config: RunConfig) -> None:
    loss_of = DetectionLoss(CONFIG, toy_config.train.box_weight)
    target = torch.tensor([[20.0, 12.0, 52.0, 44.0]])
    targets = Targets(torch.tensor([0]), torch.tensor([2]), target)
    raw = torch.zeros(1, len(STRIDES), 8)
    middle, side = (target[:, :2] + target[:, 2:]) / 2, target[:, 2:] - target[:, :2]
    raw[0, :, :2] = middle / STRIDES[:, None] - CORNERS
    raw[0, :, 2:4] = (side / STRIDES[:, None]).log()
    raw[..., 4] = -12.0
    found = assign(
        raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid(),
        decode_boxes(raw[..., :4], CORNERS, STRIDES),
        CENTERS,
        STRIDES,
        targets,
    )
    raw[0, found.cell, 4] = 12.0
    raw[0, found.cell, 5:] = torch.tensor([-12.0, -12.0, 12.0])
    truth = float(loss_of(raw, targets).total)
    assert truth < 0.01
    for column, shift in ((0, 0.3), (3, -0.3), (4, -14.0), (6, 20.0)):
        wrong = raw.clone()
        wrong[0, found.cell, column] += shift
        assert float(loss_of(wrong, targets).total) > truth + 0.01, column


def test_iou_by_hand() -> None:
    a = torch.tensor([0.0, 0.0, 10.0, 10.0])
    b = torch.tensor([5.0, 0.0, 15.0, 10.0])
    assert float(pairwise_iou(a, b)) == pytest.approx(1 / 3, abs=1e-5)
    assert float(pairwise_iou(a, a + 20)) == 0.0
    # centers 5 apart, the outer box 15 x 10, aspect equal
    assert float(complete_iou(a, b)) == pytest.approx(1 / 3 - 25 / 325, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_complete_iou_never_exceeds_iou(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = random_boxes(200, generator), random_boxes(200, generator)
    assert (complete_iou(a, b) <= pairwise_iou(a, b) + 1e-6).all()
    torch.testing.assert_close(complete_iou(a, a), torch.ones(200), atol=1e-4, rtol=0)
    torch.testing.assert_close(pairwise_iou(a, b), pairwise_iou(b, a))


def test_decoding_a_cell_by_hand() -> None:
    raw = torch.zeros(len(STRIDES), 4)
    # the second row's first cell of stride 8: corner (0, 1)
    raw[12] = torch.tensor([0.5, 0.25, 0.0, torch.log(torch.tensor(2.0))])
    assert decode_boxes(raw, CORNERS, STRIDES)[12].tolist() == pytest.approx([0.0, 2.0, 8.0, 18.0])
    assert len(STRIDES) == 12 * 8 + 6 * 4 + 3 * 2
