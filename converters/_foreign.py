"""What files are that hold no network which could be read: named by how they start, with the step that helps.

Nothing here says that a file is cut short or altered: these are whole files of another kind.
"""

import re
from mmap import mmap
from pathlib import Path

TORCH_SAVE = "save the state_dict with torch.save or safetensors"
NUMPY_SAVE = "save its arrays by name with numpy.savez"

STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a file packed by gzip", "it is packed by gzip, unpack it"),
    (b"BZh", "a file packed by bzip2", "unpack it with bunzip2"),
    (b"\xfd7zXZ\0", "a file packed by xz", "unpack it with unxz"),
    (b"\x5d\0\0", "a file packed by LZMA", "unpack it with unlzma"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it with 7z x"),
    (b"Rar!", "a RAR archive", "unpack it with unrar x"),
    (b"\x28\xb5\x2f\xfd", "a file packed by Zstandard", "unpack it with unzstd"),
    (b"\x04\x22\x4d\x18", "a file packed by LZ4", "unpack it with unlz4"),
    (b"\x78\x9c", "a file packed by zlib, as joblib packs", f"load it with joblib and {NUMPY_SAVE}"),
    (b"\x78\x5e", "a file packed by zlib, as joblib packs", f"load it with joblib and {NUMPY_SAVE}"),
    (b"\x78\x01", "a file packed by zlib, as joblib packs", f"load it with joblib and {NUMPY_SAVE}"),
    (b"\x78\xda", "a file packed by zlib, as joblib packs", f"load it with joblib and {NUMPY_SAVE}"),
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file that it points to with git lfs pull"),
    (b"GGUF", "a GGUF file of llama.cpp", "its weights are quantised in blocks: take the original safetensors"),
    (b"lmgg", "a GGML file", "its weights are quantised in blocks: take the original weights"),
    (b"tjgg", "a GGML file", "its weights are quantised in blocks: take the original weights"),
    (b"\x12\x01\0\0\0\0\0\0", "a .params file of MXNet", f"load it with mxnet.nd.load and {NUMPY_SAVE}"),
    (b"\x89PNG", "a PNG image", "give the file of the network"),
    (b"\xff\xd8\xff", "a JPEG image", "give the file of the network"),
    (b"GIF8", "a GIF image", "give the file of the network"),
    (b"BM", "a BMP image", "give the file of the network"),
    (b"RIFF", "an image, sound or video (RIFF)", "give the file of the network"),
    (b"II*\0", "a TIFF image", "give the file of the network"),
    (b"MM\0*", "a TIFF image", "give the file of the network"),
    (b"%PDF", "a PDF document", "give the file of the network"),
    (b"\x7fELF", "a program or library (ELF)", "give the file of the network"),
    (b"MZ", "a program of Windows", "give the file of the network"),
    (b"ftrt", "an engine of TensorRT", "its weights are compiled: take the network it was built from"),
    (b"ptrt", "an engine of TensorRT", "its weights are compiled: take the network it was built from"),
    (b"MATLAB 5.0 MAT-file", "a .mat file of MATLAB", f"load it with scipy.io.loadmat and {NUMPY_SAVE}"),
    (b"7767517", "the description of an ncnn network", "take the network it was converted from"),
    (b"SQLite format 3", "a database of SQLite", "give the file of the network"),
    (b"PAR1", "a table (Parquet)", "give the file of the network"),
)
"""How files start, what they are, what helps."""

ENDINGS: tuple[tuple[str, str, str], ...] = (
    (r"\.data-\d{5}-of-\d{5}$", "the data of a TensorFlow checkpoint", "tensorflow"),
    (r"\.distcp$", "a piece of a distributed PyTorch checkpoint", "dcp"),
    (r"\.pdiparams$", "weights of a Paddle inference model", f"load it with paddle.jit.load and {NUMPY_SAVE}"),
    (r"\.t7$", "a file of Lua Torch", f"read it with the torchfile package and {NUMPY_SAVE}"),
    (r"\.mlmodel$", "a model of Core ML", "take the network it was converted from"),
)
"""How names end of files that do not tell it by their start."""

STEPS = {
    "tensorflow": f"read it with tf.train.load_checkpoint and {NUMPY_SAVE}",
    "dcp": "run python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE.pth",
    "protocol 0": "load it where it was made and save it again with pickle.dump(..., protocol=2)",
}
TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""Last bytes of the tables of LevelDB, of which the index of a TensorFlow checkpoint is one."""
PROTOCOL_0 = re.compile(rb"[(cI}\]l](?:[dlpctISq(\]}]|.*\n)", re.DOTALL)
MARKUP = re.compile(rb"\s*(?:<!doctype|<html|<\?xml|<head|<body)", re.IGNORECASE)


def named(data: mmap, path: Path) -> str | None:
    """Returns what a file is and what helps, as the end of a sentence: "got a GGUF file: ...".

    Returns `None` for a file that nothing is known of.
    """
    for ending, words, step in ENDINGS:
        if re.search(ending, path.name):
            return f"{words}: {STEPS.get(step, step)}"
    start = data[:64]
    for first, words, step in STARTS:
        if start.startswith(first) and (len(first) > 2 or not _is_text(data[:256])):
            return f"{words}: {step}"
    if start[4:8] == b"TFL3":
        return "a model of TensorFlow Lite: take the network it was converted from, or convert it to ONNX with tf2onnx"
    if data[-8:] == TABLE_END:
        return f"the index of a TensorFlow checkpoint: {STEPS['tensorflow']}"
    if _is_darknet(data, path):
        return f"weights of darknet, which have no names or shapes: load them with the .cfg in PyTorch and {TORCH_SAVE}"
    if data[-1:] == b"." and start[:1] in (b"(", b"c", b"I", b"}", b"]", b"l") and PROTOCOL_0.match(start):
        return f"a pickle of protocol 0 or 1: {STEPS['protocol 0']}"
    if MARKUP.match(start):
        return "a page of HTML or XML: the download gave a page in place of the file, fetch the file itself"
    if _is_text(data[:4096]):
        kind = "JSON" if start.lstrip()[:1] in (b"{", b"[") else "text"
        return f"a file of {kind}: give the file that holds the weights"
    return None


def named_zip(names: list[str]) -> str | None:
    """Returns what a zip archive without the parts of `torch.save` is, by the names in it, and what helps."""
    tails = {name.partition("/")[2] or name for name in names}
    if tails & {
        "archive_format",
        "models/model.json",
        "serialized_exported_program.json",
        "serialized_state_dict.json",
    }:
        return f"a program of torch.export (.pt2): load it with torch.export.load and {TORCH_SAVE}"
    if "[Content_Types].xml" in names or "mimetype" in names:
        return "a document: give the file of the network"
    if "META-INF/MANIFEST.MF" in names:
        return "a program of Java: give the file of the network"
    if any(name.endswith(("saved_model.pb", ".index")) for name in names):
        return f"a packed TensorFlow model: unpack it, {STEPS['tensorflow']}"
    return None


def _is_darknet(data: mmap, path: Path) -> bool:
    major, minor, revision = (int.from_bytes(data[start : start + 4], "little") for start in (0, 4, 8))
    return (major, minor) in ((0, 1), (0, 2)) and revision < 8 and (len(data) % 4 == 0 or path.suffix == ".weights")


def _is_text(content: bytes) -> bool:
    """Says whether bytes are readable text, up to a letter that is cut at the end."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        if error.start < len(content) - 3:
            return False
        text = content[: error.start].decode()
    return all(letter.isprintable() or letter.isspace() for letter in text)
