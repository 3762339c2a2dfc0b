"""Why a network cannot be read, in one line."""

EXTRAS = {"sklearn": "experiments", "matplotlib": "experiments", "ml_collections": "experiments", "h5py": "hdf5"}
"""Packages that are not part of a plain installation -> the extra that brings them."""


def in_one_line(error: Exception) -> str:
    """Says what is wrong on one line: errors of the system with their file, missing packages with the extra.

    Examples:
        >>> in_one_line(OSError(28, "No space left on device", "a/b"))
        'No space left on device: a/b'
        >>> in_one_line(ModuleNotFoundError("No module named 'sklearn'", name="sklearn"))
        "expected the package sklearn, which is not installed: pip install 'lineage-jax[experiments]'"
    """
    if isinstance(error, ImportError) and error.name:
        package = error.name.partition(".")[0]
        if package not in EXTRAS:
            raise error
        return f"expected the package {package}, which is not installed: pip install 'lineage-jax[{EXTRAS[package]}]'"
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{place}"
    return " ".join(str(error).splitlines())
