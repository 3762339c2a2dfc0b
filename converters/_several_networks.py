"""What is said of several networks in one file: which was read, and which of the others are copies of it."""

import numpy as np

from converters._archive import Archive
from converters._parts import find_parts
from converters._state_dict import StateDict
from converters._tensors import Tensor, to_array
from converters._unreadable import Budget, shown


def notes_on_choice(found: StateDict, arrays: dict[str, np.ndarray], archive: Archive) -> tuple[str, ...]:
    """Says which of several networks was taken, why, and what others there are."""
    if not found.rivals:
        return (found.why,) if found.why else ()
    others = [
        f"{shown(place)} (a copy of it)" if _is_copy(tensors, found.tensors, arrays, archive) else shown(place)
        for place, tensors in found.rivals.items()
    ]
    place = f"'{shown(found.nesting)}'" if found.nesting else "the network at the top"
    reason = f": {found.why}" if found.why else ""
    return (f"{place} was taken{reason}; there are also {', '.join(others)}: choose with --nesting",)


def _is_copy(
    tensors: dict[str, Tensor], taken: dict[str, Tensor], arrays: dict[str, np.ndarray], archive: Archive
) -> bool:
    """Says whether a network has names, shapes and values of the one that was taken; stops at the first difference."""
    if not tensors or not tensors.keys() <= taken.keys():
        return False
    if any(tensors[name].shape != taken[name].shape or tensors[name].quantizer for name in tensors):
        return False
    return all(_same_values(tensors[name], taken[name], arrays[name], archive) for name in tensors)


def _same_values(tensor: Tensor, like: Tensor, array: np.ndarray, archive: Archive) -> bool:
    here, there = tensor.storage, like.storage
    if here.content is None and there.content is None and (here.key, here.start) == (there.key, there.start):
        return (tensor.offset, tensor.strides, tensor.dtype) == (like.offset, like.strides, like.dtype)
    if tensor.dtype != array.dtype:
        return False
    own = Budget(2 * tensor.dtype.itemsize * max(array.size, 1) + 1)
    return bool((to_array(tensor, archive.contents, own) == array).all())


def without_copies(arrays: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Leaves out the second of two modules that are most of the network and equal in every value."""
    parts = find_parts({name: array.shape for name, array in arrays.items()})
    if parts is None or parts.by_name:
        return arrays, ()
    first, second = parts.all
    there = {inner: name for name, inner in first.names.items()}
    if not all((arrays[name] == arrays[there[inner]]).all() for name, inner in second.names.items()):
        return arrays, ()
    kept = {name: array for name, array in arrays.items() if name not in second.names}
    return kept, (f"'{shown(second.name)}' is a copy of '{shown(first.name)}' and was left out",)
