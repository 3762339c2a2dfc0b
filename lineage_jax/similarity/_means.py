"""Measures that are means over the examples: they can be summed over pieces of the examples."""

import functools
from collections.abc import Callable
from typing import TypeVar

from lineage_jax.typing import Measure

Declared = TypeVar("Declared", bound=Callable)

_MARK = "is_mean_over_examples"
"""An attribute of the function, or of the class of measures."""


def mean_over_examples(measure: Declared) -> Declared:
    r"""Declares that a measure is $S(A, B) = \frac{1}{n} \sum_i s(A_i, B_i)$, a mean of one number for each example.

    On a class it declares all of its measures; of a `RootedMeasure` the power is the mean. `lineage.score` can then
    show the networks the probes piece by piece where memory is short.

    Examples:
        >>> @mean_over_examples
        ... def largest(a, b):
        ...     return -abs(a - b).max(axis=1).mean()
        >>> is_mean_over_examples(largest), is_mean_over_examples(lambda a, b: 0.0)
        (True, False)
    """
    setattr(measure, _MARK, True)
    return measure


def is_mean_over_examples(measure: Measure) -> bool:
    """Tells whether a measure is declared to be a mean over the examples, or a root of one.

    Examples:
        >>> from lineage_jax import similarity
        >>> [is_mean_over_examples(s) for s in (similarity.l1, similarity.l2, similarity.linear_cka)]
        [True, True, False]
    """
    if isinstance(measure, functools.partial):
        return is_mean_over_examples(measure.func)
    return bool(getattr(measure, _MARK, False))
