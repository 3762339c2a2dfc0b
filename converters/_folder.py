"""Folders as people have them: a network and what lies beside it, or its tensors in several shards under one index.

References:
    Hugging Face, "Safetensors": `model.safetensors.index.json`; transformers: `WEIGHTS_INDEX_NAME`.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from converters._safe_path import path_within
from converters._unreadable import UnreadableFile, shown

INDEX = ".index.json"
LONGEST_INDEX = 1 << 27
"""Bytes of an index at most."""
SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.")
WHOLE = (
    *("model.safetensors", "pytorch_model.bin", "diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"),
    *("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "flax_model.msgpack"),
)
"""What the file of a network is called in folders that hold several, first those that are read first."""
SUFFIXES = {
    *(
        ".pt",
        ".pth",
        ".th",
        ".tar",
        ".t7",
        ".bin",
        ".ckpt",
        ".model",
        ".safetensors",
        ".npz",
        ".npy",
        ".pkl",
        ".pickle",
    ),
    *(".msgpack", ".h5", ".hdf5", ".keras", ".onnx", ".pdparams"),
}
"""How files of networks end."""
NO_NETWORKS = ("optimizer", "scheduler", "rng_state", "training_args", "scaler", "random_states")
"""How files begin that trainers write beside the network."""

FOLDERS: tuple[tuple[Callable[[set[str]], bool], str], ...] = (
    (
        lambda names: "adapter_model.safetensors" in names or "adapter_model.bin" in names,
        "LoRA adapters without their network: merge them with peft's merge_and_unload() and save the result",
    ),
    (
        lambda names: "zero_to_fp32.py" in names or any(name.startswith("zero_pp_rank_") for name in names),
        "a DeepSpeed ZeRO checkpoint, in pieces: run python zero_to_fp32.py . pytorch_model.bin in it",
    ),
    (
        lambda names: any(name.endswith(".distcp") for name in names),
        "a distributed PyTorch checkpoint: python -m torch.distributed.checkpoint.format_utils dcp_to_torch . F.pth",
    ),
    (
        lambda names: "saved_model.pb" in names,
        "a SavedModel of TensorFlow: read variables/ with tf.train.load_checkpoint, save its arrays with numpy.savez",
    ),
    (
        lambda names: any(name.endswith(".index") for name in names),
        "a TensorFlow checkpoint: read it with tf.train.load_checkpoint and save its arrays with numpy.savez",
    ),
    (
        lambda names: bool(names & {"_METADATA", "_CHECKPOINT_METADATA", "manifest.ocdbt"}),
        "a checkpoint of orbax: the lineage-jax command and lineage_jax.io.load_tree read it",
    ),
    (
        lambda names: "SHA256SUMS" in names,
        "a checkpoint of lineage_jax.io: the lineage-jax command and lineage_jax.io.load read it",
    ),
)
"""Folders that are not read here: by the names in them, and what they are."""


def network_in(folder: Path) -> Path:
    """Returns the file, or the index of the shards, that holds the network of a folder.

    Raises:
        UnreadableFile: If there is none, or several that are equally likely, or the folder is of another kind.
    """
    names = {entry.name for entry in folder.iterdir()}
    for base in WHOLE:
        for name in (f"{base}{INDEX}", base):
            if name in names:
                return folder / name
    for is_kind, words in FOLDERS:
        if is_kind(names):
            raise UnreadableFile(f"expected a folder with a network, got {words}")
    found = sorted(name for name in names if name.endswith(INDEX)) or sorted(
        name for name in names if Path(name).suffix in SUFFIXES and not name.startswith(NO_NETWORKS)
    )
    if len(found) == 1:
        return folder / found[0]
    if found and (shard := SHARD.search(found[0])) and len(found) <= int(shard[2]):
        raise UnreadableFile(
            f"expected an index (model.safetensors{INDEX}) of the shards {shown(found[0])}, ..., got none: fetch it too"
        )
    listed = ", ".join(map(shown, found[:4] or sorted(names)[:4])) or "nothing"
    raise UnreadableFile(f"expected a folder with one network, got {listed}: name the file")


def shards_of(index: Path) -> dict[Path, list[str]]:
    """Returns which names lie in which file, as an index says.

    Raises:
        UnreadableFile: If it is no index, or names a file outside of its folder or one that is missing.
    """
    content = index.read_bytes() if index.stat().st_size <= LONGEST_INDEX else b""
    try:
        words: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"expected an index in JSON with a weight_map, got {shown(content[:40])}") from error
    places = words.get("weight_map") if isinstance(words, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(place, str) for place in places.values()):
        raise UnreadableFile("expected an index with a weight_map of names to files, got none: fetch it again")
    shards: dict[str, list[str]] = {}
    for name, place in places.items():
        shards.setdefault(place, []).append(name)
    missing = [place for place in shards if not _is_there(index.parent, place)]
    if missing:
        listed = ", ".join(map(shown, missing[:4]))
        raise UnreadableFile(f"expected {len(shards)} shards beside it, {len(missing)} missing: fetch {listed}")
    return {path_within(index.parent, place): names for place, names in shards.items()}


def _is_there(folder: Path, name: str) -> bool:
    """Says whether a shard is there; names that lead out of the folder are refused by `path_within` itself."""
    try:
        path_within(folder, name)
    except UnreadableFile as error:
        if "missing" in str(error):
            return False
        raise
    return True


def shard_note(path: Path) -> tuple[str, ...]:
    """Returns a line for a file that is one shard of several, going by its name.

    Examples:
        >>> shard_note(Path("model-00001-of-00003.safetensors"))
        ('model-00001-of-00003.safetensors is shard 1 of 3 alone: give its folder for the whole network',)
    """
    match = SHARD.search(path.name)
    if match is None or int(match[2]) < 2:
        return ()
    return (f"{path.name} is shard {int(match[1])} of {int(match[2])} alone: give its folder for the whole network",)


def sum_of(sums: dict[str, str]) -> str:
    """Returns one SHA-256 for several files: that of the list which `sha256sum` prints of them.

    Examples:
        >>> sum_of({"b": "1", "a": "0"}) == sum_of({"a": "0", "b": "1"})
        True
    """
    return hashlib.sha256("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()).hexdigest()
