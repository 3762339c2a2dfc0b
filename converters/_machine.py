"""A pickle machine that builds plain values and inert placeholders, and nothing else.

A pickle is a program for a stack machine, and Python's own machine imports and calls whatever the program names. This
one has no import and no call: a global is a name, and applying it gives a `Placeholder`, unless the name is in the
table of rebuilding functions that the caller passes in (an allow-list). It is written out here, not derived from
`pickle.Unpickler`, because the file must not decide what is allocated: every operand is measured against the bytes
that are there, every opcode is paid out of a budget, keys are atoms (a tuple of tuples can take 2^n steps to hash), and
integers are short. Values nest by reference, never by recursion, so that depth costs no stack.

Read are the binary opcodes of protocols 2 to 5, which is what `torch.save` writes. Other opcodes of protocol 0, the
extension registry and out-of-band buffers are refused. Long runs of bytes, such as the elements of an array, stay
in the file.

References:
    Python library reference, "pickle" and "pickletools"; PEP 307, PEP 3154.
"""

import dataclasses
import pickle
import struct
from collections.abc import Callable, Mapping
from mmap import mmap
from typing import Any

import numpy as np

from converters._unreadable import Budget, UnreadableFile, damaged, shown

OPCODE_COST = 256
"""Bytes charged for an opcode: more than the largest thing that one makes, an empty set, and its place on the stack."""
LONGEST_NAME = 1024
"""Bytes of a global's module or name at most."""
LONGEST_INTEGER = 255
"""Bytes of an integer at most: arithmetic and printing of long ones is slow."""
LARGEST_KEY = 1 << 60
"""Integers up to here are their own hash."""
LONGEST_KEY = 16
"""Elements of a tuple that serves as a key at most."""
LONGEST_DECIMAL = 20
"""Figures of an integer at most that is written in these."""
LONG_RUN = 4096
"""Bytes above which a string of bytes is not copied out of the file."""

Rebuild = Callable[[tuple, Budget], Any]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Run:
    """A long string of bytes, which stays where it lies: `data[start:stop]`."""

    data: "bytes | mmap"
    start: int
    stop: int

    def __len__(self) -> int:
        """Returns how many bytes there are."""
        return self.stop - self.start

    def __repr__(self) -> str:
        """Returns how many bytes there are, in words."""
        return f"<{len(self)} bytes>"

    def view(self) -> np.ndarray:
        """Returns the bytes as uint8 `[n]`, without a copy."""
        return np.frombuffer(self.data, np.uint8, len(self), self.start)


class Stateful:
    """What is rebuilt in two steps: made by its name, and then given a state."""

    __slots__ = ()

    def build(self, state: Any, budget: Budget) -> None:
        """Takes the state that the pickle gives."""
        raise NotImplementedError


class Placeholder:
    """What stands for an object or function that is not rebuilt: its name and what the pickle gave it.

    Attributes:
        name: its global name, such as "torch.optim.sgd.SGD".
        arguments: what it was called with; `None` for the function or class itself.
        state: what was set on it.
        items: what was appended to it.
        entries: what was set under keys of it.
    """

    __slots__ = ("arguments", "entries", "items", "name", "state")

    def __init__(self, name: str, arguments: tuple | None = None) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None
        self.items: list[Any] | None = None
        self.entries: dict[Any, Any] | None = None

    def __repr__(self) -> str:
        """Returns the name alone: the rest can be large, or contain itself."""
        return f"<{self.name}>"


