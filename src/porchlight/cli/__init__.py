"""The command line: `porchlight COMMAND --help` says what each takes."""

from __future__ import annotations

import typer

from porchlight.cli import audit, database, dedupe, doctor, imports, init, learn, replay, serve, train

app = typer.Typer(
    name="porchlight",
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
app.command("learn")(learn.learn)
app.command("predict")(learn.predict)
app.command("replay")(replay.replay)
app.command("train")(train.train)
app.command("dedupe")(dedupe.dedupe)
app.command("doctor")(doctor.doctor)
app.add_typer(audit.app, name="audit")
app.add_typer(database.app, name="db")

__all__ = ["app"]
