"""Thousands of mutated and malicious files, read under guard: `python -m tests.converters.fuzz --count 10000`.

Each file must end in a network or in one `UnreadableFile`. While it is read, an audit hook stops any import, execution,
process, socket, or file but the one that is read; what Python allocates is measured against twice the file plus the
limit (the mapped file counts as once); the address space is capped; each file has a few seconds. The counts are one
line of JSON.
"""

import argparse
import collections
import contextlib
import io
import json
import os
import pickle
import random
import resource
import struct
import sys
import tempfile
import time
import tracemalloc
import zipfile
from pathlib import Path

import h5py  # before the guard watches: its import is the reader's own
import msgpack
import numpy as np
import onnx
import onnx.numpy_helper
import safetensors.numpy

import converters
from tests.converters import handmade
from tests.converters.handmade import Call, Name, Raw, Reference, Storages

LIMIT = 1 << 20
SECONDS = 5.0
ADDRESS_SPACE = 2 << 30
"""Bytes that the whole process may map beyond what it has mapped at the start."""
FORBIDDEN = (
    "import",
    "exec",
    "compile",
    "os.",
    "subprocess.",
    "socket.",
    "shutil.",
    "ctypes.",
    "marshal.",
    "tempfile.",
)
NETWORK = {"fc.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "fc.bias": np.arange(3.0), "n": np.array(3)}


class Breach(BaseException):
    """A forbidden event; not an `Exception`, so that no reader can take it for a damaged file."""


class Guard:
    """Watches the events of the interpreter while a file is read."""

    def __init__(self):
        self.path = None
        self.breaches = collections.Counter()
        sys.addaudithook(self._hook)

    def _hook(self, event, arguments):
        if self.path is None:
            return
        opens_another = event == "open" and (str(arguments[0]) != str(self.path) or arguments[1] not in ("r", "rb"))
        if opens_another or event.startswith(FORBIDDEN):
            self.breaches[event] += 1
            raise Breach(event)

    @contextlib.contextmanager
    def watching(self, path):
        self.path = path
        try:
            yield
        finally:
            self.path = None


def value_of(storages):
    """A file as authors save it: network, optimizer, a pickled module, an object."""
    network = handmade.ordered({name: storages.tensor(array) for name, array in NETWORK.items()})
    parts = {"_parameters": network, "_buffers": {}, "_modules": {}}
    module = Call(Name("author.net", "Net"), state={**parts, "_modules": {"a": Call(Name("a", "B"), state=parts)}})
    optimizer = {"state": {0: {"exp_avg": storages.tensor(np.ones(4))}}, "param_groups": [{"lr": 0.1}]}
    channels = (storages.tensor(np.ones(3)), storages.tensor(np.zeros(3, np.int64)), 0)
    quantized = (
        storages.storage(np.arange(6, dtype=np.int8)),
        0,
        (3, 2),
        (2, 1),
        (Name("torch", "per_channel_affine"), *channels),
    )
    more = {"q": Call(Name("torch._utils", "_rebuild_qtensor"), *quantized), "w": storages.tensor(np.ones((2, 2)))}
    return {
        "epoch": 3,
        "optimizer": optimizer,
        "args": Call(Name("argparse", "Namespace"), state={"lr": 1}),
        "ema": more,
        "model": module,
    }


def hostile_calls():
    """What a pickle runs when Python loads it."""
    command = "touch evil"
    yield Call(Name("os", "system"), command)
    yield Call(Name("posix", "system"), command)
    yield Call(Name("builtins", "exec"), "open('evil', 'w')")
    yield Call(Name("builtins", "eval"), "__import__('os').system('touch evil')")
    yield Call(Name("subprocess", "Popen"), ["touch", "evil"])
    yield Call(Name("builtins", "open"), "evil", "w")
    yield Call(Name("importlib", "import_module"), "antigravity")
    yield Call(Name("shutil", "rmtree"), "/nowhere/at/all")
    yield Call(Name("torch", "load"), "evil")
    yield Call(Name("numpy", "load"), "evil", None, True)
    yield Call(Call(Name("builtins", "getattr"), Name("os", "path"), "join"), "a", "b")
    yield Call(Name("torch._tensor", "_rebuild_from_type_v2"), Name("os", "system"), Name("a", "b"), (command,), None)
    yield Call(Name("collections", "defaultdict"), Name("os", "system"))
    yield Call(Name("builtins", "set"), [Call(Name("os", "system"), command)])


def hostile_scripts():
    """Pickles that cost much and are short."""
    yield Raw(b"]" * 200_000)
    yield Raw(b"(" * 200_000)
    yield Raw(b")" + b"\x85" * 100_000)
    yield Raw(b"})" + b"2\x86" * 5_000 + b"K\1s")
    yield Raw(b"]" + b"2(22222222e" * 10_000)
    yield Raw(b"".join(b"]r" + struct.pack("<I", index * 7919 % (1 << 32)) for index in range(50_000)))
    yield Raw(b"\x8f" * 100_000)
    yield Raw(b"X" + struct.pack("<I", 60_000) + b"x" * 60_000 + b"q\0" + b"h\0h\0\x93" * 500)
    yield Raw(b"\x8b" + struct.pack("<I", 1 << 20) + b"\1" * (1 << 20))
    yield Raw(b"ccollections\nOrderedDict\nq\0](" + b"K\1K\1\x86" * 1000 + b"eq\1" + b"h\0h\1\x85R" * 2000)


def hostile_tensors(storages):
    storage = storages.storage(np.ones(4, np.float32))
    key = lambda name: Reference(("storage", Name("torch", "FloatStorage"), name, "cpu", 4))
    window = lambda where, *place: {"a": Call(Name("torch._utils", "_rebuild_tensor"), where, *place)}
    yield window(storage, 0, (1 << 30,), (0,))
    yield window(storage, 0, (1 << 62, 1 << 62), (0, 0))
    yield window(storage, 1 << 64, (1,), (1,))
    yield window(storage, 0, (2, 2), (1 << 62, 1 << 62))
    yield window(storage, 0, (0, 1 << 62), (1, 1))
    for name in ("../../../../etc/passwd", "/etc/passwd", "..\\..\\x", "a\0b", "", "0/../0"):
        yield window(key(name), 0, (4,), (1,))


def seeds():
    """Whole files of every container, small, and the smallest of the real ones where they are."""
    plain, of_legacy = Storages(), Storages(None)
    value, legacy = value_of(plain), value_of(of_legacy)
    arrays = list(NETWORK.values())
    yield handmade.zip_file(value, plain)
    yield handmade.zip_file(value, plain, compression=zipfile.ZIP_DEFLATED, order="big")
    yield handmade.legacy_file(legacy, of_legacy)
    yield handmade.tar_file({"model": {str(n): Reference(str(n)) for n in range(4)}}, arrays, views=[(0, 4, 8)])
    yield safetensors.numpy.save({name: np.asarray(array) for name, array in NETWORK.items()}, {"format": "pt"})
    yield from seeds_of_other_formats()
    folder = Path(os.environ.get("LINEAGE_DATA", "../shared/data")) / "checkpoints"
    yield from (path.read_bytes() for path in sorted(folder.glob("outlier_exposure_mnist/base*.pt")))


def seeds_of_other_formats():
    """Pickles without torch.save, arrays of numpy, Flax, Keras and ONNX."""
    tree = {
        "params": {"fc": {"kernel": NETWORK["fc.weight"], "bias": np.ones(3, ">f4")}},
        "opt_state": {"mu": np.ones(2)},
    }
    for protocol in (2, 4, 5):
        yield pickle.dumps({"model": NETWORK, "author": "a", "best": np.float64(1)}, protocol)
        yield pickle.dumps({**tree, "objects": np.array([{}, None], object)}, protocol)
    for inner in (np.ones((2, 3), np.float32), np.ones(3000)):
        lone = Storages(None)
        content = handmade.legacy_file(lone.storage(inner), lone)
        nested = Call(Name("torch.storage", "_load_from_bytes"), content)
        window = Call(
            Name("torch._utils", "_rebuild_tensor_v2"), nested, 0, inner.shape, (3, 1)[-inner.ndim :], False, None
        )
        yield handmade.dumps({"a": window, "b": window}, 3)
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, **NETWORK, words=np.array(["a"]), inner=np.array({"w": np.ones(2)}))
        yield stream.getvalue()
    stream = io.BytesIO()
    np.save(stream, np.array(NETWORK, object), allow_pickle=True)
    yield stream.getvalue()
    yield msgpack.packb({name: value for name, value in tree.items()}, default=_of_flax)
    whole = {"__msgpack_chunked_array__": True, "shape": {"0": 6}, "chunks": {"0": np.ones(4), "1": np.ones(2)}}
    yield msgpack.packb({"params": {"fc": {"kernel": whole}}, "step": 3}, default=_of_flax)
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["conv/kernel:0"] = NETWORK["fc.weight"]
        file.create_dataset("packed", data=np.ones((8, 8)), compression="gzip", shuffle=True, chunks=(4, 4))
        file["words"], file["again"] = ["a"], h5py.SoftLink("/packed")
        for index in range(4):
            file[f"bn/vars/{index}"] = np.ones(3)
    yield stream.getvalue()
    keras = io.BytesIO()
    with zipfile.ZipFile(keras, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", stream.getvalue())
    yield keras.getvalue()
    raw = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in NETWORK.items()]
    typed = [onnx.helper.make_tensor("t", kind, [2], [1, 2]) for kind in (1, 7, 10, 11)]
    for index, tensor in enumerate(typed):
        tensor.name = f"t{index}"
    graph = onnx.helper.make_graph([], "g", [], [], initializer=[*raw, *typed])
    yield onnx.helper.make_model(graph).SerializeToString()


