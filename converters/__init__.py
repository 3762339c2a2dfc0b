"""Networks of PyTorch and others without these: files to arrays, arrays to the variables of Flax networks and back."""

from converters._convert import ConversionError as ConversionError
from converters._convert import Converted as Converted
from converters._convert import names_for as names_for
from converters._convert import to_flax as to_flax
from converters._convert import to_torch as to_torch
from converters._entry import Entry as Entry
from converters._index import Indexed as Indexed
from converters._index import index as index
from converters._index import names_of as names_of
from converters._positions import interpolate_positions as interpolate_positions
from converters._positions import resample_positions as resample_positions
from converters._read import Checkpoint as Checkpoint
from converters._read import from_tree as from_tree
from converters._read import read as read
from converters._recognise import Match as Match
from converters._recognise import Recognition as Recognition
from converters._recognise import compare as compare
from converters._recognise import recognise as recognise
from converters._tree import as_tree as as_tree
from converters._unreadable import UnreadableFile as UnreadableFile
from converters._write import write as write
from converters._zoo import ENTRIES as ENTRIES
