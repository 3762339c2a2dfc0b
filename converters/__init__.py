"""PyTorch checkpoints without PyTorch: files to arrays, and arrays to the variables of Flax networks and back."""

from converters._convert import ConversionError as ConversionError
from converters._convert import Converted as Converted
from converters._convert import to_flax as to_flax
from converters._convert import to_torch as to_torch
from converters._entry import Entry as Entry
from converters._zoo import ENTRIES as ENTRIES
