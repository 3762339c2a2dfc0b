"""Networks with adapters around their layers: the base weights get their plain names back.

| name | becomes |
|---|---|
| `base_model.model.` before every weight of the network | gone |
| `q_proj.base_layer.weight` | `q_proj.weight` |
| `head.modules_to_save.default.weight` | `head.weight`; `head.original_module.weight` is not used |
| `q_proj.lora_A.default.weight` and other adapters' own arrays | left out: the factor of B A is not in the file |

References:
    Hugging Face PEFT, "Checkpoint format"; microsoft/LoRA (`loralib`).
"""

import re
from collections.abc import Iterator

from converters._form import Arrays, Form, kept

WRAPPER = "base_model.model."
BASE = re.compile(r"(?:^|\.)base_layer\.")
SAVED = re.compile(r"(?:^|\.)modules_to_save\.([^.]+)\.")
REPLACED = re.compile(r"(?:^|\.)original_module\.")
ADAPTER = re.compile(
    r"(^|\.)(lora|lora_\w+|ia3_\w+|hada_\w+|lokr_\w+|oft_\w+|boft_\w+|vera_\w+|randlora_\w+"
    r"|ranknum|prompt_encoder|adaption_prompt|adaption_gate)(\.|$)"
)
"""What the arrays of adapters are called."""


def is_adapter(name: str) -> bool:
    """Says whether an array belongs to an adapter, by its name.

    Examples:
        >>> is_adapter("q.lora_A.default.weight"), is_adapter("q.lora_embedding_B.x"), is_adapter("explora.weight")
        (True, True, False)
    """
    return ADAPTER.search(name) is not None


def adapted(arrays: Arrays) -> Iterator[Form]:
    """Finds base weights in their wrappers."""
    wrapped = any(BASE.search(name) or SAVED.search(name) or is_adapter(name) for name in arrays)
    if not wrapped:
        return
    saved: set[str] = set()
    for name in arrays:
        plain = BASE.sub(_dot, name)
        if found := SAVED.search(name):
            plain = SAVED.sub(_dot, name)
            if plain in saved:  # of several adapters' own modules the first is taken
                yield Form(kind="adapter", name=plain, parts=(name,), why=f"module of a further adapter, {found[1]}")
                continue
            saved.add(plain)
        elif REPLACED.search(name):
            yield Form(kind="adapter", name=name, parts=(name,), why="replaced by modules_to_save")
            continue
        plain = plain.removeprefix(WRAPPER)
        if plain != name and not is_adapter(name):
            yield Form(kind="adapter's base weight", name=plain, parts=(name,), make=kept(arrays[name]))


def adapters(arrays: Arrays) -> Iterator[Form]:
    """Finds the arrays of adapters beside a network; a file of adapters alone keeps them as what it is."""
    own = [name for name in arrays if is_adapter(name)]
    if len(own) < len(arrays):
        for name in own:
            why = "an adapter: the factor that it is added with is not in the file, the base weight is taken"
            yield Form(kind="adapter", name=name, parts=(name,), why=why)


def _dot(found: re.Match) -> str:
    return "." if found[0].startswith(".") else ""
