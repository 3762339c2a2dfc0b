"""Scores on meshes of 8 virtual devices beside those on one device: `python -m tests.pairs.on_mesh` prints them.

Difference is measured against the largest score of the same layer, measure and form. Where a Taylor form takes a root,
powers are compared: a root of a sum that nearly cancels has no digits to compare, on one device either.
"""

import argparse
import collections.abc
import json
import os

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from lineage_jax import lineage, linearize, models, pairs, similarity
from tests.symmetry.drawn import drawn

MESHES = {
    "children=8": {"children": 8},
    "children=4,probes=2": {"children": 4, "probes": 2},
    "probes=4,children=2": {"probes": 4, "children": 2},
    "probes=8": {"probes": 8},
}
ALPHAS = (0.1, 0.2)


def kernel_alignment(a, b):
    """A measure as a user writes one: it couples examples, and says nothing of itself."""
    a, b = (x - x.mean(0) for x in (a, b))
    return jnp.vdot(a @ a.T, b @ b.T) / jnp.linalg.norm(a @ a.T) / jnp.linalg.norm(b @ b.T)


MEASURES = similarity.MEASURES | {"user": kernel_alignment}
NETWORKS = {
    "fc": (models.fc(3, widths=(12, 10, 8)), "relu3", (4, 4, 1)),
    "conv": (models.CifarResNet(num_classes=3, depth=1, width=4, projected=False), "layer1", (8, 8, 3)),
    "transformer": (models.ViT(num_classes=3, patch=4, width=16, depth=1, heads=2), "blocks/0", (8, 8, 3)),
}


def mesh_of(sizes, devices=None):
    devices = jax.devices() if devices is None else devices
    count = int(np.prod([*sizes.values()]))
    return Mesh(np.array(devices[:count]).reshape([*sizes.values()]), tuple(sizes))


def family(network, shape, *, parents=2, children=11):
    """Returns parents, and children of the first ones, drawn without compiling an initialiser."""
    shapes = jax.eval_shape(lambda: models.init(network, jax.random.key(0), shape))
    roots = {f"p{seed}": drawn(shapes, seed) for seed in range(parents)}
    towards = lambda a, b: jnp.asarray(np.asarray(a) + np.float32(0.1) * (np.asarray(b) - np.asarray(a)))
    tuned = {
        f"c{seed}": jax.tree.map(towards, roots[f"p{seed % parents}"], drawn(shapes, 100 + seed))
        for seed in range(children)
    }
    return roots, tuned


def probes_of(shape, count):
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)


def comparison(feature_fn, parents, children, probes, *, measures=MEASURES, forms=lineage.FORMS, **options):
    reading = pairs.first_look(parents, children, held=linearize.HELD)
    return pairs.feature_comparison(
        reading,
        pairs.Scoring(feature_fn, tuple(measures.values()), forms, linearize.HELD),
        measures=tuple(measures),
        probes=jnp.asarray(probes),
        alphas=ALPHAS,
        **{"memory": None} | options,
    )


def scores_of(found, parents, children):
    """Returns all scores `[p, m, layer, measure, form, alpha]`."""
    columns: dict[slice, list] = {}
    for tile in pairs.tiles(found, tuple(parents), tuple(children)):
        columns.setdefault((tile.children.start, tile.children.stop), []).append(tile.values)
    return np.concatenate([np.concatenate(rows, axis=0) for rows in columns.values()], axis=1)


def differences(found, expected, measures=MEASURES, forms=lineage.FORMS):
    """Returns by measure the largest difference, in units of the largest score of its layer and form."""
    by_measure = {}
    for place, (name, measure) in enumerate(measures.items()):
        ours, theirs = (np.abs(scores[:, :, :, place].astype(float)) for scores in (found, expected))
        if isinstance(measure, similarity.RootedMeasure) and "taylor" in forms:
            taylor = forms.index("taylor")
            ours[:, :, :, taylor], theirs[:, :, :, taylor] = (x[:, :, :, taylor] ** measure.p for x in (ours, theirs))
        size = theirs.max(axis=(0, 1, 4), keepdims=True)
        by_measure[name] = float((np.abs(ours - theirs) / size).max())
    return by_measure


def compared(name, meshes, *, probes=24, measures=MEASURES, forms=lineage.FORMS):
    """Returns by mesh and measure how far scores on a mesh are from those without."""
    network, layer, shape = NETWORKS[name]
    feature_fn, (parents, children) = linearize.features_of(network, (layer,)), family(network, shape)
    shown = probes_of(shape, probes)
    options = {"measures": measures, "forms": forms}
    expected = scores_of(comparison(feature_fn, parents, children, shown, **options), parents, children)
    found = {}
    for label in meshes:
        on_mesh = comparison(feature_fn, parents, children, shown, mesh=mesh_of(MESHES[label]), **options)
        found[f"{name} {label}"] = differences(scores_of(on_mesh, parents, children), expected, **options)
    return found


FEW = {name: MEASURES[name] for name in ("l1", "l2", "cka", "user")}


TWO = {name: FEW[name] for name in ("l2", "cka")}
FEW_FORMS = ("taylor", "exact")


