"""The detector in PyTorch, as it is usually arranged: pairs are two-channel images, those of a batch one tensor."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from lineage_jax.detector._transformer import depth_encoding
from lineage_jax.typing import Params


class TorchEncoder(nn.Module):
    """1x1 convolution, ReLU, 3x3 convolution, norm, ReLU, average.

    The norm is ours, over the candidates of each child, or PyTorch's fused `BatchNorm2d` over the batch.
    """

    def __init__(self, params: Params, *, batch_norm: bool) -> None:
        super().__init__()
        self.batch_norm = nn.BatchNorm2d(len(params["kernel"])) if batch_norm else None
        width = len(params["kernel"])
        self.stem = nn.Conv2d(2, 3, 1, bias=False)
        self.conv = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.scale, self.bias = (nn.Parameter(tensor_of(params[name])) for name in ("scale", "bias"))
        set_to(self.stem.weight, tensor_of(params["pair"]).reshape(3, 2, 1, 1))
        set_to(self.conv.weight, tensor_of(params["kernel"]).reshape(width, 3, 3, 3).movedim(3, 1))

    def forward(self, parents: torch.Tensor, children: torch.Tensor, layout: torch.memory_format) -> torch.Tensor:
        """Returns tokens `[m, p, e]`."""
        m, p = len(children), len(parents)
        sides = (parents[None].expand(m, *parents.shape), children[:, None].expand(m, p, *children.shape[1:]))
        pairs = torch.stack(sides, dim=2).flatten(0, 1).to(memory_format=layout)
        wide = self.conv(torch.relu(self.stem(pairs)))
        normal = self._normalised(wide, m) if self.batch_norm is None else torch.relu(self.batch_norm(wide))
        return normal.mean(dim=(2, 3)).unflatten(0, (m, p))

    def _normalised(self, wide: torch.Tensor, m: int) -> torch.Tensor:
        of_child = wide.unflatten(0, (m, -1))
        variance, mean = torch.var_mean(of_child, dim=(1, 3, 4), correction=0, keepdim=True)
        spread = torch.sqrt(variance + 1e-5 * (variance + mean**2))
        factor = self.scale[:, None, None] / spread
        return torch.relu(of_child * factor + (self.bias[:, None, None] - mean * factor)).flatten(0, 1)


class TorchDetector(nn.Module):
    """One layer of weights and one of features, one block."""

    def __init__(self, params: Params, *, batch_norm: bool) -> None:
        super().__init__()
        self.weights, self.features = (
            TorchEncoder(params[f"encoders_{kind}"], batch_norm=batch_norm) for kind in ("weights", "features")
        )
        kinds = np.stack([params["kind_weights"], params["kind_features"]])
        self.kinds = nn.Parameter(tensor_of(kinds))
        self.collector = nn.Parameter(tensor_of(params["collector"]))
        width = len(params["collector"])
        block = params["transformer_0"]
        self.norm1, self.norm2 = (nn.LayerNorm(width, eps=1e-6) for _ in range(2))
        self.attention = nn.MultiheadAttention(width, 1, batch_first=True)
        self.fc1, self.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.logit = nn.Linear(width, 1, bias=False)
        parts = [block["attention"][name]["kernel"].reshape(width, width).T for name in ("query", "key", "value")]
        set_to(self.attention.in_proj_weight, tensor_of(np.concatenate(parts)))
        set_to(self.attention.out_proj.weight, tensor_of(block["attention"]["out"]["kernel"].reshape(width, width).T))
        for layer, kernel in (
            (self.fc1, block["fc1"]["kernel"]),
            (self.fc2, block["fc2"]["kernel"]),
            (self.logit, params["logit"]["kernel"]),
        ):
            set_to(layer.weight, tensor_of(kernel.T))
        for layer in (self.fc1, self.fc2):
            set_to(layer.bias, torch.zeros_like(layer.bias))
        self.register_buffer("depth", tensor_of(depth_encoding(1, width)))

    def forward(
        self, parents: Mapping[str, torch.Tensor], children: Mapping[str, torch.Tensor], layout: torch.memory_format
    ) -> torch.Tensor:
        """Returns logits `[m, p]`."""
        tokens = torch.stack(
            [
                self.weights(parents["fc3"], children["fc3"], layout),
                self.features(parents["relu3"], children["relu3"], layout),
            ],
            dim=2,
        )
        m, p, _, width = tokens.shape
        front = self.collector.expand(m * p, 1, width)
        x = torch.cat([front, (tokens + self.kinds + self.depth).flatten(0, 1)], dim=1)
        seen = self.norm1(x)
        x = x + self.attention(seen, seen[:, 1:], seen[:, 1:], need_weights=False)[0]
        x = x + self.fc2(nn.functional.gelu(self.fc1(self.norm2(x))))
        collected = x[:, 0].unflatten(0, (m, p))
        variance, mean = torch.var_mean(collected, dim=1, correction=0, keepdim=True)
        return self.logit((collected - mean) / torch.sqrt(variance + 1e-12))[..., 0]


def tensor_of(leaf: np.ndarray) -> torch.Tensor:
    """Returns a copy as float32."""
    return torch.tensor(np.array(leaf, np.float32))


def set_to(parameter: torch.Tensor, value: torch.Tensor) -> None:
    """Overwrites a parameter."""
    with torch.no_grad():
        parameter.copy_(value)
