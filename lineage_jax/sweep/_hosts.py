"""Processes that share a sweep: how they find each other, which of them work together, and which blocks are whose.

Blocks are numbered and cut into equal runs, one for each team. A team is one process with its own devices, or the
processes that a mesh spans; teams do not talk to each other. So where every team is one process, the runtime that
brought the processes together is left as soon as all devices are known: it would end every process with the first that
dies. The processes of a larger team cannot go on without each other, and are ended by it; what is done is kept.
"""

import dataclasses
import functools
import itertools
import math
import os
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

AXES = ("children", "probes")
"""The axes of a mesh: children are split over the first, the examples that networks are shown over the second."""

COUNTS = ("SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")
"""Variables in which Slurm and Open MPI say how many processes there are."""
HOSTS = "TPU_WORKER_HOSTNAMES"
"""The variable in which Cloud TPU says what hosts there are, with commas between."""

WAIT = 300
"""Seconds that processes wait for each other at the start."""
HEARTBEAT = 30
"""Seconds without a sign of life after which a process of a team counts as dead."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Team:
    """The processes that compute one block together, as one of them sees it.

    Attributes:
        index: which team this is.
        count: how many there are.
        mesh: the devices that it computes on; None for the one device of a process.
        processes: that it is made of, the first of which writes.
    """

    index: int = 0
    count: int = 1
    mesh: Mesh | None = None
    processes: tuple[int, ...] = (0,)

    @property
    def writes(self) -> bool:
        """Whether this process writes what the team computes."""
        return jax.process_index() == self.processes[0]

    @property
    def axes(self) -> dict[str, int]:
        """Sizes of the axes of the mesh."""
        return {} if self.mesh is None else dict(self.mesh.shape)

    def share(self, blocks: int) -> range:
        """Returns the numbers of the blocks that are this team's: equal runs, the first ones longer by one at most.

        Examples:
            >>> [list(Team(index=index, count=3).share(7)) for index in range(3)]
            [[0, 1, 2], [3, 4], [5, 6]]
        """
        least, more = divmod(blocks, self.count)
        start = self.index * least + min(self.index, more)
        return range(start, start + least + (self.index < more))


def join(
    mesh: Mapping[str, int] | None = None,
    *,
    coordinator: str | None = None,
    processes: int | None = None,
    process: int | None = None,
) -> Team:
    """Brings processes together, before JAX has computed anything, and says which team this one is in.

    Where nothing is given, the environment says whether there are several: the variables `JAX_COORDINATOR_ADDRESS`,
    `JAX_NUM_PROCESSES` and `JAX_PROCESS_ID`, those of Slurm and Open MPI, or the host names of a Cloud TPU.

    Teams of one process go on alone: what happens to the others does not reach them.

    Args:
        mesh: as `team_of`.
        coordinator: address and port of process 0, such as `10.0.0.1:1234`; "auto" for what JAX finds, on a machine
            whose environment names no processes.
        processes: how many there are.
        process: which of them this one is, from 0.

    Raises:
        ValueError: If only a part is given, or it makes no sense, or as `team_of`.
        OSError: If processes do not find each other in time.
    """
    if not _connected(coordinator, processes, process):
        return team_of(mesh)
    team = team_of(mesh)
    identity()
    if len(team.processes) == 1:
        jax.distributed.shutdown()
    return team


def _connected(coordinator: str | None, processes: int | None, process: int | None) -> bool:
    given = (coordinator, processes, process)
    if coordinator != "auto" and any(each is not None for each in given):
        _check_given(coordinator, processes, process)
    elif coordinator is None:
        if not _are_many():
            return False
        processes, process = (_number(f"JAX_{name}") for name in ("NUM_PROCESSES", "PROCESS_ID"))
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            None if coordinator == "auto" else coordinator,
            processes,
            process,
            initialization_timeout=WAIT,
            heartbeat_timeout_seconds=HEARTBEAT,
        )
        jax.devices()  # every process tells the others of its devices
    except RuntimeError as error:
        raise OSError(
            f"expected {processes or 'all'} processes to meet at {coordinator or 'their coordinator'} within {WAIT} "
            f"seconds: {str(error).splitlines()[0]}; start the others, or check address and port"
        ) from error
    return True


@functools.cache
def identity() -> str:
    """Returns letters and digits that the processes of one run share; the first call is one that all of them make."""
    drawn = int.from_bytes(os.urandom(6))
    if jax.process_count() > 1:
        parts = multihost_utils.broadcast_one_to_all(np.array(divmod(drawn, 2**24), np.int32))
        drawn = int(parts[0]) * 2**24 + int(parts[1])
    return f"{drawn:012x}"


def team_of(mesh: Mesh | Mapping[str, int] | None = None) -> Team:
    """Says which team this process belongs to.

    Args:
        mesh: a mesh with axes out of `AXES`, or their sizes; by default children over all devices of a process.

    Raises:
        ValueError: If the axes are others, or so many devices are not those of one process, nor of some processes.

    Examples:
        >>> team_of().count
        1
        >>> team_of({"children": 1, "probes": 1}).axes
        {'children': 1, 'probes': 1}
    """
    processes, local = jax.process_count(), jax.local_device_count()
    if isinstance(mesh, Mesh):
        return _team_of_mesh(mesh)
    if mesh is None:
        own = Mesh(np.array(jax.local_devices()), AXES[:1]) if local > 1 else None
        return Team(index=jax.process_index(), count=processes, mesh=own, processes=(jax.process_index(),))
    sizes = _sizes(mesh)
    size = math.prod(sizes)
    per_team = size // local
    if size % local or not per_team or processes % per_team:
        raise ValueError(_no_fit(sizes, local, processes))
    index = jax.process_index() // per_team
    members = tuple(range(index * per_team, (index + 1) * per_team))
    devices = sorted(
        (device for device in jax.devices() if device.process_index in members),
        key=lambda device: (device.process_index, device.id),
    )
    made = Mesh(np.array(devices).reshape(sizes), AXES)
    return Team(index=index, count=processes // per_team, mesh=made, processes=members)


def parsed_mesh(text: str) -> dict[str, int]:
    """Returns the sizes of a mesh that are written as `children=4,probes=2`.

    Raises:
        ValueError: If they are not.

    Examples:
        >>> parsed_mesh("children=4,probes=2")
        {'children': 4, 'probes': 2}
    """
    sizes: dict[str, int] = {}
    for part in text.split(","):
        axis, _, size = part.partition("=")
        if axis not in AXES or axis in sizes or not size.isdecimal() or int(size) < 1:
            raise ValueError(f"expected a mesh such as children=4,probes=2, got '{text}'")
        sizes[axis] = int(size)
    return sizes


def _team_of_mesh(mesh: Mesh) -> Team:
    _sizes(mesh.shape)
    members = tuple(sorted({device.process_index for device in mesh.devices.flat}))
    if jax.process_index() not in members:
        raise ValueError(f"expected a mesh with devices of process {jax.process_index()}, got those of {members}")
    teams = jax.process_count() // len(members)
    return Team(index=members[0] // len(members), count=teams, mesh=mesh, processes=members)


def _sizes(mesh: Mapping[str, int]) -> tuple[int, int]:
    unknown = [axis for axis in mesh if axis not in AXES]
    if unknown:
        raise ValueError(f"expected a mesh with axes out of {', '.join(AXES)}, got '{unknown[0]}'")
    children, probes = (mesh.get(axis, 1) for axis in AXES)
    return children, probes


def _no_fit(sizes: Sequence[int], local: int, processes: int) -> str:
    teams = [k for k in range(1, processes + 1) if processes % k == 0]
    totals = [k * local for k in teams]
    fitting = [
        f"children={total // probes},probes={probes}"
        for total, probes in itertools.product(totals, range(1, max(totals) + 1))
        if total % probes == 0
    ]
    shown = "; ".join(fitting[:8]) + ("; ..." if len(fitting) > 8 else "")
    where = f"{local} device{'s' * (local > 1)}" + (f" in each of {processes} processes" if processes > 1 else "")
    return (
        f"expected a mesh of all devices of a process or of several processes, got children={sizes[0]},"
        f"probes={sizes[1]} for {where}; meshes that fit: {shown}"
    )


def _are_many() -> bool:
    """Says whether the environment names several processes."""
    counts = [os.environ.get(variable, "") for variable in COUNTS]
    several = any(count.isdecimal() and int(count) > 1 for count in counts)
    return several or "," in os.environ.get(HOSTS, "") or "JAX_COORDINATOR_ADDRESS" in os.environ


def _number(variable: str) -> int | None:
    said = os.environ.get(variable)
    if said is None:
        return None
    if not said.isdecimal():
        raise ValueError(f"expected a number in {variable}, got '{said}'")
    return int(said)


def _check_given(coordinator: str | None, processes: int | None, process: int | None) -> None:
    if coordinator is None or processes is None or process is None:
        raise ValueError("expected --coordinator, --processes and --process together, or none of them")
    if not coordinator.rpartition(":")[2].isdecimal() or ":" not in coordinator:
        raise ValueError(f"expected --coordinator HOST:PORT, got '{coordinator}'")
    if not 0 <= process < processes:
        raise ValueError(f"expected --process from 0 to {processes - 1}, got {process}")
