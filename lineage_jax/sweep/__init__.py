"""Sweeps: scores of more networks than one machine holds.

A `Cost` is counted from the programs that a comparison runs, a `Machine` is what a data sheet says; from both follow
the shape of a block (`blocks_of`) and what bounds it (`block_times`).
"""

from lineage_jax.sweep._blocks import blocks_of as blocks_of
from lineage_jax.sweep._cost import Cost as Cost
from lineage_jax.sweep._cost import cost_of as cost_of
from lineage_jax.sweep._machine import Machine as Machine
from lineage_jax.sweep._machine import machine_of as machine_of
from lineage_jax.sweep._times import BlockTimes as BlockTimes
from lineage_jax.sweep._times import block_times as block_times
from lineage_jax.sweep._work import Work as Work
from lineage_jax.sweep._work import work_of as work_of
