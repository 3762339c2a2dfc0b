"""Tables for the terminal."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from lineage_jax import lineage

if TYPE_CHECKING:
    import xarray


def score_table(rows: Mapping[str, "xarray.DataArray"], *, title: str, most: int = 6) -> Table:
    """Shows the scores of one child: a row per kind of score, a column per parent, then prediction and margin.

    Args:
        rows: for each kind of score, the scores over `parent` alone.
        title: what is above the table.
        most: parents shown; with more candidates, those that rank best on average.

    Raises:
        ValueError: If for a kind of score no candidate has one above minus infinity.

    Examples:
        >>> import xarray
        >>> scores = xarray.DataArray([-0.5, -0.1], coords={"parent": ["a", "b"]})
        >>> [column.header for column in score_table({"l1": scores}, title="child c").columns]
        ['score', 'a', 'b', 'prediction', 'margin']
    """
    decisions = {name: lineage.decide(scores) for name, scores in rows.items()}
    candidates = next(iter(rows.values()))["parent"].values.tolist()
    places = {p: sum(d.ranking.values.tolist().index(p) for d in decisions.values()) for p in candidates}
    best = sorted(candidates, key=places.__getitem__)[:most]
    shown = [parent for parent in candidates if parent in best]
    hidden = len(candidates) - len(shown)
    table = Table(
        title=title,
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
        pad_edge=False,
        caption=f"{hidden} more candidates are not shown" if hidden else None,
    )
    table.add_column("score", no_wrap=True)
    for parent in shown:
        table.add_column(parent, justify="right", overflow="fold", min_width=6)
    table.add_column("prediction", no_wrap=True)
    table.add_column("margin", justify="right", no_wrap=True)
    for name, scores in rows.items():
        prediction = decisions[name].prediction.item()
        cells = {parent: f"{scores.sel(parent=parent).item():.3f}" for parent in shown}
        marked = [f"[bold]{text}[/bold]" if parent == prediction else text for parent, text in cells.items()]
        margin = decisions[name].margin.item()
        table.add_row(
            name, *marked, prediction, "" if math.isnan(margin) else f"{margin:.2g}"
        )  # of one candidate: none
    return table


def overlap_table(weights: "xarray.Dataset", *, title: str) -> Table:
    r"""Shows what a child's weights share with each candidate, the one of highest centred kernel cosine first.

    Args:
        weights: what `lineage.overlap` returned.
        title: what is above the table.

    Examples:
        >>> import numpy as np
        >>> child = {"fc": {"kernel": np.eye(2)}}
        >>> table = overlap_table(lineage.overlap({"a": child}, child), title="child c")
        >>> [column.header.replace("\n", " ") for column in table.columns]
        ['parent', 'centred cosine', 'kernel cosine', 'kernels compared', 'tensors shared', 'tensors equal']
    """
    table = Table(title=title, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False, caption=_totals(weights))
    table.add_column("parent", overflow="fold", min_width=18)
    for heading in ("centred\ncosine", "kernel\ncosine", "kernels\ncompared", "tensors\nshared", "tensors\nequal"):
        table.add_column(heading, justify="right")
    inside = (weights["parent_module"] != "").any() or (weights["child_module"] != "").any()
    if inside:  # some candidate corresponds to a module of the child, or one of its modules does
        table.add_column("modules", overflow="fold", min_width=13)
    for parent in weights.sortby("centred_kernel_cosine", ascending=False)["parent"].values.tolist():
        row = weights.sel(parent=parent)
        scores = (f"{row[name].item():.3f}" for name in ("centred_kernel_cosine", "kernel_cosine"))
        counts = (str(row[name].item()) for name in ("tensors", "identical"))
        modules = [row[name].item() for name in ("parent_module", "child_module")]
        at = (" = ".join(dict.fromkeys(filter(None, modules))),) if inside else ()
        table.add_row(parent, *scores, f"{row['compared'].item():.0%}", *counts, *at)
    return table


def _totals(weights: "xarray.Dataset") -> str:
    return f"the child has {weights.attrs['tensors']:,} tensors of {weights.attrs['parameters']:,} parameters"


def decision_table(decisions: "xarray.Dataset", truth: Mapping[str, str], *, title: str) -> Table:
    """Shows for each child the parent that was named, the true one and the margin.

    Args:
        decisions: what `lineage.decide` returned, over `child` alone.
        truth: parent name by child name.
        title: what is above the table.

    Raises:
        KeyError: If the truth of a child is not known.
    """
    table = Table(title=title)
    for heading in ("child", "predicted parent", "true parent", "margin"):
        table.add_column(heading, justify="right" if heading == "margin" else "left")
    for child in decisions["child"].values.tolist():
        decision = decisions.sel(child=child)
        predicted = decision.prediction.item()
        colour = "green" if predicted == truth[child] else "red"
        table.add_row(child, f"[{colour}]{predicted}[/{colour}]", truth[child], f"{decision.margin.item():.3g}")
    return table


def accuracy_table(accuracies: "xarray.DataArray", *, title: str) -> Table:
    """Shows top-1 accuracy in per cent: a row per measure, a column per form and alpha.

    Args:
        accuracies: fractions over `measure`, `form` and `alpha`, as `lineage.accuracy` returns them; `direct` does not
            depend on alpha and is shown once.
        title: what is above the table.
    """
    table = Table(title=title)
    table.add_column("measure\nalpha", justify="left", no_wrap=True)
    columns = [
        (form, alpha)
        for form in accuracies["form"].values.tolist()
        for alpha in accuracies["alpha"].values.tolist()[: 1 if form == "direct" else None]
    ]
    for form, alpha in columns:
        table.add_column(form if form == "direct" else f"{form}\n{alpha:g}", justify="right", no_wrap=True)
    for measure in accuracies["measure"].values.tolist():
        row = accuracies.sel(measure=measure)
        table.add_row(measure, *(f"{100 * row.sel(form=form, alpha=alpha).item():.1f}" for form, alpha in columns))
    return table
