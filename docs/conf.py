"""How `make docs` builds the pages: offline, warnings as errors, tutorials executed."""

import hashlib
import os
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "_extensions")]
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# for the kernels that tutorials run in, and the commands in their cells, which print as into a file
os.environ["PYTHONPATH"] = str(ROOT)
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["TTY_COMPATIBLE"] = "0"
os.environ.setdefault("LINEAGE_DATA", str(ROOT.parent / "shared" / "data"))


def _digest() -> str:
    """Returns what the sources of the library come to: tutorials run again when it changes."""
    sources = sorted(file for folder in ("lineage_jax", "converters") for file in (ROOT / folder).rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]


stated = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
project = "lineage_jax"
author = "the authors of lineage_jax"
version = release = stated["version"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "command_line",
    "public_names",
    "readmes",
]
exclude_patterns = ["_build", "_extensions"]
default_role = "py:obj"
nitpicky = True
OTHERS = (
    "flax",
    "jax",
    "jaxlib",
    "jaxtyping",
    "jnp",
    "nn",
    "nnx",
    "np",
    "numpy",
    "optax",
    "xarray",
    *sys.stdlib_module_names,
)
nitpick_ignore_regex = [
    ("py:obj", r"(?s).*"),  # single backticks: a link where there is something to link to, else code
    # the types of others, for whose pages no inventory is fetched
    ("py:.*", rf"({'|'.join(OTHERS)})\..*"),
    ("py:.*", r"Any|Array|Callable|Declared|DTypeLike|Mesh|ModuleType|Path|PRNGKeyArray|PyTree|Self|T|Table|ndarray"),
    ("py:.*", r"Bool|Float|Float32|Inexact|Int|Int32|Integer|Key|Num|Shaped|UInt8"),
    ("py:.*", r"ArrayLike|core\.ClosedJaxpr|Hashable|Iterable|Iterator|Literal|Mapping|MutableMapping|Sequence"),
]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
nb_execution_mode = "cache"
nb_execution_cache_path = str(HERE / "_build" / "executed" / _digest())
nb_execution_timeout = 300
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_render_markdown_format = "myst"

add_module_names = False
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_title = "lineage_jax"
html_static_path = ["_static"]
html_css_files = ["lineage.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navbar_persistent": [],
}