def small(probes, **options):
    """Returns a comparison of a small network by a few measures, and its networks."""
    network, layer, shape = NETWORKS["fc"]
    parents, children = options.pop("networks", None) or family(network, shape)
    features = options.pop("feature_fn", linearize.features_of(network, (layer,)))
    few = {"measures": FEW, "forms": FEW_FORMS} | options
    return comparison(features, parents, children, probes_of(shape, probes), **few), parents, children


def facts():
    """Returns what the tests look at: all measures in one form and two in all forms, as they take long to compile."""
    cases = {
        **compared("fc", ["children=4,probes=2"], forms=("exact",)),
        **compared("conv", ["probes=4,children=2"], measures=TWO),
    }
    return {"differences": cases, **blocks(), **scattered(), **cut(), **together()}


def scattered():
    """Networks that lie on several devices when they are handed over, and are compared on one."""
    found, parents, children = small(13)
    away = {name: jax.device_put(one, jax.devices()[place]) for place, (name, one) in enumerate(parents.items(), 2)}
    scores = scores_of(*small(13, networks=(away, children)))
    return {"scattered": differences(scores, scores_of(found, parents, children), FEW, FEW_FORMS)}


def cut():
    """Probes that are shown piece by piece, to children on several devices."""
    options = {"measures": {"l1": similarity.l1, "l2": similarity.l2}, "memory": 400_000}
    found, *networks = small(256, mesh=mesh_of({"children": 4}), **options)
    expected = scores_of(*small(256, **options | {"memory": None}))
    worst = differences(scores_of(found, *networks), expected, options["measures"], FEW_FORMS)
    return {"cut": worst, "rows": found.plan.pieces.rows}


def blocks():
    """Blocks of 6 on 4 devices, filled up to 8; 13 probes on 2, the last one shown twice and counted once."""
    blocks = pairs.AtATime(2, 6)
    found, parents, children = small(13, mesh=mesh_of({"children": 4, "probes": 2}), blocks=blocks)
    first, second = (dict([*children.items()][place]) for place in (slice(0, 6), slice(6, 11)))
    expected = scores_of(*small(13))
    ready, prepared = handed_over(found, "parent", parents), handed_over(found, "child", first)
    scores = [found.compare(ready, prepared)]
    with jax.no_tracing():
        scores.append(found.compare(ready, handed_over(found, "child", second)))
    kernel = jax.tree.leaves(prepared.block)[0]
    return {
        "blocks": differences(np.concatenate(scores, axis=1), expected, FEW, FEW_FORMS),
        "faults": found.faults(prepared),
        "counted": pairs.traced(found, parents=1, children=1).features,
        "on a device": [shard.data.shape[0] for shard in kernel.addressable_shards],
    }


def handed_over(found, role, networks):
    plan, names = found.plan, list(networks)
    here = [networks[names[min(place, len(names) - 1)]] for place in found.here(role)]
    block = pairs.stacked((pairs.brought(one, plan.shared, plan.used) for one in here), plan.shared, size=len(here))
    return found.prepare(role, names, found.place(role, block))


def together():
    """Features that depend on which probes are shown together."""
    network, layer, _ = NETWORKS["fc"]
    features = linearize.features_of(network, (layer,))

    def centred(variables, x):
        return features(variables, x)[layer] - features(variables, x)[layer].mean(0)

    try:
        scores_of(*small(16, feature_fn=centred, mesh=mesh_of({"probes": 2})))
    except ValueError as error:
        return {"refused": str(error)}
    return {"refused": ""}


class Counted(collections.abc.Mapping):
    """Networks that say which of them were asked for."""

    def __init__(self, networks):
        self.networks, self.asked = networks, []

    def __getitem__(self, name):
        self.asked.append(name)
        return self.networks[name]

    def __iter__(self):
        return iter(self.networks)

    def __len__(self):
        return len(self.networks)


def one_of_two(coordinator, process):
    """Returns what one of two processes saw, whose devices make one mesh: once over children, once over probes."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(coordinator, num_processes=2, process_id=process)
    fewer = {
        "blocks": pairs.AtATime(2, 6),
        "forms": ("exact",),
        "measures": {name: FEW[name] for name in ("l2", "cka")},
    }
    expected = scores_of(*small(16, **fewer))
    network, _, shape = NETWORKS["fc"]
    found = {}
    for axes in (("children", "probes"), ("probes", "children")):
        parents, children = map(Counted, family(network, shape))
        mesh = mesh_of(dict.fromkeys(axes, 2))
        on_mesh, *_ = small(16, networks=(parents, children), mesh=mesh, **fewer)
        scores = scores_of(on_mesh, parents, children)
        worst = max(differences(scores, expected, fewer["measures"], fewer["forms"]).values())
        found[axes[0]] = {"worst": worst, "read": children.asked}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", action="store_true", help="what the tests look at, in one line")
    parser.add_argument("--coordinator", help="of two processes, each with two devices")
    parser.add_argument("--process", type=int)
    arguments = parser.parse_args()
    devices = 2 if arguments.coordinator else 8
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    if arguments.coordinator:
        print(json.dumps(one_of_two(arguments.coordinator, arguments.process)))
    elif arguments.facts:
        print(json.dumps(facts()))
    else:
        for case, worst in (case for name in NETWORKS for one in MESHES for case in compared(name, [one]).items()):
            print(json.dumps({"case": case, "worst": max(worst.values())} | worst), flush=True)


if __name__ == "__main__":
    main()