class Machine:
    """Runs the pickles that lie in `data`, one after another.

    Attributes:
        position: where the next pickle, or what follows the last one, starts.
        budget: what opcodes and rebuilding are paid from.
        globals: names that were looked up and are not in `rebuild`, in order.
    """

    def __init__(
        self,
        data: bytes | mmap,
        *,
        position: int = 0,
        end: int | None = None,
        budget: Budget,
        rebuild: Mapping[str, Rebuild],
        persistent: Callable[[Any], Any],
    ) -> None:
        self.position = position
        self.globals: dict[str, None] = {}
        self._data = data
        self._end = len(data) if end is None else end
        self.budget = budget
        self._rebuild = rebuild
        self._persistent = persistent
        self._frames: list[list[Any]] = [[]]
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Runs one pickle and returns its value.

        Raises:
            UnreadableFile: If the pickle is malformed, needs more than the budget, or uses a refused opcode.
        """
        self._frames, self._memo = [[]], {}
        while (code := self.take(1)) != pickle.STOP:
            self.budget.spend(OPCODE_COST)
            if code in _CONSTANTS:
                self._push(_CONSTANTS[code])
            elif code in _FIXED:
                layout = _FIXED[code]
                self._push(*struct.unpack(layout, self.take(struct.calcsize(layout))))
            elif code in _SIZED:
                width, decode = _SIZED[code]
                self._push(decode(self._operand(width)))
            elif code in _RUNS:
                width, decode = _RUNS[code]
                self._push(self._run_of_bytes(width, decode))
            elif code in _ACTIONS:
                _ACTIONS[code](self)
            elif code in REFUSED:
                raise UnreadableFile(f"expected a pickle that is whole in itself, got one with {REFUSED[code]}")
            else:
                raise damaged("a pickle of protocol 2 to 5", f"opcode {code!r} at byte {self.position - 1}")
        return self._pop()

    def take(self, size: int) -> bytes:
        """Returns the next bytes; those behind a pickle when it has been run."""
        if size > self._end - self.position:
            left = self._end - self.position
            raise damaged(f"{size} more bytes of the pickle at byte {self.position}", f"{left}")
        self.position += size
        return self._data[self.position - size : self.position]

    def _operand(self, width: int) -> bytes:
        """Takes an operand behind its length; four bytes a byte is what the widest text needs."""
        size = int.from_bytes(self.take(width), "little")
        self.budget.spend(4 * min(size, len(self._data)))
        return self.take(size)

    def _run_of_bytes(self, width: int, decode: Callable[[bytes], Any]) -> Any:
        """Takes a string of bytes behind its length; a long one is passed over."""
        start = self.position + width
        if int.from_bytes(self._data[self.position : start], "little") <= LONG_RUN:
            return decode(self._operand(width))
        size = int.from_bytes(self.take(width), "little")
        if size > self._end - start:
            raise damaged(f"{size} more bytes of the pickle at byte {start}", f"{self._end - start}")
        self.position = start + size
        return Run(self._data, start, start + size)

    def _line(self) -> str:
        """Takes one line of a global's name."""
        end = self._data.find(b"\n", self.position, min(self.position + LONGEST_NAME, self._end))
        if end < 0:
            raise damaged(f"a name of at most {LONGEST_NAME} bytes at byte {self.position}", "a longer one")
        return _text(self.take(end + 1 - self.position)[:-1])

    def _push(self, value: Any) -> None:
        self._frames[-1].append(value)

    def _pop(self) -> Any:
        if not self._frames[-1]:
            raise damaged(f"a value on the pickle's stack before byte {self.position}", "none")
        return self._frames[-1].pop()

    def _top(self) -> Any:
        value = self._pop()
        self._push(value)
        return value

    def _marked(self) -> list[Any]:
        """Takes everything above the last mark."""
        if len(self._frames) == 1:
            raise damaged(f"a mark on the pickle's stack before byte {self.position}", "none")
        return self._frames.pop()

    def _mark(self) -> None:
        self._frames.append([])

    def _drop(self) -> None:
        if self._frames[-1]:
            self._pop()
        else:
            self._marked()

    def _tuple(self, size: int) -> None:
        self._push(tuple(reversed([self._pop() for _ in range(size)])))

    def _remember(self, index: int) -> None:
        self._memo[index] = self._top()

    def _recall(self, index: int) -> None:
        if index not in self._memo:
            raise damaged(f"value {index} in the pickle's memo", "none")
        self._push(self._memo[index])

    def _append(self, values: list[Any]) -> None:
        target = self._top()
        if isinstance(target, Placeholder):
            target.items = target.items or []
            target = target.items
        if not isinstance(target, list):
            raise damaged("a list to append to", type(target).__name__)
        target.extend(values)

    def _set(self, values: list[Any]) -> None:
        target = self._top()
        if isinstance(target, Placeholder):
            target.entries = target.entries or {}
            target = target.entries
        if not isinstance(target, dict) or len(values) % 2:
            raise damaged("a dictionary and pairs to set in it", f"{type(target).__name__} and {len(values)} values")
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[as_key(key)] = value

    def _add(self, values: list[Any]) -> None:
        target = self._top()
        if not isinstance(target, set):
            raise damaged("a set to add to", type(target).__name__)
        target.update(map(as_key, values))

    def _set_one(self) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def _global(self, module: str, name: str) -> None:
        self.budget.spend(4 * (len(module) + len(name)))
        path = f"{module}.{name}"
        self._push(Placeholder(path))
        if path not in self._rebuild:
            self.globals[path] = None

    def _global_from_stack(self) -> None:
        name, module = self._pop(), self._pop()
        if not isinstance(name, str) or not isinstance(module, str) or len(module) + len(name) > LONGEST_NAME:
            raise damaged("a module and a name", (module, name))
        self._global(module, name)

    def _apply(self, target: Any, arguments: Any) -> None:
        """Stands where Python would call: an allowed name rebuilds, anything else becomes a placeholder."""
        if not isinstance(target, Placeholder) or not isinstance(arguments, tuple):
            raise damaged("a global and its arguments", (target, arguments))
        if target.arguments is None and target.name in self._rebuild:
            self._push(self._rebuild[target.name](arguments, self.budget))
        else:
            self._push(Placeholder(target.name, arguments))

    def _reduce(self) -> None:
        arguments, target = self._pop(), self._pop()
        self._apply(target, arguments)

    def _reduce_with_keywords(self) -> None:
        keywords, arguments, target = self._pop(), self._pop(), self._pop()
        if not isinstance(arguments, tuple):
            raise damaged("a tuple of arguments", type(arguments).__name__)
        self.budget.spend(8 * len(arguments))
        self._apply(target, (*arguments, keywords))

    def _reduce_marked(self) -> None:
        target, *arguments = self._marked() or [None]
        self._apply(target, tuple(arguments))

    def _build(self) -> None:
        """Keeps the state of a placeholder; that of a dictionary or tensor (hooks, versions) holds no values."""
        state, target = self._pop(), self._top()
        if isinstance(target, Placeholder):
            target.state = state
        elif isinstance(target, Stateful):
            target.build(state, self.budget)


