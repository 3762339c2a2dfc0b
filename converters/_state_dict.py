"""Which of the values in a file are the network's: the state_dict, wherever it lies, or the modules it is made of.

A file is searched from the top. At every level the keys of `KEYS` come first, in that order, averaged weights before
the last ones, since those are what authors evaluate and release; where none of them leads to a network, every value is
searched, apart from optimizers (known by their `param_groups`). A network is a dictionary with tensors under names, or
a pickled module, whose names are put together as `torch.nn.Module.state_dict` does. Of several the one that is usually
meant is taken (`_choice`), also of those in one flat dictionary (`_parts`).
"""

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from converters._choice import Choice, choose, shapes_of, tensors_of
from converters._machine import Placeholder
from converters._parts import find_parts
from converters._tensors import Tensor
from converters._unreadable import Budget, UnreadableFile, shown

KEYS = (
    *("state_dict_ema", "model_ema", "ema_state_dict", "ema", "params_ema"),
    *("state_dict", "model_state_dict", "model_state", "model", "network", "net", "params", "weights"),
)
"""Keys under which networks are saved; the first that leads to one is taken."""
OPTIMIZER = "param_groups"
MODULE = {"_parameters", "_buffers", "_modules"}
SCRIPTED = "__torch__."
"""How the classes of TorchScript begin; parameters, buffers and modules are plain attributes there."""
PREFIXES = ("module.", "_orig_mod.")
"""What data parallelism and compilation put before every name."""
DEEPEST = 32
"""Levels of containers or modules that are followed."""
ENTRY_COST = 256
"""Bytes charged for looking at an entry, beside its name."""

MOST_NAMED = 8
"""Places that a message names."""

Steps = tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StateDict:
    """The network's tensors in the order of the file, and what else lies there; fields as in `Checkpoint`.

    Attributes:
        why: why this network was taken, of several.
        rivals: the other networks by their place, their tensors by their names.
    """

    tensors: dict[str, Tensor]
    nesting: str
    prefix: str
    others: dict[str, str]
    notes: tuple[str, ...] = ()
    why: str = ""
    rivals: dict[str, dict[str, Tensor]] = dataclasses.field(default_factory=dict)


def find_state_dict(value: Any, nesting: str | None, budget: Budget) -> StateDict:
    """Finds the network that is usually meant in a value, or that at `nesting`.

    Raises:
        UnreadableFile: If there is none, or none at `nesting`, or one of its tensors was not rebuilt.
    """
    every = _networks(value, (), (), set(), budget)
    usual = _networks(value, (), KEYS, set(), budget)
    if not every or not usual:
        raise UnreadableFile(
            f"expected a state_dict or a module, got {_in_words(value, set(), budget)}: save model.state_dict()"
        )
    if nesting is None:
        chosen = choose(usual, every, lambda network: _shapes(network, budget))
        return _found(value, chosen, None, budget)
    for steps, network in sorted(every, key=lambda found: -len(_joined(found[0]))):
        place = _joined(steps)
        if nesting == place:
            return _found(value, Choice(steps=steps, network=network), "", budget)
        below = nesting.removeprefix(f"{place}." if place else "")
        if (not place or below != nesting) and below in _part_names(network, budget):
            return _found(value, Choice(steps=steps, network=network), below, budget)
    places = []
    for steps, network in every[:MOST_NAMED]:
        places += [_joined(steps), *(_joined((*steps, part)) for part in _part_names(network, budget))]
    there = ", ".join(map(shown, [place for place in places if place][:MOST_NAMED]))
    raise UnreadableFile(f"expected a network at {shown(nesting)}, got some at {there or 'the top'}: name one of these")


