"""Which channels go: blocks with the least importance for what they cost, until a budget is met.

A greedy answer to the knapsack of HALP (Shen et al. 2022): the most importance is kept for the cost that is left.
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
        """What one more channel of the group costs at these widths, in the measure, with memory traffic added."""
        counts_macs = self._settings.measure == "macs"
        cost = 0.0
        for side, other in ((group.outputs, 0), (group.inputs, 1)):
            for name, count in side.items():
                layer = self._layers[name]
                cost += count * widths[name][other] * layer.taps * (layer.pixels if counts_macs else 1)
                cost += count * layer.pixels * self._settings.element_cost
        return cost


def least_width(group: ChannelGroup, dense: Channels, settings: PruneConfig) -> int:
    """Channels that a group keeps in any case: a multiple of `channel_multiple`, at most what it began with."""
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
    """Channels to remove from each group's root so that the total comes down to `target` or as near as it may.

    `widths` are those of now, `dense` those that the stage began with.
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
