"""Ten parents one percent apart: no recommended strength turns their order round."""

import jax
import jax.numpy as jnp
import pytest

from lineage_jax import lineage, similarity

PARENTS, CHILDREN, APART, MOVED = 10, 3, 0.01, 0.002


def network(params, x):
    return jnp.tanh(jax.nn.relu(x @ params["first"]) @ params["second"])


def nudged(params, key, by):
    """Moves every weight matrix at random by a part of its norm."""
    keys = dict(zip(params, jax.random.split(key, len(params)), strict=True))

    def move(name):
        direction = jax.random.normal(keys[name], params[name].shape)
        return params[name] + by * jnp.linalg.norm(params[name]) * direction / jnp.linalg.norm(direction)

    return {name: move(name) for name in params}


@pytest.fixture(scope="module")
def named():
    """The children named rightly: a table over measure, form and alpha."""
    first, second, probing, *keys = jax.random.split(jax.random.key(0), 3 + PARENTS)
    one = {"first": jax.random.normal(first, (8, 16)) / 8**0.5, "second": jax.random.normal(second, (16, 8)) / 4}
    parents = {f"p{i}": nudged(one, key, APART / 2**0.5) for i, key in enumerate(keys)}
    children = {
        f"{name}-{j}": nudged(params, jax.random.fold_in(probing, CHILDREN * i + j), MOVED)
        for i, (name, params) in enumerate(parents.items())
        for j in range(CHILDREN)
    }
    strengths = (lineage.RECOMMENDED_ALPHA, lineage.RECOMMENDED_EXACT_ALPHA, lineage.TAYLOR_LIMIT)
    chosen = {alpha for by_measure in strengths for alpha in by_measure.values()}
    scores = lineage.score(
        network,
        parents,
        children,
        jax.random.normal(probing, (64, 8)),
        measures=similarity.MEASURES,
        alphas=tuple(sorted(chosen | {0.01, 0.03, 0.1, 0.3, 1.2})),
        forms=lineage.FORMS,
    )
    truth = {child: child.split("-")[0] for child in children}
    return (lineage.accuracy(lineage.decide(scores.isel(layer=0)), truth) * len(children)).round().astype(int)


@pytest.mark.parametrize("measure", sorted(similarity.MEASURES))
def test_both_forms_name_all_near_parents_at_their_recommended_strengths(named, measure):
    of = named.sel(measure=measure)
    assert of.sel(form="direct").isel(alpha=0) == PARENTS * CHILDREN
    assert of.sel(form="taylor", alpha=lineage.RECOMMENDED_ALPHA[measure]) == PARENTS * CHILDREN
    assert of.sel(form="exact", alpha=lineage.RECOMMENDED_EXACT_ALPHA[measure]) == PARENTS * CHILDREN


def test_at_alpha_one_the_taylor_form_of_cka_names_nobody_and_the_exact_form_keeps_the_order_below(named):
    of = named.sel(measure="cka")
    assert of.sel(form="taylor", alpha=1.0) == 0
    assert (of.sel(form="exact", alpha=[0.01, 0.03, 0.1, 0.3, 0.5]) == PARENTS * CHILDREN).all()


@pytest.mark.parametrize("measure", sorted(similarity.MEASURES))
def test_beyond_its_limit_the_taylor_form_names_no_more_than_chance(named, measure):
    beyond = min(alpha for alpha in named.alpha.values.tolist() if alpha > lineage.TAYLOR_LIMIT[measure])
    # l2 and lp are clipped, so that all candidates tie and the first one is named: one in ten
    assert named.sel(measure=measure, form="taylor", alpha=beyond) <= CHILDREN
