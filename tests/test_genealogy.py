"""Who descends from whom: relatives, merges, what is refused, and the forms it is written in."""

import dataclasses
import json

import pytest

from lineage_jax import genealogy
from lineage_jax.genealogy import Edge

TREE = {"bert": "anna", "carl": "anna", "dora": "carl", "fred": "emil"}
MERGE = [Edge("gina", "dora", "merged", 0.75), Edge("gina", "emil", "merged", 0.25)]


@pytest.fixture
def forest():
    """Two trees whose youngest networks were merged, the merge fine-tuned, and a root by itself."""
    edges = [*genealogy.from_mapping(TREE).edges, *MERGE, Edge("hans", "gina")]
    return genealogy.from_edges(edges, nodes=["anna", "emil", "zoe"])


def test_relatives_are_found_through_a_merge(forest):
    assert genealogy.roots(forest) == ("anna", "emil", "zoe")
    assert genealogy.parents_of("gina", forest) == ("dora", "emil")
    assert genealogy.children_of("emil", forest) == ("fred", "gina")
    assert genealogy.ancestors("hans", forest) == ("gina", "dora", "emil", "carl", "anna")
    assert genealogy.ancestors("zoe", forest) == genealogy.parents_of("zoe", forest) == ()


def test_a_generation_comes_after_those_of_all_parents(forest):
    lines = (("anna", "emil", "zoe"), ("bert", "carl", "fred"), ("dora",), ("gina",), ("hans",))
    assert genealogy.generations(forest) == lines
    assert genealogy.ancestor("hans", forest, generation=2) == "carl"
    assert genealogy.ancestor("hans", forest, generation=5) == "hans"
    assert genealogy.generations({}) == ()


def test_an_ancestor_that_is_none_or_several_is_refused(forest):
    with pytest.raises(ValueError, match="one ancestor of 'hans' in generation 1, got emil, anna"):
        genealogy.ancestor("hans", forest, generation=1)
    two_lines = [Edge("c", "b"), Edge("d", "c"), *(Edge("x", name, "merged", 0.5) for name in ("d", "a"))]
    for generation, found in ((2, "c"), (3, "d")):
        assert genealogy.ancestor("x", genealogy.from_edges(two_lines), generation=generation) == found
    with pytest.raises(ValueError, match="from 1 to that of 'carl', 2, got 3"):
        genealogy.ancestor("carl", forest, generation=3)


def test_a_mapping_of_one_parent_each_is_enough_and_comes_back():
    assert genealogy.to_mapping(genealogy.from_mapping(TREE)) == TREE
    assert list(genealogy.to_mapping(genealogy.from_mapping(TREE))) == list(TREE)
    assert genealogy.ancestors("dora", TREE) == ("carl", "anna")
    assert genealogy.children_of("anna", TREE) == ("bert", "carl")
    assert genealogy.roots(TREE) == ("anna", "emil")
    assert genealogy.ancestors("a root without children", TREE) == ()
    pruned = genealogy.from_mapping(TREE, kind="pruned")
    assert {edge.kind for edge in pruned.edges} == {"pruned"}


def test_a_merge_has_no_mapping(forest):
    with pytest.raises(ValueError, match="one parent of every child, got dora, emil of 'gina'"):
        genealogy.to_mapping(forest)


def test_shares_of_layers_are_counted():
    merged = genealogy.from_layers({"x": {"1": "b", "2": "a", "3": "b", "4": "b"}, "y": {"1": "a", "2": "a"}})
    assert [dataclasses.astuple(edge) for edge in merged.edges] == [
        ("x", "b", "merged", 0.75),
        ("x", "a", "merged", 0.25),
        ("y", "a", "merged", 1.0),
    ]


