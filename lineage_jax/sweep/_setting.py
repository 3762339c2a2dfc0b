"""From a plan to a comparison: what is compared is found from the first networks that can be read."""

import dataclasses
import hashlib
import math
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import jax
import numpy as np

from lineage_jax import data, lineage, linearize, pairs, similarity
from lineage_jax.checkpoints import in_one_line
from lineage_jax.leaves import leaf_paths
from lineage_jax.pairs import AtATime, FeatureComparison
from lineage_jax.sweep._blocks import blocks_of
from lineage_jax.sweep._cost import cost_of
from lineage_jax.sweep._first_stage import Chosen
from lineage_jax.sweep._hosts import Team
from lineage_jax.sweep._machine import machine_of
from lineage_jax.sweep._plan import PRECISIONS, Plan
from lineage_jax.sweep._reading import AT_ONCE
from lineage_jax.sweep._sides import UNREADABLE, OneNetwork, Side
from lineage_jax.typing import FeatureFn, Inputs

PROGRAMS = 64 * 2**20
"""Bytes that compiling and what JAX keeps of programs take, or a quarter of a budget that is small."""

PACKAGES = ("lineage-jax", "jax", "jaxlib", "flax", "numpy")


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What a sweep compares, and how.

    Attributes:
        plan: as it was given.
        team: the processes that compute together.
        parents: the candidates.
        children: the children.
        reading: what is known of the networks: the kinds of the first of either side.
        scoring: feature function, measures and forms.
        probes: `[n, ...]`.
        like: integers of the first network, which all must have.
        chosen: by child the parents that it is compared with; None for all.
    """

    plan: Plan
    team: Team
    parents: Side
    children: Side
    reading: pairs.Reading
    scoring: pairs.Scoring
    probes: jax.Array
    like: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    chosen: Chosen | None = None

    @property
    def described(self) -> dict[str, Any]:
        """What scores depend on beside the plan: versions, the kind of device, and the probes."""
        probes = np.ascontiguousarray(self.probes)
        head = f"{probes.dtype} {probes.shape}\n".encode()
        return {
            "versions": {package: version(package) for package in PACKAGES},
            "device_kind": jax.devices()[0].device_kind,
            "probes_sha256": hashlib.sha256(head + probes.tobytes()).hexdigest(),
        }

    def comparison(self, blocks: AtATime | None = None) -> FeatureComparison:
        """Returns the comparison, in blocks of this size on the mesh of the team or as it would be in memory."""
        on_mesh: dict[str, Any] = {} if blocks is None else {"blocks": blocks}
        on_mesh |= {} if blocks is None or self.team.mesh is None else {"mesh": self.team.mesh}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # too little memory is refused where blocks are chosen
            return pairs.feature_comparison(
                self.reading,
                self.scoring,
                measures=tuple(self.plan.measures),
                probes=self.probes,
                alphas=tuple(self.plan.alphas),
                memory=self.plan.budget,
                **on_mesh,
            )

    def blocks(self, comparison: FeatureComparison) -> AtATime:
        """Chooses the blocks of a new store; there are enough for all teams, as far as there are networks."""
        cost, budget = cost_of(comparison), self.plan.budget
        parents, children, teams = len(self.parents.names), len(self.children.names), self.team.count
        columns = min(teams, children)
        found = blocks_of(
            cost,
            machine_of(),
            parents=parents,
            children=math.ceil(children / columns),
            memory=budget - min(PROGRAMS, budget // 4) - AT_ONCE * cost.network,
            mesh=self.team.axes,
            processes=len(self.team.processes),
            precision=PRECISIONS[self.plan.precision],
        )
        return AtATime(min(found.parents, math.ceil(parents / math.ceil(teams / columns))), found.children)

    def wanted(self, parents: Sequence[str], children: Sequence[str]) -> np.ndarray:
        """Says which pairs are compared: `[p, m]`."""
        if self.chosen is None:
            return np.ones((len(parents), len(children)), bool)
        of_child = [self.chosen.get(child, frozenset()) for child in children]
        return np.array([[parent in chosen for chosen in of_child] for parent in parents])

    def labels(self, comparison: FeatureComparison) -> dict[str, Any]:
        """By dimension its labels."""
        return {"parent": self.parents.names, "child": self.children.names, **comparison.labels}


def setting_of(
    plan: Plan, team: Team, parents: Side, children: Side, *, probes: Inputs | None, features: FeatureFn | None
) -> Setting:
    """Reads the first network of either side that can be read, and finds what is compared.

    Raises:
        ValueError: If no network of a side can be read, the networks are of no known architecture and there is no
            feature function, or probes are missing, given twice or not what the networks take.
        OSError: If there are no probes where the plan says.
    """
    names, firsts = zip(*(_first(side, tuple(plan.held)) for side in (parents, children)), strict=True)
    first = firsts[0]
    images = _probes(plan, probes, first.input_shape)
    held = tuple(plan.held)
    look = pairs.first_look(*({name: of.variables} for name, of in zip(names, firsts, strict=True)), held=held)
    reading = dataclasses.replace(
        look, parents=dict.fromkeys(parents.names), children=dict.fromkeys(children.names), ready={}
    )
    measures = tuple(similarity.MEASURES[name] for name in plan.measures)
    seen = features if features is not None else _features(plan, first.network)
    setting = Setting(
        plan=plan,
        team=team,
        parents=parents,
        children=children,
        reading=reading,
        scoring=pairs.Scoring(seen, measures, tuple(plan.forms), held),
        probes=images,
    )
    leaves = leaf_paths(first.variables)
    return dataclasses.replace(
        setting, like={path: np.asarray(leaves[path]) for path in setting.comparison().plan.constant}
    )


def _first(side: Side, held: tuple[str, ...]) -> tuple[str, OneNetwork]:
    reasons: list[str] = []
    for name in side.names:
        try:
            return name, side.read(name, held=held)
        except UNREADABLE as error:
            reasons.append(f"'{name}': {in_one_line(error)}")
    raise ValueError(
        f"expected one {side.role} at least that can be read, got {len(reasons)} that cannot; {reasons[0]}"
    )


def _features(plan: Plan, network: Any) -> FeatureFn:
    if not getattr(network, "taps", ()):
        what = "of no known architecture" if network is None else f"{type(network).__name__}, which names no taps"
        raise ValueError(
            f"expected networks of a known architecture, got one that is {what}: name it with 'arch', or call "
            "sweep.run with features, a function of (variables, inputs)"
        )
    layers = network.taps if plan.layers == "all" else (plan.layers or network.taps[-1:])
    return linearize.features_of(network, tuple(layers))


def _probes(plan: Plan, given: Inputs | None, input_shape: tuple[int, ...] | None) -> jax.Array:
    if (given is None) == (plan.probes is None):
        both = "both" if given is not None else "neither"
        raise ValueError(f"expected probes in the plan or handed to run, got {both}")
    if given is not None:
        return lineage.checked_probes(given)
    images: Inputs
    if not isinstance(plan.probes, Mapping):
        assert plan.probes is not None
        images = data.load_probes(plan.place_of(plan.probes))
    elif input_shape is None:
        raise ValueError("expected a file of probes, as the networks do not say which images they take, got noise")
    else:
        key = jax.random.key(plan.probes["seed"])
        images = jax.random.normal(key, (plan.probes["noise"], *input_shape))
    if input_shape is not None:
        data.check_input_shape(images, input_shape)
    return lineage.checked_probes(images)
