"""Files that hold only a part of a network's weights, or none: what they are, and what has to be done first."""

import re
from collections.abc import Mapping

from converters._tensors import Tensor
from converters._unreadable import UnreadableFile

ADAPTER = re.compile(
    r"(^|[._])(lora|hada|lokr|loha|oft|ia3)([._]|$)|(^|[._])lora_(A|B|up|down|E|magnitude)", re.IGNORECASE
)
"""Names of the weights of adapters."""
BESIDE_ADAPTERS = (".alpha", "network_alpha", "modules_to_save")
SHARDED = ("param_shapes", "ds_config", "ds_version")
"""What DeepSpeed saves beside its placeholders."""


def check_whole(tensors: Mapping[str, Tensor], others: Mapping[str, str]) -> None:
    """Refuses files of adapters alone and of placeholders.

    Raises:
        UnreadableFile: If the weights of the network itself are elsewhere.
    """
    if not tensors:
        return
    adapters = sum(bool(ADAPTER.search(name)) for name in tensors)
    if adapters and all(ADAPTER.search(name) or name.endswith(BESIDE_ADAPTERS) for name in tensors):
        raise UnreadableFile(
            "expected a network, got LoRA adapters alone: merge them into their network with peft's merge_and_unload() "
            "and save that"
        )
    empty = sum(0 in tensor.shape for tensor in tensors.values())
    deepspeed = any(key.rpartition(".")[2] in SHARDED for key in others)
    if empty and (2 * empty > len(tensors) or deepspeed):
        raise UnreadableFile(
            f"expected weights, got {empty} empty tensors of {len(tensors)}, as DeepSpeed's ZeRO-3 leaves them: run "
            "zero_to_fp32.py in that folder"
        )
