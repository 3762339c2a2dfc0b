"""How often is each cue of who came first right, wrong, or silent? On families of known order, and on published files.

python -m experiments.evidence.direction [--mode smoke]     # results/direction.json and tables; a quarter of an hour
python -m experiments.evidence.direction_table              # the tables alone, from the results

Families of seed 0 chose the thresholds; those of seed 1, whose image sets are turned by one, are counted here. Answers
to questions about one family err together: for the error of a cue each family gives one decision, drawn among all.
"""

import collections
import functools
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_collections
import numpy as np

from experiments.evidence.direction_cases import ALL, BETWEEN, cases
from experiments.evidence.direction_families import DECAYS, Families, Kernels, Kind, likenesses, make
from experiments.evidence.direction_table import OUTCOMES, SHOWN, table_of_cases, table_of_cues
from experiments.lab import images, runs
from lineage_jax import checkpoints, lineage, models
from lineage_jax.leaves import kernels_among, weights_of
from lineage_jax.typing import Params

CLASSES = 5

FILES = {"full": "direction.json", "smoke": "direction-smoke.json"}


def get_config(mode: str = "full") -> ml_collections.ConfigDict:
    """Returns the locked settings of one mode."""
    config = ml_collections.ConfigDict()
    config.seed = 1  # of the families that test, and how far their sets are turned; 0 is of those that chose
    config.images = 4000  # of every set that are learned
    config.published = mode == "full"
    fc = {"architecture": "fc", "widths": (64, 48)}
    config.kinds = ml_collections.ConfigDict(
        {
            "fc": kind(fc, families=160, pretraining=600, steps=250),
            "fc, little decay": kind(fc, families=60, pretraining=600, steps=250, decays=(0.0, 1e-4, 5e-4)),
            "convnet": kind(
                {"architecture": "convnet", "widths": (12, 24, 24)}, families=16, pretraining=400, steps=200
            ),
            "resnet20": kind(
                {"architecture": "cifar_resnet20", "width": 8},
                families=5,
                pooling=4,
                pretraining=200,
                steps=100,
                rates=(0.05, 0.1),
            ),
        }
    )
    if mode == "smoke":
        config.kinds = ml_collections.ConfigDict({"fc": kind(fc, families=2, pretraining=20, steps=20)})
    return config.lock()


def kind(
    network: Mapping[str, object],
    *,
    families: int,
    pretraining: int,
    steps: int,
    pooling: int = 2,
    rates: tuple[float, ...] = (0.05, 0.1, 0.2),
    decays: tuple[float, ...] = DECAYS,
) -> dict[str, object]:
    """Returns the settings of one kind of families, with the names of `direction_families.Kind`."""
    settings = {"families": families, "pretraining": pretraining, "steps": steps, "pooling": pooling}
    return settings | {"network": network, "rates": rates, "decays": decays}


Counts = dict[str, dict[str, int]]
"""Case -> how often each of `OUTCOMES`."""


def count(families: Families, *, seed: int) -> dict[str, Any]:
    """Counts every case; and for each cue one decision of every family, drawn at random, so that trials are apart.

    Drawn is among what the cue is meant for. With a third relative that is everything, whatever the third one is, and
    half of what is drawn is about siblings or twins, however many of these there are. Of two networks alone it is a
    network and an ancestor of it, for such a cue says who is older if one descends from the other; with counters that
    go on.
    """
    rng = np.random.default_rng(seed)
    counted: dict[str, Counts] = {}
    drawn: dict[str, list[int]] = {}
    for number in range(len(families.kernels["root"])):
        questions = list(cases(families, number))
        for cue, case, outcome in questions:
            counted.setdefault(cue, {}).setdefault(case, dict.fromkeys(OUTCOMES, 0))[outcome] += 1
        for cue in {cue for cue, _, outcome in questions if outcome != "abstained"}:
            answer = _draw(cue, questions, rng)
            if answer is not None:
                wrong, tried = drawn.setdefault(cue, [0, 0])
                drawn[cue] = [wrong + (answer != "right"), tried + 1]
    return {"cases": counted, "drawn": dict(sorted(drawn.items()))}


