"""The child as it is compared with one candidate after another, and what of its program is read off once."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from lineage_jax.checkpoints import LoadedNetwork, obstacle
from lineage_jax.leaves import Weights, leaf_paths, weights_of
from lineage_jax.linearize import HELD

if TYPE_CHECKING:
    from lineage_jax.symmetry import Groups
    from lineage_jax.typing import Params

SMALL = 64
"""Side of the images on which a program is read, where the network takes them: rules do not see sizes."""

UNOPTIMISED = {"xla_backend_optimization_level": 0}
"""For a program that is run twice: compiling it takes longer than running it."""

SEED = 0
"""Of the random symmetry that the groups of a program are checked with."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Sides:
    """A child and a candidate whose leaves have the same paths where they correspond.

    Attributes:
        child: its leaves by path, all of them.
        candidate: those that correspond, in the child's layout; all that it has where both are of one program.
        orders: what may be permuted in the child, read off its program, where both are of one that can be read.
        modules: of "candidate" and "child" the module that corresponds to the other's, "" for all of it.
        among: how many pairs of modules could correspond; the most alike ones were taken.
    """

    child: Weights
    candidate: Weights
    orders: "Groups | None"
    modules: Mapping[str, str]
    among: int


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A child that is compared with one candidate after another."""

    network: LoadedNetwork

    @functools.cached_property
    def weights(self) -> Weights:
        """Its weights by path, in the order in which its file holds them."""
        return weights_in_order(self.network.tree)

    @functools.cached_property
    def variables(self) -> Weights:
        """Its variables by path, as its program takes them."""
        return on_host(self.network.variables)

    @functools.cached_property
    def equalised(self) -> Weights:
        """The same with all units of one size, where its program can be read."""
        from lineage_jax import symmetry

        groups = self.groups
        if groups is None:
            return self.variables
        return symmetry.apply_on_host(self.variables, groups, symmetry.equalise(self.variables, groups))

    def beside(self, candidate: LoadedNetwork) -> Sides:
        """Lines a candidate up with the child: by the program where both are of one, else by names and shapes."""
        from lineage_jax import lineage

        whole = {"candidate": "", "child": ""}
        if obstacle([candidate, self.network]) is None:
            theirs = on_host(candidate.variables)
            return Sides(child=self.variables, candidate=theirs, orders=self.orders, modules=whole, among=1)
        found = lineage.correspond(weights_of(candidate.tree, HELD), self.weights)
        modules = {"candidate": found.parent_module, "child": found.child_module}
        return Sides(child=self.weights, candidate=found.leaves, orders=None, modules=modules, among=found.among)

    @functools.cached_property
    def orders(self) -> "Groups | None":
        """What may be permuted in the child, read off its program; None where there is none or it cannot be run."""
        return self._orders[0]

    @functools.cached_property
    def _orders(self) -> "tuple[Groups | None, tuple[int, int, int]]":
        """The same, and the shape of the images that the program was read on."""
        return self._read(factors=False)

    @functools.cached_property
    def groups(self) -> "Groups | None":
        """What may be permuted, rescaled and flipped; whoever relies on it has it checked by `check_groups`."""
        if self.orders is None:
            return None
        with ThreadPoolExecutor(1) as pool:  # XLA compiles what checks the groups while they are read
            pool.submit(lambda: self._compiled)
            return self._read(factors=True)[0]

    def check_groups(self) -> None:
        """Makes sure once, in numbers, that the groups leave the child's outputs alone.

        Raises:
            ValueError: If they do not.
        """
        _ = self._checked

    @functools.cached_property
    def _checked(self) -> float:
        import jax

        from lineage_jax import symmetry

        assert self.groups is not None, "what is checked was read off a program"
        run, variables = self._compiled, self.network.variables
        return symmetry.check(run, variables, self._images, self.groups, jax.random.key(SEED))

    @functools.cached_property
    def _compiled(self) -> "Callable[[Params, Any], Any]":
        """The program, for images of the shape that it was read on."""
        import jax

        network = self.network.network
        assert network is not None, "a program is that of a network"
        program = jax.jit(network.apply, compiler_options=UNOPTIMISED)
        return program.lower(self.network.variables, self._images).compile()

    @property
    def _images(self) -> np.ndarray:
        return np.random.default_rng(SEED).normal(size=(1, *self._orders[1])).astype(np.float32)

    def _read(self, *, factors: bool) -> "tuple[Groups | None, tuple[int, int, int]]":
        """Returns the groups and the shape of the images that the program was read on."""
        import jax

        from lineage_jax import symmetry

        network, shape = self.network.network, self.network.input_shape
        if network is None or shape is None:
            return None, (0, 0, 0)
        program = jax.jit(network.apply)  # JAX keeps what it has traced: it is read twice, and run to check it
        small = (min(shape[0], SMALL), min(shape[1], SMALL), shape[2])
        for side in dict.fromkeys([small, shape]):
            if _takes(program, self.network.variables, side):
                return symmetry.groups(program, self.network.variables, _image(side), factors=factors), side
        return None, (0, 0, 0)


def _takes(program: Callable[..., Any], variables: "Params", side: tuple[int, int, int]) -> bool:
    """Says whether a network takes images of a size."""
    import jax
    from flax.errors import FlaxError

    try:
        jax.eval_shape(program, variables, _image(side))
    except (TypeError, ValueError, FlaxError):  # shapes that do not go together, in JAX's words, numpy's or Flax's
        return False
    return True


def on_host(tree: "Params") -> Weights:
    """Returns all leaves by path as arrays of numpy."""
    return {path: np.asarray(leaf) for path, leaf in leaf_paths(tree).items()}


def weights_in_order(tree: "Params") -> Weights:
    """Returns weights by path as `leaves.weights_of`, in the order in which nested dictionaries hold them.

    Examples:
        >>> list(weights_in_order({"stem": {"weight": np.ones((2, 2))}, "body": {"weight": np.ones((2, 2))}}))
        ['stem/kernel', 'body/kernel']
    """
    found: Weights = {}
    for path, leaf in _in_order(tree):
        found |= weights_of({path: leaf}, HELD)
    return found if len(found) else weights_of(tree, HELD)


def _in_order(tree: Any, *steps: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from _in_order(value, *steps, str(key))
    elif isinstance(tree, np.ndarray):
        yield "/".join(steps), tree
    else:
        for path, leaf in leaf_paths(tree).items():
            yield "/".join([*steps, *([path] if path else [])]), leaf


def _image(shape: tuple[int, int, int]) -> Any:
    import jax

    return jax.ShapeDtypeStruct((1, *shape), np.float32)
