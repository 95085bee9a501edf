"""Search for settings: short runs, stopped early if they fall behind (Optuna)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from .config import RunConfig
from .data import SceneStore
from .evaluate import Evaluation
from .search_space import SPACE, STOPPERS
from .train import RunOptions, train

JOURNAL, BEST = "journal.log", "best.json"
STUDY = "search"
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True)
class SearchOptions:
    """How a search is run."""

    folder: Path
    trials: int = 20
    seed: int = 1
    stopper: str = "median"
    """which trials are stopped early: `median` (worse than half of the others at the same epoch) or `hyperband`"""
    names: tuple[str, ...] = tuple(SPACE)
    threads: int = 1


def search(config: RunConfig, store: SceneStore, validation: SceneStore, options: SearchOptions) -> dict[str, object]:
    """Tries settings until `trials` have ended, over all resumptions, and returns the best.

    The journal in the folder keeps every trial; a killed one counts as failed and is not repeated. The settings to try
    follow from the seed and from earlier trials, so a resumed search is the same search.
    """
    unknown = set(options.names) - set(SPACE)
    if unknown:
        raise ValueError(f"cannot search {', '.join(sorted(unknown))}: one of {', '.join(SPACE)}")
    options.folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(options.folder / JOURNAL))),
        study_name=STUDY,
        direction="maximize",
        pruner=_stopper(options.stopper, config.train.epochs),
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    while len(study.get_trials(states=ENDED)) < options.trials:
        study.sampler = optuna.samplers.TPESampler(seed=options.seed + len(study.trials))
        study.optimize(lambda trial: _try(trial, config, store, validation, options), n_trials=1)
        print(_line(study), flush=True)
    best = {
        "settings": study.best_params,
        "ap": study.best_value,
        "trials": len(study.trials),
        "endedEarly": len(study.get_trials(states=(TrialState.PRUNED,))),
    }
    (options.folder / BEST).write_text(json.dumps(best, indent=2) + "\n")
    return best


def _try(
    trial: optuna.Trial, config: RunConfig, store: SceneStore, validation: SceneStore, options: SearchOptions
) -> float:
    drawn = {
        name: trial.suggest_float(name, SPACE[name].low, SPACE[name].high, log=SPACE[name].log)
        for name in options.names
    }
    last = 0.0

    def judge(epoch: int, result: Evaluation) -> None:
        nonlocal last
        last = result.ap
        trial.report(result.ap, epoch)
        if epoch < config.train.epochs and trial.should_prune():
            raise optuna.TrialPruned

    folder = options.folder / f"trial-{trial.number}"
    run = RunOptions(folder, threads=options.threads, evaluate_every=1, on_evaluation=judge)
    train(config.with_train(**drawn), store, validation, run)
    return last


def _stopper(name: str, epochs: int) -> optuna.pruners.BasePruner:
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=1)
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=3)
    raise ValueError(f"--stopper {name}: one of {', '.join(STOPPERS)}")


def _line(study: optuna.Study) -> str:
    trial = study.trials[-1]
    settings = " ".join(f"{name} {value:.3g}" for name, value in trial.params.items())
    value = "-" if trial.value is None else f"{trial.value:.4f}"
    return f"trial {trial.number} {trial.state.name.lower()}: AP {value} with {settings}"