def _of_flax(array):
    return msgpack.ExtType(1, msgpack.packb((array.shape, array.dtype.name, array.tobytes())))


def malicious(random_source):
    """One file that is made to do harm."""
    storages = Storages()
    network = handmade.ordered({name: storages.tensor(array) for name, array in NETWORK.items()})
    kind = random_source.choice(("call", "script", "tensor", "bomb", "lie", "name"))
    if kind == "call":
        call = random_source.choice(list(hostile_calls()))
        value = random_source.choice(
            ([network, call], {"state_dict": network, "x": call}, call, {**{"a": call}, "b": 1})
        )
    elif kind == "script":
        value = random_source.choice(list(hostile_scripts()))
    elif kind == "tensor":
        value = random_source.choice(list(hostile_tensors(storages)))
    else:
        value = network
    if kind == "bomb":
        bomb = [("archive/data/9", bytes(random_source.choice((1 << 16, 1 << 24))))]
        value = {
            "a": Call(
                Name("torch._utils", "_rebuild_tensor"),
                Reference(("storage", Name("torch", "ByteStorage"), "9", "cpu", 9)),
                0,
                (9,),
                (1,),
            )
        }
        return handmade.zip_file(value, storages, compression=zipfile.ZIP_DEFLATED, more=bomb)
    if kind == "name":
        names = ("../../evil", "/evil", "archive/../../evil", "archive\\..\\evil", "archive/data/../../../evil")
        return handmade.zip_file(value, storages, more=[(random_source.choice(names), b"evil")])
    content = handmade.zip_file(
        value, storages, compression=random_source.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    )
    if kind == "lie":  # a size in the directory that is not true
        place = content.rindex(b"PK\1\2") + random_source.choice((20, 24, 42))
        content = (
            content[:place]
            + random_source.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff"))
            + content[place + 4 :]
        )
    return content


