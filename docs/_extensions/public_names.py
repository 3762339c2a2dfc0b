"""The reference: `{public-names}` documents the names that a sub-package re-exports.

    ```{public-names} lineage_jax.similarity
    l1
    linear_cka
    ```

Objects that are called like functions are shown as functions, constants with the text below their assignment.
`{module-docstring}` shows what a sub-package says of itself.
"""

import dataclasses
import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from _docstrings import to_restructured_text, with_colons
from _references import is_private_class, resolve
from _signatures import assigned_in, fields, is_ours, signature
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective


class PublicNames(SphinxDirective):
    """Documents the listed names of one sub-package."""

    has_content = True
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        lines = [line for name in self.content if name.strip() for line in self._document(module, name.strip())]
        return _parsed(self, ["```{eval-rst}", f".. py:currentmodule:: {module.__name__}", "", *lines, "```"])

    def _document(self, module: Any, name: str) -> Iterator[str]:
        value = getattr(module, name)
        if inspect.isclass(value):
            members = ", ".join(_members(value))
            yield from (f".. autoclass:: {name}", *([f"   :members: {members}"] if members else []), "")
            return
        doc = _text_below(module, name) or (inspect.getdoc(value) if is_ours(value) else None)
        if not doc:
            raise self.error(f"{module.__name__}.{name} has no docstring: write one, or make it private")
        lines = doc.splitlines()
        self.env.app.emit("autodoc-process-docstring", "function", f"{module.__name__}.{name}", value, {}, lines)
        yield from (*self._head(name, value), "", *(f"   {line}" for line in lines), "")

    def _head(self, name: str, value: Any) -> list[str]:
        if is_ours(value) and callable(value):
            called = value if inspect.isroutine(inspect.unwrap(value)) else type(value).__call__
            arguments, returned = signature(called, self.env.public_names)
            return [f".. py:function:: {name}{arguments}{f' -> {returned}' if returned else ''}"]
        shown = repr(value)
        short = len(shown) <= 100 and "<" not in shown and isinstance(value, str | int | float | tuple | dict)
        return [f".. py:data:: {name}", *([f"   :value: {shown}"] if short else [])]


class ModuleDocstring(SphinxDirective):
    """Shows the docstring of a module, which is Markdown."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        text = inspect.getdoc(importlib.import_module(self.arguments[0])) or ""
        names = self.env.public_names
        text = re.sub(r"`(\w+)`", lambda code: f"{{py:obj}}`{code[1]}`" if code[1] in names else code[0], text)
        head, _, references = text.partition("\nReferences:\n")
        cited = [f"- {line}" for line in textwrap.dedent(references).splitlines() if line]
        here = ["```{eval-rst}", f".. py:module:: {self.arguments[0]}", "```"]
        return _parsed(self, [*here, *head.splitlines(), "", *(["**References**", "", *cited] if cited else [])])


def _parsed(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    directive.env.note_reread()  # the text comes from modules, which may have changed when the page has not
    return directive.parse_text_to_nodes("\n".join(lines))


def _members(cls: type) -> list[str]:
    """Returns the methods and properties that a class of ours or one below it says something of."""
    own = [(name, value) for each in cls.__mro__ if is_ours(each) for name, value in vars(each).items()]
    shown = [
        name
        for name, value in own
        if (name == "__call__" or not name.startswith("_"))
        and (inspect.isfunction(value) or isinstance(value, property | classmethod | staticmethod))
        and inspect.getdoc(getattr(cls, name))
    ]
    return list(dict.fromkeys(shown))


def _text_below(package: Any, name: str) -> str:
    """Returns the string below the assignment of a constant."""
    found = assigned_in(package.__name__, name)
    documented = ModuleAnalyzer.for_module(found[0]).find_attr_docs() if found else {}
    return "\n".join(documented.get(("", name), []))


def _as_written(app: Sphinx, what: str, name: str, value: Any, options: Any, arguments: str, returned: str) -> Any:
    """Gives autodoc the signatures of classes and methods as their source writes them."""
    public = app.env.public_names
    if inspect.isclass(value):
        return (fields(value, public), None) if dataclasses.is_dataclass(value) else None
    return signature(value, public) if inspect.isroutine(value) else None


def _collect(app: Sphinx, env: Any, docnames: list[str]) -> None:
    """Finds every listed name before the first page is read, since signatures name what stands on other pages."""
    fences = re.compile(r"^```\{public-names\} \S+\n(.*?)^```", re.MULTILINE | re.DOTALL)
    pages = [env.doc2path(name) for name in env.found_docs if name.startswith("reference/")]
    env.public_names = {name for page in pages for block in fences.findall(page.read_text()) for name in block.split()}


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the directives, and what makes docstrings and signatures readable."""
    app.add_directive("public-names", PublicNames)
    app.add_directive("module-docstring", ModuleDocstring)
    app.connect("env-before-read-docs", _collect)
    app.connect("autodoc-process-signature", _as_written)
    app.connect("autodoc-process-docstring", to_restructured_text, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", with_colons, priority=600)
    app.connect("missing-reference", resolve)
    app.connect("warn-missing-reference", is_private_class)
    return {"version": "1"}
