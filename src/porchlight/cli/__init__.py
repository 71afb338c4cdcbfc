"""The command line: `porchlight COMMAND --help` says what each takes."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

from porchlight.cli import audit, database, doctor, imports, init, replay, serve, train

_OF_ENGINES: Final = {"learn": "learn", "predict": "learn", "dedupe": "dedupe"}
"""Commands and their modules, whose libraries take seconds to load and serve nobody else."""


class _Commands(TyperGroup):
    """The commands, those of the engines loaded when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted([*super().list_commands(ctx), *_OF_ENGINES])

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _OF_ENGINES:
            return super().get_command(ctx, cmd_name)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(cmd_name)(getattr(import_module(f"porchlight.cli.{_OF_ENGINES[cmd_name]}"), cmd_name))
        return typer.main.get_command(alone)


app = typer.Typer(
    name="porchlight",
    cls=_Commands,
    help="Lead intelligence and automation for real-estate teams.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("init")(init.init)
app.command("serve")(serve.serve)
app.command("worker")(serve.worker)
app.command("demo-life", hidden=True)(serve.demo_life)
app.command("import")(imports.import_file)
app.command("replay")(replay.replay)
app.command("train")(train.train)
app.command("doctor")(doctor.doctor)
app.add_typer(audit.app, name="audit")
app.add_typer(database.app, name="db")

__all__ = ["app"]