def _found(value: Any, choice: Choice, part: str | None, budget: Budget) -> StateDict:
    """Takes the tensors of a network: of one of its parts, of the usual one (None), or all ("")."""
    counted: set[int] = set()
    place = _joined(choice.steps)
    leaves = list(_leaves(choice.network, "", 0, budget))
    others = {
        _joined(where): _in_words(other, counted, budget) for where, other in _other_values(value, choice, budget)
    }
    others |= {
        _joined((*choice.steps, name)): _in_words(leaf, counted, budget)
        for name, leaf in leaves
        if not isinstance(leaf, Tensor)
    }
    tensors, prefix = _tensors(leaves)
    if not tensors:
        raise UnreadableFile(f"expected a network with tensors at {shown(place)}, got none: save model.state_dict()")
    rivals = {_joined(steps): _tensors(_leaves(network, "", 0, budget))[0] for steps, network in choice.rivals}
    why = choice.why
    parts = None if part == "" else find_parts(shapes_of(tensors))
    if parts is not None and (parts.by_name or part):
        taken = next((each for each in parts.all if each.name == part), parts.all[parts.taken])
        mine = tensors_of(taken, parts, tensors, alone=part is not None)
        for other in parts.all:
            if other is not taken:
                rivals[_joined((place, other.name))] = tensors_of(other, parts, tensors, alone=True)
                others[_joined((place, other.name))] = f"{len(other.names)} tensors"
        tensors, place, why = mine, _joined((place, taken.name)), parts.why
        inner = common_prefix(tensors)
        tensors = {name.removeprefix(inner): tensor for name, tensor in tensors.items()}
    return StateDict(
        tensors=tensors,
        nesting=place,
        prefix=prefix,
        others=others,
        why=why if part is None and (rivals or choice.joined) else "",
        rivals=rivals,
    )


def _tensors(leaves: Iterable[tuple[str, Any]]) -> tuple[dict[str, Tensor], str]:
    """Returns tensors by their names without the common prefix, and the prefix."""
    tensors: dict[str, Tensor] = {}
    for name, leaf in leaves:
        if isinstance(leaf, Tensor):
            if name in tensors:
                raise UnreadableFile(f"expected names that differ, got {shown(name)} twice: rename one")
            tensors[name] = leaf
    prefix = common_prefix(tensors)
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}, prefix


def _shapes(network: Any, budget: Budget) -> dict[str, tuple[int, ...]]:
    return shapes_of(_tensors(_leaves(network, "", 0, budget))[0])


def _part_names(network: Any, budget: Budget) -> list[str]:
    parts = find_parts(_shapes(network, budget))
    return [] if parts is None else [part.name for part in parts.all]


def common_prefix(names: Collection[str]) -> str:
    """Returns what data parallelism and compilation put before every one of the names.

    Examples:
        >>> common_prefix(["module._orig_mod.fc.weight", "module._orig_mod.fc.bias"])
        'module._orig_mod.'
        >>> common_prefix(["module.fc.weight", "scale"])
        ''
    """
    prefix = ""
    while added := [each for each in PREFIXES if names and all(name.startswith(prefix + each) for name in names)]:
        prefix += added[0]
    return prefix


def _networks(value: Any, steps: Steps, keys: Steps, seen: set[int], budget: Budget) -> list[tuple[Steps, Any]]:
    """Returns networks with the way to each: those under the first key that has any, or without keys all there are."""
    if not isinstance(value, _CONTAINERS) or id(value) in seen or len(steps) > DEEPEST:
        return []
    seen.add(id(value))
    fields = fields_of(value, budget)
    if _is_module(value, fields):
        return [(steps, value)]
    if OPTIMIZER in fields:
        return []
    for key in keys:
        if found := _networks(fields.get(key), (*steps, key), keys, seen, budget):
            return found
    tensors = sum(isinstance(child, Tensor) and not step.startswith("[") for step, child in fields.items())
    itself = [(steps, value)] if tensors else []
    if keys and 2 * tensors > len(fields):  # a state_dict, whatever odd value it has
        return itself
    inner = (_networks(child, (*steps, step), keys, seen, budget) for step, child in fields.items())
    found = [network for networks in inner for network in networks]
    return (found or itself) if keys else itself + found


