"""The page of the command line: `{command-line}` shows what `lineage-jax --help` says, a section a command.

A command of a group comes behind it: `{command-line} sweep status`.
"""

from typing import Any

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from lineage_jax import cli  # noqa: F401  it registers the commands
from lineage_jax.cli._app import app as application


class CommandLine(SphinxDirective):
    """Shows one command: what it does, its arguments and its options."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        command = typer.main.get_command(application)
        for name in self.arguments:
            command = command.commands[name]
        table = ["| option | |", "|---|---|", *(_row(each) for each in command.params if each.name != "help")]
        self.env.note_reread()
        return self.parse_text_to_nodes("\n".join([*(command.help or "").splitlines(), "", *table]))


def _row(parameter: Any) -> str:
    name = f"`{parameter.opts[0]}`" if parameter.opts[0].startswith("-") else parameter.name.upper()
    said = [parameter.help, "Required." if parameter.required else ""]
    if isinstance(parameter.default, int) and not isinstance(parameter.default, bool):
        said.append(f"Default: {parameter.default}.")
    return f"| {name} | {' '.join(filter(None, said))} |"


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the directive."""
    app.add_directive("command-line", CommandLine)
    return {"version": "1", "parallel_read_safe": True}
