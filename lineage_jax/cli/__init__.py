"""The `lineage-jax` command: one module a command, and the one part of the library that knows `converters`.

Exit status: 0 done, 2 bad input (one line says what), 1 a fault of the program; `verify` ends with 3 and 4, too.
"""

from lineage_jax.cli import _catalogue, _convert, _demo, _detect, _inspect, _sweep, _train_detector, _verify  # noqa: F401  they register themselves
from lineage_jax.cli._app import main as main
from lineage_jax.cli._app import spread as spread
