"""How a sweep is cut: blocks fit, are of equal size, hide reading where they can, and depend on nothing measured."""

import itertools
import math

import pytest

from lineage_jax.pairs import AtATime
from lineage_jax.sweep import Cost, Machine, Work, block_times, blocks_of, machine_of

MACHINE = Machine(
    name="round numbers",
    devices=8,
    rates={"float32": 1e12, "bfloat16": 1e13},
    default="float32",
    memory=1e10,
    bandwidth=1e12,
    interconnect=1e11,
    reading=1e9,
)
MIB = 2**20
COUNTS = [(1, 1), (1, 1000), (1000, 1), (20, 20), (7, 13), (100, 1000), (1000, 100_000)]
MESHES = [{}, {"children": 8}, {"children": 3}, {"children": 4, "probes": 2}, {"probes": 2}]


def cost(*, pair=1e10, forward=5e9, network=4 * MIB, held=MIB, working=10 * MIB, gathered=0, traffic=1e6):
    return Cost(
        parent=Work(forward, traffic),
        child=Work(forward, traffic),
        pair=Work(pair, traffic),
        network=network,
        file=network,
        held=held,
        working=working,
        gathered=gathered,
    )


def count(blocks, parents, children):
    return math.ceil(parents / blocks.parents) * math.ceil(children / blocks.children)


def times(blocks, *, parents, **options):
    return block_times(options.pop("cost", cost()), MACHINE, blocks, parents=parents, **options)


@pytest.mark.parametrize("mesh", MESHES, ids=str)
@pytest.mark.parametrize(("parents", "children"), COUNTS)
def test_blocks_are_parts_of_equal_size_and_multiples_of_the_axis(parents, children, mesh):
    across = mesh.get("children", 1)
    blocks = blocks_of(cost(), MACHINE, parents=parents, children=children, memory=2**31, mesh=mesh)
    assert blocks.children % across == 0
    assert 1 <= blocks.parents <= parents
    assert blocks.children < children + across
    for size, total, step in ((blocks.parents, parents, 1), (blocks.children, children, across)):
        parts = math.ceil(total / size)
        assert math.ceil(total / max(1, size - step)) > parts or size == step, "a smaller block makes as few parts"


@pytest.mark.parametrize("mesh", MESHES, ids=str)
def test_networks_features_and_what_is_read_ahead_fit_into_the_memory(mesh):
    for memory, (parents, children) in itertools.product((2**29, 2**31, 2**34), COUNTS):
        blocks = blocks_of(cost(), MACHINE, parents=parents, children=children, memory=memory, mesh=mesh)
        across, devices = mesh.get("children", 1), math.prod(mesh.values())
        of_parents = blocks.parents * devices * (1 if blocks.parents == parents else 2)
        of_children = blocks.children * devices // across * 2
        held = (of_parents + of_children) * 4 * MIB + blocks.children * MIB + across * 5 * MIB
        assert held <= memory


def test_more_memory_than_one_pair_needs_is_asked_for_with_its_bytes():
    least = 4 * MIB * (1 + 1 + 3) + MIB + 5 * MIB  # a parent twice, a child thrice, its features, half the temporaries
    assert blocks_of(cost(), MACHINE, parents=1, children=9, memory=least) == AtATime(1, 1)
    with pytest.raises(ValueError, match=f"memory={least - 1} is less .* about {least} bytes"):
        blocks_of(cost(), MACHINE, parents=1, children=9, memory=least - 1)


def test_equal_arguments_give_equal_blocks():
    chosen = {blocks_of(cost(), MACHINE, parents=1000, children=100_000, memory=2**33) for _ in range(3)}
    assert len(chosen) == 1


def test_reading_hides_behind_computing_where_it_can():
    # a parent reads in 4 ms, a pair takes 10 ms: one child hides it; at 0.1 ms a pair it takes 84 with the margin
    for pair, fewest in ((1e10, 1), (1e8, 84)):
        blocks = blocks_of(cost(pair=pair), MACHINE, parents=1000, children=100_000, memory=2**33)
        found = times(blocks, parents=1000, cost=cost(pair=pair))
        assert blocks.children >= fewest
        assert found.reading <= found.computing
        assert found.bound == "computing"


