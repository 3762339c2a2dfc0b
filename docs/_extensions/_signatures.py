"""Signatures as the source writes them, such as `Float[Array, "n d"]`, with private aliases written out."""

import ast
import dataclasses
import importlib
import inspect
import textwrap
from typing import Any

import jaxtyping

OURS = ("lineage_jax", "converters")
OF_FLAX = {"parent", "name"}
"""What Flax adds to the fields of every module."""


def is_ours(value: Any) -> bool:
    """Returns whether a value is a class or function of ours, or of a class of ours."""
    value = value if inspect.isclass(value) else inspect.unwrap(value)
    named = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    return named.__module__.split(".")[0] in OURS


def signature(function: Any, public: set[str]) -> tuple[str, str]:
    """Returns the arguments and the returned type of a function, the latter empty where there is none."""
    function = inspect.unwrap(function)
    definition = _definition(function)
    if not isinstance(definition, ast.FunctionDef):
        return "()", ""
    definition = _WrittenOut(function.__module__, public).visit(definition)
    arguments = definition.args
    first = [*arguments.posonlyargs, *arguments.args][:1]
    if first and first[0].arg in ("self", "cls"):
        (arguments.posonlyargs or arguments.args).pop(0)
    return f"({ast.unparse(arguments)})", ast.unparse(definition.returns) if definition.returns else ""


def fields(cls: type, public: set[str]) -> str:
    """Returns the arguments of a dataclass, its own and inherited ones but those that Flax adds."""
    written: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if is_ours(each):
            annotated = [node for node in _definition(each).body if isinstance(node, ast.AnnAssign)]
            write = _WrittenOut(each.__module__, public).visit
            written |= {ast.unparse(node.target): ast.unparse(write(node.annotation)) for node in annotated}
    arguments = []
    for field in dataclasses.fields(cls):
        if field.init and field.name in written and field.name not in OF_FLAX:
            if field.kw_only and "*" not in arguments:
                arguments.append("*")
            arguments.append(f"{field.name}: {written[field.name]}{_default(field)}")
    return f"({', '.join(arguments)})"


def assigned_in(module: str, name: str) -> tuple[str, ast.expr] | None:
    """Returns the module that a name is assigned in, followed through imports, and what is assigned."""
    if module.split(".")[0] not in OURS:
        return None
    for node in ast.parse(inspect.getsource(importlib.import_module(module))).body:
        match node:
            case ast.ImportFrom(module=str(origin), names=names) if name in {
                each.asname or each.name for each in names
            }:
                return assigned_in(origin, name)
            case ast.Assign(targets=[ast.Name(id=assigned)], value=value) if assigned == name:
                return module, value
            case ast.AnnAssign(target=ast.Name(id=assigned), value=ast.expr() as value) if assigned == name:
                return module, value
    return None


class _WrittenOut(ast.NodeTransformer):
    """Puts what a private alias stands for in its place, and takes the quotes off what is named before it is defined.

    Public names stay, for they have an entry of their own; so do the shapes of jaxtyping, which are strings.
    """

    def __init__(self, module: str, public: set[str]) -> None:
        self.module, self.public = module, public

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for each in filter(None, every):
            each.annotation = each.annotation and self.visit(each.annotation)
        node.returns = node.returns and self.visit(node.returns)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        of_strings = isinstance(node.value, ast.Name) and (
            node.value.id == "Literal" or hasattr(jaxtyping, node.value.id)
        )
        return node if of_strings else self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return self.visit(ast.parse(node.value, mode="eval").body) if isinstance(node.value, str) else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = None if node.id in self.public else assigned_in(self.module, node.id)
        is_alias = found and isinstance(found[1], ast.Attribute | ast.BinOp | ast.Name | ast.Subscript)
        return _WrittenOut(found[0], self.public).visit(found[1]) if found and is_alias else node


def _definition(value: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]


def _default(field: dataclasses.Field) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return " = ..."
    if field.default is dataclasses.MISSING:
        return ""
    shown = f" = {field.default!r}"
    return shown if len(shown) < 40 and "<" not in shown else " = ..."
