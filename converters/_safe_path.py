"""Files that another file names: they are opened in its own folder only."""

from pathlib import Path, PurePosixPath, PureWindowsPath

from converters._unreadable import UnreadableFile, shown


def path_within(folder: Path, name: str) -> Path:
    """Returns the file of this name in a folder or below it.

    Links are followed, which caches of downloads consist of: they are the user's own.

    Raises:
        UnreadableFile: If the name leads out of the folder, or there is no such file.

    Examples:
        >>> path_within(Path("network"), "../../secret")
        Traceback (most recent call last):
        converters._unreadable.UnreadableFile: expected a file inside the folder, got the name ../../secret: ...
    """
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    outside = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts or "\0" in name or not name
    if outside:
        raise UnreadableFile(f"expected a file inside the folder, got the name {shown(name)}: it leads out of it")
    path = folder / posix
    try:
        found = path.is_file()
    except OSError:  # a name that is too long for any file
        found = False
    if not found:
        raise UnreadableFile(f"expected the file {shown(name)} beside it, which is missing: fetch it too")
    return path
