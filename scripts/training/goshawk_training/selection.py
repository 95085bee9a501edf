"""Chooses channels to remove: blocks with the least importance per cost, until a budget is met.

A greedy solution of HALP's knapsack (Shen et al. 2022): keep the most importance for the remaining cost.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from torch import Tensor

from .channels import Channels
from .config import PruneConfig
from .cost import LayerCost
from .groups import ChannelGroup


class Budget:
    """Costs of a network as its widths shrink."""

    def __init__(self, layers: dict[str, LayerCost], settings: PruneConfig) -> None:
        self._layers, self._settings = layers, settings

    def total(self, widths: Channels) -> int:
        """What sparsity counts: multiply-adds or parameters."""
        counts_macs = self._settings.measure == "macs"
        return sum(
            inputs * outputs * self._layers[name].taps * (self._layers[name].pixels if counts_macs else 1)
            for name, (inputs, outputs) in widths.items()
        )

    def saved(self, group: ChannelGroup, widths: Channels) -> float:
        """Cost of one more channel of the group at these widths, in the measure, including memory traffic."""
        counts_macs = self._settings.measure == "macs"
        cost = 0.0
        for side, other in ((group.outputs, 0), (group.inputs, 1)):
            for name, count in side.items():
                layer = self._layers[name]
                cost += count * widths[name][other] * layer.taps * (layer.pixels if counts_macs else 1)
                cost += count * layer.pixels * self._settings.element_cost
        return cost


def least_width(group: ChannelGroup, dense: Channels, settings: PruneConfig) -> int:
    """Minimum channels of a group: a multiple of `channel_multiple`, at most its initial width."""
    size = dense[group.root][1]
    multiple = settings.channel_multiple
    return min(size, max(multiple, math.ceil(size * settings.least_share / multiple) * multiple))


def removable(
    groups: list[ChannelGroup],
    importance_of: Callable[[ChannelGroup], Tensor],
    widths: Channels,
    dense: Channels,
    budget: Budget,
    settings: PruneConfig,
    target: float,
) -> dict[str, list[int]]:
    """Channels to remove from each group's root so that the total falls to `target`, or as close as possible.

    `widths` are the current ones, `dense` those at the start of the stage.
    """
    left = {name: list(pair) for name, pair in widths.items()}
    orders = [importance_of(group).argsort().tolist() for group in groups]
    sorted_importance = [importance_of(group).sort().values.double().cumsum(0).tolist() for group in groups]
    gone = [0] * len(groups)

    def block(i: int) -> int:
        width = groups[i].size - gone[i]
        return width % settings.channel_multiple or settings.channel_multiple

    def price(i: int) -> float:
        size = block(i)
        if groups[i].size - gone[i] - size < least_width(groups[i], dense, settings):
            return math.inf
        before = sorted_importance[i][gone[i] - 1] if gone[i] else 0.0
        lost = sorted_importance[i][gone[i] + size - 1] - before
        return lost / (size * budget.saved(groups[i], left)) ** settings.cost_power

    while budget.total(left) > target:
        prices = [price(i) for i in range(len(groups))]
        chosen = min(range(len(groups)), key=prices.__getitem__)
        if math.isinf(prices[chosen]):
            break
        size = block(chosen)
        for side, which in ((groups[chosen].outputs, 1), (groups[chosen].inputs, 0)):
            for name, count in side.items():
                left[name][which] -= count * size
        gone[chosen] += size
    return {
        group.root: sorted(order[:count]) for group, order, count in zip(groups, orders, gone, strict=True) if count > 0
    }
