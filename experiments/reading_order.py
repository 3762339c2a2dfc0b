"""The table of README.md: every study in the order to read them, made from `results/full.json`.

python -m experiments.reading_order
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.evidence.table import called_relatives
from experiments.lab import markdown
from experiments.lab.markdown import arrows, percent
from experiments.overview import mean_shares, results_of
from experiments.unrelated.table import margins
from lineage_jax import lineage


def main() -> None:
    """Prints the table."""
    print(table())


def table() -> str:
    """Returns a row for each study: its question, the minutes that its results took, and what it found in a number."""
    rows = [
        [f"[{study}]({study}/README.md)", question, minutes(study), number()]
        for study, (question, number) in STUDIES.items()
    ]
    return markdown.table(["study", "question", "minutes", "the number"], rows)


def minutes(study: str) -> int:
    """Returns how long the records of a study took together."""
    result = results_of(study)
    records = next(result[name] for name in ("runs", "variants", "families") if name in result)
    return round(sum(record["seconds"] for record in records.values()) / 60)


def learning(study: str, variant: str, group: str, of: str) -> Callable[[], str]:
    """Returns what says which share the detector of the family names, the shipped one, and the best of weights."""

    def number() -> str:
        shares = mean_shares(study, variant, group)
        weights = max(share for method, share in shares.items() if method.startswith("weights"))
        own, shipped = (percent(shares[method]) for method in ("detector", "universal"))
        return f"of {of} weights name {percent(weights)} %, the shipped detector {shipped} %, one of the family {own} %"

    return number


def after_long_finetuning() -> str:
    """Returns the number of `fc_mnist_fmnist`."""
    shares = results_of("fc_mnist_fmnist")["variants"]["long"]["accuracy"]["cka"]
    named = arrows([shares["direct"], shares["exact"][f"{lineage.RECOMMENDED_EXACT_ALPHA['cka']:g}"]])
    return f"after long fine-tuning CKA names {named} % by the exact form"


def recommended_exact() -> str:
    """Returns the number of `linearization`."""
    found = results_of("linearization")["recommended"]["exact"]["cka"]
    shares = found["test"]["independent"]
    named = arrows([shares["direct"], shares["accuracy"]])
    return f"at alpha {found['alpha']:g} the exact form lifts CKA: {named} % of independent parents"


def in_every_kind() -> str:
    """Returns the number of `variety`."""
    runs = results_of("variety")["runs"].values()
    rows = [row for run in runs for row in run["accuracy"].values()]
    methods = ("exact", "weights, all", "universal")
    features, weights, learned = (percent(sum(row[method] for row in rows) / len(rows)) for method in methods)
    kinds = len({run["variant"] for run in runs})
    named = f"features name {features} % of parents by the exact form, weights {weights} %"
    return f"kinds of networks: {kinds}; {named}, a detector that never saw the kind {learned} %"


def kernels_alike() -> str:
    """Returns the number of `unrelated`."""
    both = [margins(results_of("unrelated")["runs"], chooses=chooses) for chooses in (True, False)]
    strangers, relatives = max(each[0] for each in both), min(each[1] for each in both)
    return f"kernels of strangers reach a cosine of {strangers:.3f}, relatives keep {relatives:.3f}"


def strangers_and_relatives() -> str:
    """Returns the number of `evidence`."""
    false, found = called_relatives(results_of("evidence")["runs"])
    return f"at 1 % {false:.1f} % of strangers and {found:.1f} % of children with a cosine of 0.15 are called relatives"


def found_in_a_catalogue() -> str:
    """Returns the number of `catalogue`."""
    record = results_of("catalogue")["runs"]["small networks"]
    found = record["accuracy"]["all but those with a child of their own"]
    return f"{100 * found['at 1']:.1f} % of parents are the first hit, {100 * found['at 10']:.1f} % among ten"


def strangers_named() -> str:
    """Returns the number of `strangers`."""
    runs: dict[str, Any] = results_of("strangers")["runs"]
    asked = sum(count for run in runs.values() for count in run["asked"].values())
    return f"{sum(len(run['wrong']) for run in runs.values())} of {asked} answers are wrong"


def of_kinds_never_seen() -> str:
    """Returns the number of `universal`."""
    kinds = [record["accuracy"]["all"] for record in results_of("universal")["runs"].values()]
    names = ("universal", "weight distance", "information")
    learned, distance, bits = (percent(float(np.mean([shares[name] for shares in kinds]))) for name in names)
    return f"of kinds never seen it names {learned} % of parents, weight distance {distance} %, information {bits} %"


def in_programs() -> str:
    """Returns the number of `scaling`."""
    return f"{percent(results_of('scaling')['runs']['base']['in_programs'])} % of a sweep's time goes into its programs"


STUDIES: dict[str, tuple[str, Callable[[], str]]] = {
    "fc_mnist_fmnist": (
        "Does a similarity of features name the parent, in the paper's smallest setting?",
        after_long_finetuning,
    ),
    "variety": (
        "Does one protocol name the parent in every kind of network: classes, pixels, boxes?",
        in_every_kind,
    ),
    "linearization": (
        "When does the parent's tangent space describe a child? Where the recommended alphas come from.",
        recommended_exact,
    ),
    "unrelated": (
        "How alike are the kernels of strangers, and of relatives? Where the threshold comes from.",
        kernels_alike,
    ),
    "evidence": (
        "How often is a stranger called a relative, and how far may a child travel until it is not found?",
        strangers_and_relatives,
    ),
    "catalogue": (
        "Does a catalogue of 10,000 networks find a child's parent, and in a second?",
        found_in_a_catalogue,
    ),
    "strangers": ("Is a stranger ever named, and a documented parent always?", strangers_named),
    "detector_fc": (
        "Does it pay to learn, where parents are hard to tell apart?",
        learning("detector_fc", "checkpoints", "30 unseen parents", "children of unseen checkpoints"),
    ),
    "fc": (
        "The same at the published size, fine-tuned in three ways?",
        learning("fc", "30 unseen parents", "plain", "children of unseen checkpoints"),
    ),
    "fewshot": (
        "The same for children that saw few images?",
        learning("fewshot", "30 unseen parents", "5 a class", "children that saw 5 images a class"),
    ),
    "imbalanced": (
        "The same for children of long-tailed sets?",
        learning("imbalanced", "30 unseen parents", "ratio 100", "children at a class ratio of 100"),
    ),
    "hybrid": (
        "Whose child is each layer, where layers come from several parents?",
        learning("hybrid", "vit, checkpoints", "layers, unseen parents", "a transformer's blocks"),
    ),
    "generations": (
        "Is an ancestor found after two and three fine-tunings?",
        learning(
            "generations", "checkpoints, G1", "G4, unseen", "the fourth generation's roots, checkpoints of one run"
        ),
    ),
    "lineage300": (
        "Is everybody's parent found among 300 networks of five roots?",
        learning("lineage300", "300 networks", "parent", "the parents"),
    ),
    "universal": (
        "Can one detector, trained once, serve networks of a kind that it never saw?",
        of_kinds_never_seen,
    ),
    "scaling": ("How fast is a sweep, and what would a thousand parents of a hundred thousand take?", in_programs),
}
"""By study in reading order, its question and what returns its number."""


if __name__ == "__main__":
    main()