def _draw(cue: str, questions: list[tuple[str, str, str]], rng: np.random.Generator) -> str | None:
    """Draws questions that a cue is meant for until it answers one; returns what the answer is worth."""
    of_its_kind = [question for question in questions if SHOWN.get(question[0], question[0]) == SHOWN.get(cue, cue)]
    asked = [question for question in of_its_kind if _is_meant(cue, question[1])]
    descends = [case.startswith("parent and child") for _, case, _ in asked]
    weights = [
        (told == cue and outcome != "abstained") / descends.count(one)
        for (told, _, outcome), one in zip(asked, descends, strict=True)
    ]
    total = sum(weights)
    return asked[rng.choice(len(asked), p=np.array(weights) / total)][2] if total else None


def _is_meant(cue: str, case: str) -> bool:
    """Says whether what is told is a cue, and meant for a case."""
    if cue in (BETWEEN, ALL):
        return False
    return cue == "outgroup" or (case.startswith("parent and child") and "set back" not in case)


def published() -> dict[str, Any]:
    """Asks the same of published files of known order: one training's epochs, and two networks that were tuned."""
    folder = images.root() / "checkpoints"
    networks = checkpoints.load_many(sorted((folder / "face_detector_rfb").glob("*.pth")))
    counters = [networks[f"rfb-epoch-{epoch}"].counters for epoch in (0, 20, 100, 200, 300, 400, 499)]
    told = [lineage.cue_by_counters(*pair) for pair in itertools.combinations(counters, 2)]
    epochs = collections.Counter("right" if cue and cue.first == "candidate" else "wrong" for cue in told)
    kernels = {
        name: {path: kernel for path, kernel in _kernels(network.own_arrays).items() if "fc2" not in path}
        for name, network in checkpoints.load_many(sorted((folder / "outlier_exposure_mnist").glob("*.pt"))).items()
    }
    related = likenesses(kernels)
    tuned = [_seen(related, f"{start}baseline_epoch_9", f"{start}oe_tune_epoch_4") for start in ("", "calib_")]
    return {
        "epochs of one training by counters": dict(epochs),
        "two that were tuned, each by four relatives": [dict(each) for each in tuned],
        "drawn": {"batch counters": [int(epochs["wrong"] > 0), 1]} | _drawn(tuned),
    }


def _drawn(tuned: list[collections.Counter[str]]) -> dict[str, list[int]]:
    """Returns the errors of the outgroup and of how many tuned networks it says anything, where there is one."""
    told = [each for each in tuned if each["right"] or each["wrong"]]
    return {"outgroup": [sum(each["wrong"] > 0 for each in told), len(told)]} if told else {}


def _seen(related: Mapping[str, Mapping[str, lineage.Likeness]], parent: str, child: str) -> collections.Counter:
    """Counts what each relative says of a parent and its child."""
    outcomes: collections.Counter[str] = collections.Counter()
    for third in related[parent].keys() - {child}:
        cue = lineage.cue_by_outgroup(parent, related[child], {third: related[parent][third]})
        outcomes["abstained" if cue is None else "right" if cue.first == "candidate" else "wrong"] += 1
    return outcomes


def _kernels(variables: Params) -> Kernels:
    weights = weights_of(variables, ("batch_stats",))
    return {path: weights[path] for path in sorted(kernels_among(weights))}


def of_kind(name: str, config: ml_collections.ConfigDict) -> runs.Record:
    """Makes the families of a kind that test, and counts."""
    sizes = config.kinds[name].to_dict()
    network = models.build(num_classes=CLASSES, **sizes.pop("network"))
    families = make(Kind(network=network, **sizes), seed=config.seed, shift=config.seed, size=config.images)
    return {"families": config.kinds[name].families, **count(families, seed=config.seed)}


def jobs(config: ml_collections.ConfigDict) -> dict[str, Callable[[], runs.Record]]:
    """Returns what computes the record of published files, and that of every kind."""
    asked: dict[str, Callable[[], runs.Record]] = {"published": published} if config.published else {}
    return asked | {name: functools.partial(of_kind, name, config) for name in config.kinds}


def main() -> None:
    """Runs one mode; what an equal run left is kept."""
    config, path, head = runs.begin(__doc__, get_config, folder=Path(__file__).parent)
    path = path.with_name(FILES[path.stem])
    done = runs.complete(path, head, jobs(config))
    print(f"{table_of_cues(done)}\n\n{table_of_cases(done)}")


if __name__ == "__main__":
    main()
