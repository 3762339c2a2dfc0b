"""Files of `torch.save` made without torch: pickles with any global in them, in each of the containers."""

import io
import pickle
import struct
import tarfile
import zipfile

import numpy as np

STORAGES = {
    "float64": "DoubleStorage",
    "float32": "FloatStorage",
    "float16": "HalfStorage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
    "complex64": "ComplexFloatStorage",
}


class Name:
    """A global."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """A global that is applied to arguments, and given a state, items and entries."""

    def __init__(self, name, *arguments, state=None, items=(), entries=(), opcode=pickle.REDUCE):
        self.name, self.arguments, self.state = name, arguments, state
        self.items, self.entries, self.opcode = items, entries, opcode


class Reference:
    """A persistent identity."""

    def __init__(self, identity):
        self.identity = identity


class Raw:
    """Opcodes as they are."""

    def __init__(self, opcodes):
        self.opcodes = opcodes


class Pickler(pickle._Pickler):
    """Writes the above as the opcodes they stand for, and everything else as Python does."""

    def save(self, obj, save_persistent_id=True):
        match obj:
            case Name():
                self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            case Raw():
                self.write(obj.opcodes)
            case Reference():
                self.save(obj.identity)
                self.write(pickle.BINPERSID)
            case Call():
                self.save(obj.name)
                self.save(tuple(obj.arguments))
                self.write(obj.opcode)
                for values, opcode in ((obj.items, pickle.APPENDS), (obj.entries, pickle.SETITEMS)):
                    if values:
                        self.write(pickle.MARK)
                        for value in values:
                            self.save(value)
                        self.write(opcode)
                if obj.state is not None:
                    self.save(obj.state)
                    self.write(pickle.BUILD)
            case _:
                super().save(obj, save_persistent_id)


def dumps(value, protocol=2):
    stream = io.BytesIO()
    Pickler(stream, protocol).dump(value)
    return stream.getvalue()


class Storages:
    """Collects the storages of the tensors that it describes."""

    def __init__(self, *extra):
        self.contents, self.extra = [], extra

    def tensor(self, array, rebuild="_rebuild_tensor_v2"):
        """Describes an array as a tensor with a storage of its own."""
        storage = self.storage(array)
        strides = tuple(step // array.itemsize for step in array.strides)
        return Call(Name("torch._utils", rebuild), storage, 0, array.shape, strides, False, Call(ORDERED))

    def storage(self, array):
        self.contents.append(array)
        kind = Name("torch", STORAGES[array.dtype.name])
        return Reference(("storage", kind, str(len(self.contents) - 1), "cpu", array.size, *self.extra))


ORDERED = Name("collections", "OrderedDict")


def ordered(mapping):
    return Call(ORDERED, entries=[each for pair in mapping.items() for each in pair])


def zip_file(value, storages, *, compression=zipfile.ZIP_STORED, order="little", root="archive", more=()):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr(f"{root}/data.pkl", dumps(value))
        archive.writestr(f"{root}/byteorder", order)
        for key, array in enumerate(storages.contents):
            archive.writestr(f"{root}/data/{key}", array.astype(array.dtype.newbyteorder(order[0])).tobytes())
        for name, content in more:
            archive.writestr(name, content)
    return stream.getvalue()


def legacy_file(value, storages, *, magic=0x1950A86A20F9469CFC6C):
    """`storages` must have been made with `None` for the view of each."""
    keys = [str(key) for key in range(len(storages.contents))]
    pickles = [magic, 1001, {"little_endian": True}, value, keys]
    runs = [struct.pack("<Q", array.size) + array.tobytes() for array in storages.contents]
    return b"".join(map(dumps, pickles)) + b"".join(runs)


def tar_file(value, arrays, views=()):
    """`value` refers to the arrays by `Reference(str(index))`, and to the views by the indices that follow."""
    storages, tensors = dumps(len(arrays)), dumps(len(arrays) + len(views))
    for key, array in enumerate(arrays):
        kind = Name("torch", STORAGES[array.dtype.name])
        storages += dumps((100 + key, "cpu", kind)) + struct.pack("<Q", array.size) + array.tobytes()
        tensors += dumps((key, 100 + key, Name("torch", "FloatTensor"))) + _window(array.shape)
    for index, (_, _, count) in enumerate(views, len(arrays)):
        tensors += dumps((index, 100 + index, Name("torch", "FloatTensor"))) + _window((count,))
    storages += dumps(
        [(100 + i, 100 + root, start, count) for i, (root, start, count) in enumerate(views, len(arrays))]
    )
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in (("storages", storages), ("tensors", tensors), ("pickle", dumps(value))):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime = len(content), 1.5  # a fraction makes an extended header, as those files have
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def _window(shape):
    strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]
    return struct.pack(f"<Q{2 * len(shape)}qq", len(shape), *shape, *strides, 0)