def _leaves(value: Any, name: str, depth: int, budget: Budget) -> Iterator[tuple[str, Any]]:
    """Yields what a network holds by its dotted name: tensors, and in a dictionary whatever else there is."""
    if depth > DEEPEST:
        raise UnreadableFile(
            f"expected at most {DEEPEST} levels of modules, got more at {shown(name)}: it holds itself"
        )
    fields = fields_of(value, budget)
    if _is_module(value, fields):
        fields = _module_fields(value, fields, budget)
    for key, child in fields.items():
        path = _joined((name, key))
        budget.spend(4 * len(path))
        if isinstance(child, Placeholder) and child.name.startswith("torch._utils._rebuild"):
            raise UnreadableFile(f"expected dense tensors, got {child.name} at {shown(path)}: save to_dense() of it")
        descend = isinstance(child, dict | list | tuple) or (
            isinstance(child, Placeholder) and _is_module(child, fields_of(child, budget))
        )
        if descend:
            yield from _leaves(child, path, depth + 1, budget)
        elif child is not None:
            yield path, child


def _module_fields(module: Placeholder, fields: dict[str, Any], budget: Budget) -> dict[str, Any]:
    """Returns parameters, lasting buffers and modules of a module, in the order of its state_dict."""
    if module.name.startswith(SCRIPTED):
        return {key: child for key, child in fields.items() if isinstance(child, Tensor | Placeholder)}
    volatile = fields.get("_non_persistent_buffers_set") or ()
    parameters, buffers, modules = (fields_of(fields[key], budget) for key in ("_parameters", "_buffers", "_modules"))
    lasting = {key: buffer for key, buffer in buffers.items() if key not in volatile}
    return parameters | lasting | modules


def _is_module(value: Any, fields: dict[str, Any]) -> bool:
    return isinstance(value, Placeholder) and (value.name.startswith(SCRIPTED) or fields.keys() >= MODULE)


def _other_values(value: Any, choice: Choice, budget: Budget) -> Iterator[tuple[Steps, Any]]:
    """Yields what lies beside the way to a network, and beside the parts that it is put together from."""
    steps = choice.steps
    for depth, step in enumerate(steps):
        fields = fields_of(value, budget)
        yield from (((*steps[:depth], other), child) for other, child in fields.items() if other != step)
        value = fields[step]
    if choice.joined:
        fields = fields_of(value, budget)
        yield from (((*steps, other), child) for other, child in fields.items() if other not in choice.network)


def fields_of(value: Any, budget: Budget) -> dict[str, Any]:
    """Returns what a container holds, by its key, or by its index in brackets."""
    if isinstance(value, dict):
        budget.spend(ENTRY_COST * len(value))
        return {key if isinstance(key, str) else f"[{shown(key)}]": child for key, child in value.items()}
    if isinstance(value, list | tuple | set):
        budget.spend(ENTRY_COST * len(value))
        return {f"[{index}]": child for index, child in enumerate(value)}
    if not isinstance(value, Placeholder):
        return {}
    states = value.state if isinstance(value.state, tuple) else (value.state,)
    fields: dict[str, Any] = {}
    for part in (value.arguments, value.items, *(value.arguments or ()), *states, value.entries):
        if part is value.arguments or part is value.items or isinstance(part, dict):
            fields |= fields_of(part, budget)
    return fields


def _joined(steps: Steps) -> str:
    return "".join(step if step.startswith("[") else f".{step}" for step in steps if step).removeprefix(".")


def _in_words(value: Any, counted: set[int], budget: Budget) -> str:
    """Describes a value in a few words; containers in `counted` are not counted again, and are added to it."""
    if isinstance(value, Tensor):
        return f"tensor of shape {value.shape}"
    if not isinstance(value, _CONTAINERS):
        return shown(value)
    tensors, waiting = 0, [value]
    while waiting:
        each = waiting.pop()
        tensors += isinstance(each, Tensor)
        if isinstance(each, _CONTAINERS) and id(each) not in counted:
            counted.add(id(each))
            waiting.extend(fields_of(each, budget).values())
    if tensors:
        return f"{tensors} tensor{'s' * (tensors > 1)}"
    return value.name if isinstance(value, Placeholder) else f"{type(value).__name__} of {len(value)}"


_CONTAINERS = (dict, list, tuple, set, Placeholder)