def mutate(random_source, content):
    """One to four changes of bytes, which fall on the start of the file as often as anywhere."""
    content = bytearray(content)
    for _ in range(random_source.choice((1, 1, 2, 4))):
        reach = random_source.choice((len(content), min(len(content), 2048)))
        place = random_source.randrange(reach) if reach else 0
        match random_source.choice(("bit", "opcode", "size", "cut", "copy", "drop", "byte")):
            case "bit":
                content[place : place + 1] = bytes(
                    byte ^ 1 << random_source.randrange(8) for byte in content[place : place + 1]
                )
            case "opcode":
                content[place : place + 1] = random_source.choice(OPCODES)
            case "size":
                width = random_source.choice((2, 4, 8))
                content[place : place + width] = random_source.choice((b"\xff", b"\0", b"\x7f")) * width
            case "cut":
                del content[place:]
            case "copy":
                content[place:place] = content[place : place + random_source.randrange(1, 200)]
            case "drop":
                del content[place : place + random_source.randrange(1, 64)]
            case "byte":
                content[place : place + 1] = random_source.randbytes(1)
    return bytes(content)


OPCODES = [code for name, code in vars(pickle).items() if name.isupper() and isinstance(code, bytes) and len(code) == 1]


def files(count, seed):
    random_source, whole = random.Random(seed), list(seeds())
    for index in range(count):
        yield malicious(random_source) if index % 5 == 0 else mutate(random_source, random_source.choice(whole))


def examine(contents, read=converters.read, seconds=SECONDS):
    """Reads each file under guard and counts how it ended."""
    counts, errors, slowest, closest = collections.Counter(), collections.Counter(), 0.0, 0.0
    guard = Guard()
    cap = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (cap, cap))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        path = Path(folder, "a.pth")
        for content in contents:
            counts["files"] += 1
            path.write_bytes(content)
            network = None
            tracemalloc.start()
            start = time.perf_counter()
            try:
                with guard.watching(path):
                    network = read(path, limit=LIMIT)
                counts["networks"] += 1
            except converters.UnreadableFile as error:
                counts["refused" if "\n" not in str(error) else "unclear"] += 1
            except Breach:
                counts["breaches"] += 1
            except Exception as error:  # every other error is what this program looks for
                counts["other_errors"] += 1
                errors[repr(error)[:200]] += 1
            elapsed, peak = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            share = (peak + len(content)) / (2 * len(content) + LIMIT)
            counts["over_memory"] += share > 1
            counts["too_slow"] += elapsed > seconds
            slowest, closest = max(slowest, elapsed), max(closest, share)
            if network is not None:
                for array in network.tensors.values():
                    array.tobytes()  # every element can be reached
            counts["touched"] += os.listdir(folder) != [path.name] or path.read_bytes() != content
    return {
        **{name: counts[name] for name in ("files", "networks", "refused", *FAULTS)},
        "errors": dict(errors),
        "events": dict(guard.breaches),
        "slowest_seconds": round(slowest, 3),
        "largest_share_of_allowed_memory": round(closest, 3),
        "peak_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


FAULTS = ("unclear", "breaches", "other_errors", "over_memory", "too_slow", "touched")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    start = time.perf_counter()
    result = examine(files(options.count, options.seed))
    seconds = round(time.perf_counter() - start, 1)
    print(json.dumps({"seed": options.seed, "limit": LIMIT, **result, "seconds": seconds}))
    sys.exit(any(result[fault] for fault in FAULTS))


if __name__ == "__main__":
    main()
