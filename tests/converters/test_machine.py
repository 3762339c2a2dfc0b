"""The pickle machine builds what Python's does out of plain values, and of everything else an inert placeholder."""

import os
import pickle

import pytest

from converters._machine import LONGEST_INTEGER, OPCODE_COST, Machine, Placeholder
from converters._rebuild import REBUILD
from converters._unreadable import Budget, UnreadableFile
from tests.converters.handmade import Call, Name, dumps

SHARED = ["twice"]
VALUES = [
    *(
        None,
        True,
        False,
        0,
        255,
        65535,
        -1,
        1 << 31,
        -(1 << 40),
        1 << 200,
        0.1,
        float("inf"),
        "",
        "text",
        "ü€𝄞",
        b"bytes",
    ),
    *(
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        [],
        [1, [2, [3]]],
        {},
        {"a": {"b": (1, 2)}},
        {1: 2, None: 3},
    ),
    *({1, 2}, set(), [SHARED, SHARED], "x" * 300, b"y" * 300, list(range(2000)), {str(n): n for n in range(2000)}),
]


def run(script, limit=1 << 24, persistent=lambda identity: identity):
    return Machine(script, budget=Budget(limit), rebuild=REBUILD, persistent=persistent).run()


def test_bytes_of_protocol_2_are_decoded_from_latin_1():
    assert run(pickle.dumps(b"\xff", 2)) == b"\xff"
    assert run(dumps(Call(Name("_codecs", "encode"), "ÿ", "utf-16"))).arguments == ("ÿ", "utf-16")
    with pytest.raises(UnreadableFile, match="bytes as latin-1 text"):
        run(dumps(Call(Name("_codecs", "encode"), "€", "latin1")))


def test_integers_in_figures_are_those_of_python_2():
    assert run(b"\x80\x02I-12345678901\n.") == -12345678901


def test_long_bytes_stay_in_the_file():
    data = pickle.dumps(b"x" * 5000, 4)
    assert run(data, limit=1 << 12).view().tobytes() == b"x" * 5000
    with pytest.raises(UnreadableFile, match="expected 5000 more bytes"):
        run(data[:-10])


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_plain_values_are_those_of_python(value, protocol):
    assert run(pickle.dumps(value, protocol)) == value


def test_shared_values_stay_shared():
    first, second = run(pickle.dumps([SHARED, SHARED]))
    assert first is second


def test_strings_of_python_2_are_text_where_they_can_be():
    assert run(b"\x80\x02U\x03abc.") == "abc"
    assert run(b"\x80\x02T\x01\0\0\0\xff.") == b"\xff"


def test_recursive_values_are_built():
    value = run(b"\x80\x02]q\0h\0a.")
    assert value[0] is value


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/evil",)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_call_of_anything_is_a_placeholder_that_did_nothing(protocol):
    value = run(pickle.dumps(Evil(), protocol))
    assert isinstance(value, Placeholder)
    assert value.name in ("posix.system", "nt.system")
    assert value.arguments == ("touch /tmp/evil",)


@pytest.mark.parametrize("opcode", [pickle.REDUCE, pickle.NEWOBJ])
def test_placeholders_take_state_items_and_entries(opcode):
    value = run(dumps(Call(Name("a.b", "C"), 1, state={"x": 2}, items=[3, 4], entries=["k", 5], opcode=opcode)))
    assert (value.name, value.arguments, value.state) == ("a.b.C", (1,), {"x": 2})
    assert (value.items, value.entries) == ([3, 4], {"k": 5})
    assert repr(value) == "<a.b.C>"


def test_placeholders_can_be_called_and_made_with_keywords_and_by_old_classes():
    assert run(b"\x80\x02ca\nb\n)R(K\1tR.").name == "a.b"
    assert run(b"\x80\x04\x8c\1a\x8c\1b\x93(K\1t}\x92.").arguments == (1, {})
    assert run(b"\x80\x02(ca\nb\nK\1o.").arguments == (1,)


def test_names_that_were_not_rebuilt_are_listed_once():
    machine = Machine(
        b"\x80\x02]ca\nb\naca\nb\nacd\ne\nactorch\nSize\na.", budget=Budget(10**6), rebuild=REBUILD, persistent=repr
    )
    machine.run()
    assert list(machine.globals) == ["a.b", "d.e"]


@pytest.mark.parametrize(
    ("script", "match"),
    [
        (b"", "expected 1 more bytes of the pickle at byte 0, got 0"),
        (b"\x80\x02]", "expected 1 more bytes"),
        (b".", "expected a value on the pickle's stack"),
        (b"e.", "expected a mark on the pickle's stack"),
        (b"1.", "expected a mark on the pickle's stack"),
        (b"h\0.", "expected value 0 in the pickle's memo"),
        (b"X\xff\xff\xff\xffabc.", "expected 4294967295 more bytes"),
        (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", "expected 18446744073709551615 more bytes"),
        (b"X\1\0\0\0\xff.", "expected UTF-8 text"),
        (b"\x8b\0\1\0\0" + b"\1" * 256 + b".", f"expected integers of at most {LONGEST_INTEGER} bytes"),
        (b"ca\n" + b"b" * 2000 + b"\n.", "expected a name of at most 1024 bytes"),
        (b"K\1K\2a.", "expected a list to append to, got int"),
        (b"K\1K\2K\3s.", "expected a dictionary and pairs"),
        (b"}(K\1u.", "expected a dictionary and pairs to set in it, got dict and 1 values"),
        (b"](K\1\x90.", "expected a set to add to, got list"),
        (b"}]K\1s.", "expected an atom as a key"),
        (b"}K\1\x85\x85K\1s.", "expected an atom as a key"),
        (b"K\1)R.", "expected a global and its arguments"),
        (b"ca\nb\nK\1R.", "expected a global and its arguments"),
        (b"K\1K\2\x93.", "expected a module and a name"),
        (b"F1\n.", "got one with opcodes of protocol 0: load it where it was made"),
        (b"\xfe.", r"expected a pickle of protocol 2 to 5, got opcode b'.xfe' at byte 0"),
        (b"I1x\n.", "expected an integer in figures"),
        (b"\x82\1.", "got one with names of a registry"),
        (b"\x97.", "got one with buffers kept apart: pickle it without buffer_callback"),
    ],
)
def test_malformed_pickles_are_refused(script, match):
    with pytest.raises(UnreadableFile, match=match):
        run(script)


def test_a_tower_of_tuples_costs_neither_stack_nor_time():
    deep = run(b"\x80\x02)" + b"\x85" * 20_000 + b".", limit=1 << 30)
    assert len(deep) == 1
    doubling = b"\x80\x02})" + b"2\x86" * 200 + b"K\1s."
    with pytest.raises(UnreadableFile, match="expected an atom as a key"):
        run(doubling)


def test_keys_whose_hashes_could_be_made_to_collide_become_texts():
    long = (1 << 61) - 1
    assert run(pickle.dumps({(1, "a"): 1, 2: 2, long: 3})) == {"(1, 'a')": 1, 2: 2, str(long): 3}


def test_every_opcode_is_paid_for():
    with pytest.raises(UnreadableFile, match="expected at most 25600 bytes of content, got more"):
        run(b"\x80\x02" + b"]" * 100 + b".", limit=100 * OPCODE_COST)
    assert run(b"\x80\x02" + b"]" * 99 + b".", limit=100 * OPCODE_COST) == []
