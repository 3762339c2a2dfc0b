"""What machines can do by their data sheets: nominal rates, so that what follows from them never depends on noise."""

import dataclasses
from collections.abc import Mapping

import jax

READING = 1e9
"""Bytes a second that a host reads: an assumption, for a disk of its own as for a store that many share."""

PASSES = {"highest": "float32", "high": "tensorfloat32", "tf32": "tensorfloat32", "fastest": "bfloat16"}
"""Other names of precisions."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """A device and the host that it is in.

    Attributes:
        name: as in its data sheet.
        devices: that a host has.
        rates: floating-point operations a second in products, by precision: "float32", "tensorfloat32", "bfloat16".
        default: the precision of products of float32 numbers where none is asked for.
        memory: bytes of a device.
        bandwidth: bytes a second between a device and its memory.
        interconnect: bytes a second into a device from others of its host.
        reading: bytes a second that a host reads from where networks are.
    """

    name: str
    devices: int
    rates: Mapping[str, float]
    default: str
    memory: float
    bandwidth: float
    interconnect: float
    reading: float = READING

    def rate(self, precision: str | None = None) -> float:
        """Operations a second; by default in the device's own default precision.

        Raises:
            ValueError: If the machine has no such precision.

        Examples:
            >>> machine_of("NVIDIA H100 80GB HBM3").rate("bfloat16")
            989000000000000.0
        """
        named = self.default if precision in (None, "default") else PASSES.get(str(precision), str(precision))
        if named not in self.rates:
            raise ValueError(f"expected a precision of {self.name} out of {tuple(self.rates)}, got '{precision}'")
        return self.rates[named]


# A data sheet gives what all links of a device carry both ways; half of it comes in.
# NVIDIA H100 and H200 data sheets (SXM, without sparsity): TF32 495 and bfloat16 989 TFLOP/s in tensor cores, float32
# 67 TFLOP/s outside; H100 80 GB at 3.35 TB/s, H200 141 GB at 4.8 TB/s; NVLink 900 GB/s; 8 in an HGX host. A100 data
# sheet: 19.5, 156 and 312 TFLOP/s, 80 GB at 2.039 TB/s, NVLink 600 GB/s.
HOPPER = {"float32": 67e12, "tensorfloat32": 494.5e12, "bfloat16": 989e12}
AMPERE = {"float32": 19.5e12, "tensorfloat32": 156e12, "bfloat16": 312e12}
# Cloud TPU documentation, "TPU v5e": 197 TFLOP/s in bfloat16, 16 GB at 819 GB/s, 400 GB/s between chips, 8 chips a host
# (4 where a slice is larger than a host). float32 is made of six products in bfloat16 and, between, of three.
V5E = {"float32": 197e12 / 6, "tensorfloat32": 197e12 / 3, "bfloat16": 197e12}
# Two cores of a server with AVX-512 reach 250 to 300 GFLOP/s in large products; half of it is left for the rest.
CORES = {"float32": 150e9, "tensorfloat32": 150e9, "bfloat16": 150e9}

CPU = Machine(
    name="CPU",
    devices=1,
    rates=CORES,
    default="float32",
    memory=8e9,
    bandwidth=2e10,
    interconnect=1e10,
)
"""Two cores; also what an unknown device is taken for, since slow computing asks for the smaller blocks."""

MACHINES = {
    "NVIDIA H200": Machine(
        name="NVIDIA H200",
        devices=8,
        rates=HOPPER,
        default="tensorfloat32",
        memory=141e9,
        bandwidth=4.8e12,
        interconnect=450e9,
    ),
    "NVIDIA H100": Machine(
        name="NVIDIA H100 SXM",
        devices=8,
        rates=HOPPER,
        default="tensorfloat32",
        memory=80e9,
        bandwidth=3.35e12,
        interconnect=450e9,
    ),
    "NVIDIA A100": Machine(
        name="NVIDIA A100 SXM",
        devices=8,
        rates=AMPERE,
        default="tensorfloat32",
        memory=80e9,
        bandwidth=2.039e12,
        interconnect=300e9,
    ),
    "TPU v5 lite": Machine(
        name="TPU v5e",
        devices=4,
        rates=V5E,
        default="bfloat16",
        memory=16e9,
        bandwidth=819e9,
        interconnect=200e9,
    ),
}
"""By how the names begin that JAX gives to devices (`jax.Device.device_kind`)."""


def machine_of(device_kind: str | None = None) -> Machine:
    """Returns what is known of a kind of device; of one that is not known, as of a CPU.

    Args:
        device_kind: as `jax.Device.device_kind`; by default that of the first device.

    Examples:
        >>> machine_of("TPU v5 lite").name
        'TPU v5e'
        >>> machine_of("a device of tomorrow").name
        'CPU'
    """
    kind = jax.devices()[0].device_kind if device_kind is None else device_kind
    return next((machine for start, machine in MACHINES.items() if kind.startswith(start)), CPU)