def test_shares_may_be_rounded_but_must_add_up():
    thirds = [Edge("x", name, "merged", 0.333333) for name in "abc"]
    assert len(genealogy.from_edges(thirds).edges) == 3
    with pytest.raises(ValueError, match=r"add up to 1 for the parents of 'x', got 0\.666666"):
        genealogy.from_edges(thirds[:2])
    with pytest.raises(ValueError, match="for the parents of 'x', got 2"):
        genealogy.from_edges([Edge("x", "a", "merged"), Edge("x", "b", "merged")])


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="a share above 0 and up to 1 of 'x', got"):
        Edge("x", "a", "merged", share)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match=r"expected a kind among fine-tuned, adapted, .*, got 'stolen'"):
        Edge("x", "a", "stolen")


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([Edge("x", "a", "merged", 0.5)] * 2, "every parent of 'x' once, got 'a' twice"),
        ([Edge("x", "a", "merged", 0.5), Edge("x", "b", "pruned", 0.5)], "'x' was made, got merged, pruned"),
        ([Edge("x", "x")], "got 'x', which descends from itself"),
        ([Edge("x", "a"), Edge("a", "b"), Edge("b", "a")], "got 'a', which descends from itself"),
        ([Edge("y", "x"), *MERGE[:1], Edge("dora", "gina"), Edge("gina", "y", "merged", 0.25)], "got 'dora'"),
    ],
)
def test_edges_that_contradict_each_other_are_refused(edges, message):
    with pytest.raises(ValueError, match=message):
        genealogy.from_edges(edges)


def test_nodes_that_do_not_fit_the_edges_are_refused(forest):
    with pytest.raises(ValueError, match="every network once among the nodes, got 'a' twice"):
        genealogy.Forest(nodes=("a", "b", "a"), edges=())
    with pytest.raises(ValueError, match="got 'a', which is none of them"):
        genealogy.Forest(nodes=("x",), edges=(Edge("x", "a"),))
    for find in (genealogy.ancestors, genealogy.parents_of, genealogy.children_of):
        with pytest.raises(ValueError, match="got 'nobody', which is not in it"):
            find("nobody", forest)


def test_a_text_tree_shows_everyone_and_a_merge_below_each_parent(forest):
    assert str(forest).splitlines() == [
        "anna",
        "├─ bert",
        "└─ carl",
        "   └─ dora",
        "      └─ gina (merged, 75 %)",
        "         └─ hans",
        "emil",
        "├─ fred",
        "└─ gina (merged, 25 %), see above",
        "zoe",
    ]


def test_a_long_chain_is_no_burden():
    chain = genealogy.from_mapping({str(number + 1): str(number) for number in range(3000)})
    assert len(str(chain).splitlines()) == len(genealogy.generations(chain)) == 3001
    assert len(genealogy.ancestors("3000", chain)) == 3000


def test_json_gives_back_the_same(forest):
    text = genealogy.to_json(forest)
    assert genealogy.from_json(text) == forest
    assert json.loads(text)["edges"][-1] == {"child": "hans", "parent": "gina", "kind": "fine-tuned", "share": 1.0}
    whole = '{"nodes": ["a", "b"], "edges": [{"child": "b", "parent": "a", "kind": "pruned", "share": 1}]}'
    assert genealogy.from_json(whole).edges == (Edge("b", "a", "pruned", 1.0),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "a forest with nodes and edges, got"),
        ('{"nodes": []}', "a forest with nodes and edges, got"),
        ('{"nodes": "ab", "edges": []}', "a list of names as nodes, got ab"),
        ('{"nodes": [1], "edges": []}', r"a list of names as nodes, got \[1\]"),
        ('{"nodes": [], "edges": {}}', "a list of edges, got {}"),
        ('{"nodes": [], "edges": ["b"]}', "with child, parent, kind and share, got b"),
        ('{"nodes": [], "edges": [{"child": "b", "parent": "a"}]}', "with child, parent, kind and share"),
        *(
            (
                f'{{"nodes": [], "edges": [{{"child": "b", "parent": "a", "kind": "pruned", "share": {share}}}]}}',
                "with child, parent, kind and share",
            )
            for share in ('"1"', "true")
        ),
        ('{"nodes": [', "Expecting value"),
    ],
)
def test_other_json_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        genealogy.from_json(text)