def test_where_reading_cannot_hide_parents_are_kept():
    # pairs of 1 us: even with all parents held, a child reads longer than it computes
    cheap = cost(pair=1e6, forward=1e6)
    blocks = blocks_of(cheap, MACHINE, parents=1000, children=100_000, memory=2**34)
    assert blocks.parents == 1000
    assert times(blocks, parents=1000, cost=cheap).bound == "reading"


@pytest.mark.parametrize("kind", ["cpu", "TPU v5 lite", "NVIDIA H100 80GB HBM3"])
def test_blocks_are_neither_many_nor_long(kind):
    machine = machine_of(kind)
    for pair in (1e7, 1e9, 1e11):
        of_pair = cost(pair=pair, forward=pair / 2)
        blocks = blocks_of(of_pair, machine, parents=1000, children=100_000, memory=2**34)
        found = block_times(of_pair, machine, blocks, parents=1000)
        sweep_seconds = count(blocks, 1000, 100_000) * found.on_devices
        assert count(blocks, 1000, 100_000) <= 30_000
        assert found.on_devices <= max(60.0, sweep_seconds / 15_000)


def test_a_small_plan_is_few_blocks():
    blocks = blocks_of(cost(), MACHINE, parents=20, children=20, memory=2**31)
    assert count(blocks, 20, 20) <= 4


def test_the_parts_of_a_block_take_what_their_rates_say():
    found = times(AtATime(10, 30), parents=100)
    assert found.reading == pytest.approx((10 + 30 / 10) * 4 * MIB / 1e9)
    assert found.computing == pytest.approx((300 * 1e10 + (10 + 30 / 10) * 5e9) / 1e12)
    assert found.bandwidth == pytest.approx((300 + 13) * 1e6 / 1e12)
    assert found.interconnect == 0


def test_parents_that_are_all_held_are_not_read_again():
    assert times(AtATime(10, 30), parents=10).reading == pytest.approx(30 * 4 * MIB / 1e9)


def test_devices_share_children_and_rows_of_the_probes():
    one = times(AtATime(10, 32), parents=100, cost=cost(forward=0.0))
    for mesh in ({"children": 4}, {"probes": 4}, {"children": 2, "probes": 2}):
        assert times(AtATime(10, 32), parents=100, cost=cost(forward=0.0), mesh=mesh).computing == one.computing / 4


def test_features_are_exchanged_between_parts_of_the_probes():
    gathered = cost(gathered=1000)
    found = times(AtATime(10, 30), parents=100, cost=gathered, mesh={"children": 2, "probes": 4})
    assert found.interconnect == pytest.approx((10 * 15 + 10 + 1.5) * 1000 * 3 / 4 / 1e11)
    assert times(AtATime(10, 30), parents=100, cost=gathered, mesh={"children": 2}).interconnect == 0


def test_processes_of_a_mesh_each_read_their_own_children():
    one, two = (times(AtATime(10, 30), parents=100, mesh={"children": 2}, processes=n).reading for n in (1, 2))
    assert one - two == pytest.approx(30 / 10 / 2 * 4 * MIB / 1e9)


def test_what_takes_longest_bounds():
    slow = {
        "reading": cost(network=10**12, pair=1.0, forward=1.0),
        "computing": cost(),
        "memory bandwidth": cost(traffic=1e12),
        "interconnect": cost(gathered=10**12),
    }
    for bound, of_pair in slow.items():
        found = block_times(of_pair, MACHINE, AtATime(10, 30), parents=100, mesh={"probes": 2})
        assert found.bound == bound


def test_a_lower_precision_computes_faster():
    full, half = (times(AtATime(10, 30), parents=100, precision=name).computing for name in ("float32", "bfloat16"))
    assert full == pytest.approx(10 * half)


def test_a_precision_that_a_machine_has_not_is_refused():
    with pytest.raises(ValueError, match=r"a precision of round numbers out of \('float32', 'bfloat16'\), got 'int8'"):
        MACHINE.rate("int8")


def test_names_of_precisions_are_those_of_jax():
    h100 = machine_of("NVIDIA H100 80GB HBM3")
    assert h100.rate() == h100.rate("default") == h100.rate("high") == h100.rate("tensorfloat32")
    assert h100.rate("highest") == h100.rate("float32") < h100.rate("tensorfloat32") < h100.rate("bfloat16")
