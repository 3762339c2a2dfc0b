"""One output of a layer that gives several.

A layer that is called more than once has an output for each call: `conv:0`, `conv:1`, in the order of the calls. One
that runs in a scan has one for each step, `blocks/conv:0` for the first. The bare name is refused there: which of the
outputs it means, nobody could know.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from jaxtyping import Array


class Calls(NamedTuple):
    """The outputs of one layer.

    Attributes:
        outputs: of each call, the arrays that it returns.
        stacked: whether they have axes in front over the steps of a scan (or the lanes of a vmap).
    """

    outputs: tuple[tuple[Array, ...], ...]
    stacked: bool


class SeveralOutputsError(ValueError):
    """A layer gives several outputs, and its name chooses none of them."""


def base_of(layer: str) -> str:
    """Returns the path of a layer without the numbers of its calls.

    Examples:
        >>> base_of("blocks/conv:1"), base_of("a:b")
        ('blocks/conv', 'a:b')
    """
    base, _, number = layer.rpartition(":")
    return base_of(base) if base and number.isdecimal() else layer


def pick(layer: str, found: Mapping[str, Calls], probes: int) -> Array | None:
    """Returns the output that a layer's name means, or None where no such layer was called.

    Args:
        layer: the path of a layer, with `:number` behind it for one of several calls.
        found: outputs by the path of the layer.
        probes: how many there are; a stack that long is taken as a vmap over them.

    Raises:
        SeveralOutputsError: If the layer gives several outputs and the name chooses none, or one that is not there.
        ValueError: If the name has a number too many.
        TypeError: If the layer returns other than one array.
    """
    base = layer if layer in found else base_of(layer)
    if base not in found:
        return None
    outputs, stacked = _single_arrays(base, found[base].outputs), found[base].stacked
    numbers = [int(number) for number in layer[len(base) :].split(":")[1:]]
    if len(outputs) > 1 or (numbers and not stacked):  # where there is one call, `:0` is that
        output, name = _nth(outputs, len(outputs), base, numbers)
    else:
        output, name = outputs[0], base
    if stacked and (numbers or output.shape[0] != probes):
        output, name = _nth(output, output.shape[0], name, numbers)
    while stacked and numbers:
        output, name = _nth(output, output.shape[0], name, numbers)
    if numbers:
        raise ValueError(f"expected one output of layer '{base}', got '{layer}'; '{name}' is one, without more numbers")
    return output


def _single_arrays(layer: str, calls: tuple[tuple[Array, ...], ...]) -> list[Array]:
    wrong = [arrays for arrays in calls if len(arrays) != 1]
    if wrong:
        raise TypeError(
            f"expected layer '{layer}' to return one array, got {len(wrong[0])} of them; choose one of its sub-modules"
        )
    return [array for (array,) in calls]


def _nth(outputs: Sequence[Array] | Array, count: int, name: str, numbers: list[int]) -> tuple[Array, str]:
    """Takes the next number off and returns the output with that number, and its name."""
    if not numbers or numbers[0] >= count:
        got = ":".join([name, *map(str, numbers)])
        raise SeveralOutputsError(
            f"expected the name of one output, got '{got}': '{name}' is called {count} times; name one of '{name}:0' "
            f"to '{name}:{count - 1}'"
        )
    number = numbers.pop(0)
    return outputs[number], f"{name}:{number}"
