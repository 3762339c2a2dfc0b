"""Sweeps: scores of more pairs than one machine holds, block by block, on disk.

    plan = sweep.Plan(parents="parents/", children="children/", probes={"noise": 64}, layers="all")
    sweep.run(plan, "store")                         # ended at any moment, it goes on when it is called again
    scores = sweep.open("store")                     # as lineage.score returns them, read when asked for

`run` cuts the grid of pairs into blocks of parents and children. Children of a block stay on the devices while parents
pass by, and grain reads the next networks of either side meanwhile. Several processes share the blocks without talk
(`join`); on a mesh, children are split over one axis and probes over the other. A network that cannot be compared is
recorded with the reason, and all others are scored.

A store is a folder that fills as blocks are done. It survives the end of a run at any moment: what is done is never
computed again, what was half-written is never read, and a run with another plan is refused. Opened, it is what
`lineage.score` returns.

A `Cost` is counted from the programs that a comparison runs, a `Machine` is what a data sheet says; from both follow
the shape of a block (`blocks_of`) and what bounds it (`block_times`).
"""

from lineage_jax.sweep._blocks import blocks_of as blocks_of
from lineage_jax.sweep._cost import Cost as Cost
from lineage_jax.sweep._cost import cost_of as cost_of
from lineage_jax.sweep._hosts import Team as Team
from lineage_jax.sweep._hosts import join as join
from lineage_jax.sweep._hosts import parsed_mesh as parsed_mesh
from lineage_jax.sweep._hosts import team_of as team_of
from lineage_jax.sweep._machine import Machine as Machine
from lineage_jax.sweep._machine import machine_of as machine_of
from lineage_jax.sweep._open import open as open
from lineage_jax.sweep._plan import PRECISIONS as PRECISIONS
from lineage_jax.sweep._plan import Plan as Plan
from lineage_jax.sweep._records import Record as Record
from lineage_jax.sweep._run import Step as Step
from lineage_jax.sweep._run import run as run
from lineage_jax.sweep._status import Status as Status
from lineage_jax.sweep._status import status as status
from lineage_jax.sweep._store import Store as Store
from lineage_jax.sweep._times import BlockTimes as BlockTimes
from lineage_jax.sweep._times import block_times as block_times
from lineage_jax.sweep._work import Work as Work
from lineage_jax.sweep._work import work_of as work_of
from lineage_jax.sweep._writing import open_for_writing as open_for_writing
