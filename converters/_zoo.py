"""Every network that a state_dict can be brought to, by source and name."""

from converters._entry import Entry
from converters._families import _resnet

FAMILIES = (_resnet,)

ENTRIES: dict[str, Entry] = {entry.name: entry for family in FAMILIES for entry in family.ENTRIES}
"""All entries by name, such as `torchvision/resnet50`."""
