"""Tables for the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from lineage_jax import lineage

if TYPE_CHECKING:
    import xarray


def score_table(columns: Mapping[str, "xarray.DataArray"], *, title: str) -> Table:
    """Shows the scores of one child: a row per parent, then the prediction and the margin of each column.

    Args:
        columns: for each heading, the scores over `parent` alone.
        title: what is above the table.

    Examples:
        >>> import xarray
        >>> scores = xarray.DataArray([-0.5, -0.1], coords={"parent": ["a", "b"]})
        >>> [column.header for column in score_table({"l1": scores}, title="child c").columns]
        ['parent', 'l1']
    """
    table = Table(title=title)
    table.add_column("parent", justify="left", no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right")
    decisions = {heading: lineage.decide(scores) for heading, scores in columns.items()}
    parents = next(iter(columns.values()))["parent"].values.tolist()
    for parent in parents:
        cells = []
        for heading, scores in columns.items():
            text = f"{scores.sel(parent=parent).item():.5g}"
            cells.append(f"[bold]{text}[/bold]" if decisions[heading].prediction.item() == parent else text)
        table.add_row(parent, *cells)
    table.add_section()
    table.add_row("prediction", *(decision.prediction.item() for decision in decisions.values()))
    table.add_row("margin", *(f"{decision.margin.item():.3g}" for decision in decisions.values()))
    return table


def decision_table(decisions: "xarray.Dataset", truth: Mapping[str, str], *, title: str) -> Table:
    """Shows for each child the parent that was named, the true one and the margin.

    Args:
        decisions: what `lineage.decide` returned, over `child` alone.
        truth: parent name by child name.
        title: what is above the table.
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
        accuracies: over `measure`, `form` and `alpha`, as `lineage.accuracy` returns them; `direct` does not depend on
            alpha and is shown once.
        title: what is above the table.
    """
    table = Table(title=title)
    table.add_column("measure", justify="left")
    columns = [
        (form, alpha)
        for form in accuracies["form"].values.tolist()
        for alpha in accuracies["alpha"].values.tolist()[: 1 if form == "direct" else None]
    ]
    for form, alpha in columns:
        table.add_column(form if form == "direct" else f"{form} α={alpha:g}", justify="right")
    for measure in accuracies["measure"].values.tolist():
        row = accuracies.sel(measure=measure)
        table.add_row(measure, *(f"{100 * row.sel(form=form, alpha=alpha).item():.1f}" for form, alpha in columns))
    return table