def as_key(value: Any) -> Any:
    """Returns a value that hashes in a few steps, and whose hash a file cannot make collide with those of others.

    Hashes of long integers and of tuples are no secret; those keys become short texts.

    Raises:
        UnreadableFile: If it is neither an atom nor a short tuple of atoms.
    """
    elements = value if isinstance(value, tuple) and len(value) <= LONGEST_KEY else (value,)
    if any(isinstance(element, list | dict | set | tuple) for element in elements):
        raise UnreadableFile(f"expected an atom as a key, got {shown(value)}: save the state_dict alone")
    secret = not isinstance(value, tuple) and not (isinstance(value, int) and abs(value) > LARGEST_KEY)
    return value if secret else shown(value)


def _decimal(line: str) -> int:
    """Reads an integer that Python 2 wrote in figures, because it took more than four bytes."""
    if len(line) > LONGEST_DECIMAL or not line.removeprefix("-").isdecimal():
        raise damaged("an integer in figures", line)
    return int(line)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise damaged("UTF-8 text", data) from error


def _text_or_bytes(data: bytes) -> str | bytes:
    """Decodes what Python 2 called a string: a name as a rule, raw bytes at times."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _integer(data: bytes) -> int:
    if len(data) > LONGEST_INTEGER:
        raise UnreadableFile(
            f"expected integers of at most {LONGEST_INTEGER} bytes, got one of {len(data)}: leave it out"
        )
    return int.from_bytes(data, "little", signed=True)


_CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False, pickle.EMPTY_TUPLE: ()}
_FIXED = {pickle.BININT: "<i", pickle.BININT1: "<B", pickle.BININT2: "<H", pickle.BINFLOAT: ">d"}
_SIZED: dict[bytes, tuple[int, Callable[[bytes], Any]]] = {
    pickle.SHORT_BINUNICODE: (1, _text),
    pickle.BINUNICODE: (4, _text),
    pickle.BINUNICODE8: (8, _text),
    pickle.SHORT_BINSTRING: (1, _text_or_bytes),
    pickle.SHORT_BINBYTES: (1, bytes),
    pickle.LONG1: (1, _integer),
    pickle.LONG4: (4, _integer),
}
"""Opcode -> bytes of the length before its operand, and what the operand becomes."""
_RUNS: dict[bytes, tuple[int, Callable[[bytes], Any]]] = {
    pickle.BINSTRING: (4, _text_or_bytes),
    pickle.BINBYTES: (4, bytes),
    pickle.BINBYTES8: (8, bytes),
    pickle.BYTEARRAY8: (8, bytes),
}
"""The same where long operands stay in the file."""

_BUFFERS = "buffers kept apart: pickle it without buffer_callback"
_REGISTRY = "names of a registry (copyreg): save plain arrays"
_TEXTS = "opcodes of protocol 0: load it where it was made and save it again with protocol=2"
REFUSED = {
    **dict.fromkeys((pickle.FLOAT, pickle.LONG, pickle.STRING, pickle.UNICODE, pickle.GET, pickle.PUT), _TEXTS),
    **dict.fromkeys((pickle.LIST, pickle.DICT, pickle.INST, pickle.PERSID), _TEXTS),
    pickle.NEXT_BUFFER: _BUFFERS,
    pickle.READONLY_BUFFER: _BUFFERS,
    pickle.EXT1: _REGISTRY,
    pickle.EXT2: _REGISTRY,
    pickle.EXT4: _REGISTRY,
}
"""Opcodes of whole pickles that are refused, and why."""

_ACTIONS: dict[bytes, Callable[[Machine], Any]] = {
    pickle.PROTO: lambda machine: machine.take(1),
    pickle.FRAME: lambda machine: machine.take(8),
    pickle.MARK: Machine._mark,
    pickle.POP: Machine._drop,
    pickle.POP_MARK: lambda machine: machine._marked(),
    pickle.DUP: lambda machine: machine._push(machine._top()),
    pickle.TUPLE: lambda machine: machine._push(tuple(machine._marked())),
    pickle.TUPLE1: lambda machine: machine._tuple(1),
    pickle.TUPLE2: lambda machine: machine._tuple(2),
    pickle.TUPLE3: lambda machine: machine._tuple(3),
    pickle.EMPTY_LIST: lambda machine: machine._push([]),
    pickle.EMPTY_DICT: lambda machine: machine._push({}),
    pickle.EMPTY_SET: lambda machine: machine._push(set()),
    pickle.APPEND: lambda machine: machine._append([machine._pop()]),
    pickle.APPENDS: lambda machine: machine._append(machine._marked()),
    pickle.SETITEM: Machine._set_one,
    pickle.SETITEMS: lambda machine: machine._set(machine._marked()),
    pickle.ADDITEMS: lambda machine: machine._add(machine._marked()),
    pickle.FROZENSET: lambda machine: machine._push(set(map(as_key, machine._marked()))),
    pickle.BINPUT: lambda machine: machine._remember(machine.take(1)[0]),
    pickle.LONG_BINPUT: lambda machine: machine._remember(int.from_bytes(machine.take(4), "little")),
    pickle.MEMOIZE: lambda machine: machine._remember(len(machine._memo)),
    pickle.BINGET: lambda machine: machine._recall(machine.take(1)[0]),
    pickle.LONG_BINGET: lambda machine: machine._recall(int.from_bytes(machine.take(4), "little")),
    pickle.INT: lambda machine: machine._push(_decimal(machine._line())),
    pickle.GLOBAL: lambda machine: machine._global(machine._line(), machine._line()),
    pickle.STACK_GLOBAL: Machine._global_from_stack,
    pickle.REDUCE: Machine._reduce,
    pickle.NEWOBJ: Machine._reduce,
    pickle.NEWOBJ_EX: Machine._reduce_with_keywords,
    pickle.OBJ: Machine._reduce_marked,
    pickle.BUILD: Machine._build,
    pickle.BINPERSID: lambda machine: machine._push(machine._persistent(machine._pop())),
}
