"""Pruning during training: channels are removed in scheduled steps, and the rest keeps learning in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .channels import build_with, channels_of
from .config import PruneConfig, RunConfig
from .cost import layer_costs
from .groups import channel_groups, dependency_graph
from .importance import KINDS, importance_of, measure_gates
from .loader import Batch
from .loss import DetectionLoss
from .masks import apply_masks, two_four_masks
from .schedule import polynomial_sparsity
from .selection import Budget, least_width, removable
from .state import TrainState, state_of
from .surgery import kept_indices, shrink_optimizer, shrink_state

ROUND_SHARE = 0.15
"""At most this share of the cost is removed at a time; the first-order importance is then measured again."""

Agree = Callable[[dict[str, list[int]]], dict[str, list[int]]]

SomeBatches = Callable[[int], Iterable[Batch]]
"""Batches to measure importance on."""


class Pruning:
    """The schedule of a stage of `total` updates; `agree` decides which channels are removed by several processes."""

    def __init__(self, config: RunConfig, total: int, agree: Agree = lambda removed: removed) -> None:
        if config.prune is None:
            raise ValueError("the run has no settings for pruning")
        self._config, self._settings, self._agree = config, config.prune, agree
        _check(self._settings)
        self._targets = sparsity_steps(self._settings, total)
        self._mask_step = max(self._targets, default=0)

    def before(self, step: int, state: TrainState, loss_of: DetectionLoss, batches: SomeBatches) -> str | None:
        """Prunes before the update of `step` if scheduled; returns a line about it."""
        done = None
        if step in self._targets:
            done = prune_to(state, self._config, self._targets[step], loss_of, batches, self._agree)
        if self._settings.two_four and step == self._mask_step:
            state.masks = two_four_masks(state.model)
            apply_masks(state.model, state.masks)
            apply_masks(state.average.model, state.masks)
            done = f"{done or ''} 2:4 sparsity in {len(state.masks)} layers".strip()
        return done

    def check_reachable(self, state: TrainState) -> None:
        """Refuses a final sparsity that the minimum widths do not allow, before any time is spent."""
        if not self._targets:
            return
        groups = channel_groups(state.model, dependency_graph(state.model))
        budget = Budget(layer_costs(state.model), self._settings)
        least = {name: list(pair) for name, pair in state.dense.items()}
        for group in groups:
            gone = state.dense[group.root][1] - least_width(group, state.dense, self._settings)
            for side, which in ((group.outputs, 1), (group.inputs, 0)):
                for name, count in side.items():
                    least[name][which] -= count * gone
        most = 1 - budget.total(least) / budget.total(state.dense)
        if self._settings.sparsity_final > most:
            raise ValueError(
                f"a sparsity of {self._settings.sparsity_final} cannot be reached: {most:.3f} is the maximum that "
                "--least-share and --channel-multiple allow"
            )


def sparsity_steps(settings: PruneConfig, total: int) -> dict[int, float]:
    """Sparsity to reach before an update, by the update's number."""
    count = settings.sparsity_steps
    last = int(settings.prune_share * total)
    targets = {}
    for k in range(count):
        share = k / (count - 1) if count > 1 else 1.0
        step = round(share * last) if count > 1 else 0
        targets[step] = polynomial_sparsity(share, settings.sparsity_initial, settings.sparsity_final)
    return targets


def prune_to(
    state: TrainState,
    config: RunConfig,
    sparsity: float,
    loss_of: DetectionLoss,
    batches: SomeBatches,
    agree: Agree = lambda removed: removed,
) -> str:
    """Removes channels until `sparsity` of the stage's initial cost is gone, replacing the state's members."""
    settings = config.prune
    assert settings is not None
    budget = Budget(layer_costs(state.model), settings)
    dense = budget.total(state.dense)
    target = (1 - sparsity) * dense
    before = budget.total(channels_of(state.model))
    while (now := budget.total(channels_of(state.model))) > target:
        gates = {}
        if settings.importance == "taylor":
            gates = measure_gates(state.model, loss_of, batches(settings.importance_batches), config.train.bf16)
        groups = channel_groups(state.model, dependency_graph(state.model))
        removed = agree(
            removable(
                groups,
                importance_of(settings.importance, gates),
                channels_of(state.model),
                state.dense,
                budget,
                settings,
                max(target, (1 - ROUND_SHARE) * now),
            )
        )
        if not removed:
            break
        remove_channels(state, config, removed)
    after = budget.total(channels_of(state.model))
    return f"pruned to {1 - after / dense:.3f} of {settings.measure} ({before / 1e6:.1f} M to {after / 1e6:.1f} M)"


def remove_channels(state: TrainState, config: RunConfig, removed: dict[str, list[int]]) -> None:
    """Removes channels from weights, average and moments. The average restarts, since the network has changed."""
    widths, kept = kept_indices(state.model, removed)
    smaller = state_of(build_with(config.model, widths), config, state.device)
    smaller.model.load_state_dict(shrink_state(state.model.state_dict(), kept))
    smaller.average.model.load_state_dict(shrink_state(state.average.model.state_dict(), kept))
    shrink_optimizer(state.optimizer, state.model, smaller.optimizer, smaller.model, kept)
    state.model, state.average, state.optimizer = smaller.model, smaller.average, smaller.optimizer
    state.masks = {}


def _check(settings: PruneConfig) -> None:
    if settings.importance not in KINDS:
        raise ValueError(f"--importance {settings.importance}: one of {', '.join(KINDS)}")
    if settings.measure not in ("macs", "parameters"):
        raise ValueError(f"--measure {settings.measure}: macs or parameters")
    if not 0 <= settings.sparsity_initial <= settings.sparsity_final < 1:
        raise ValueError("sparsity must increase: 0 <= --sparsity-initial <= --sparsity-final < 1")
    if settings.channel_multiple < 1 or not 0 <= settings.prune_share <= 1:
        raise ValueError("--channel-multiple must be at least 1 and --prune-share within 0..1")
