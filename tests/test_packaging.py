"""What reaches a user: the wheel with its assets, the pins, and the container files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import typer.main
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from porchlight.cli import app
from porchlight.kit.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DIST = "porchlight/web/static/dist"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
PYTHON_FROM_BUILD = {"PATH": ""}  # no Node.js, npm or shell can be found through it


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, ROOT], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the assets are built from, with the installed packages and the built assets."""
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    shutil.copytree(ROOT / "frontend", tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "frontend" / "node_modules").symlink_to(ROOT / "frontend" / "node_modules")
    web = Path("src/porchlight/web")
    shutil.copytree(ROOT / web / "templates", tmp_path / web / "templates")
    shutil.copytree(ROOT / web / "static" / "dist", tmp_path / web / "static" / "dist")
    return tmp_path


def build_assets(checkout: Path) -> str:
    command = [sys.executable, "hatch_build.py"]
    run = subprocess.run(command, cwd=checkout, env=PYTHON_FROM_BUILD, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stderr


def manifest(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "src" / DIST / "manifest.json").read_text())
    return loaded


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


def test_the_wheel_carries_the_built_assets_under_their_versions(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        versions = json.loads(archive.read(f"{DIST}/manifest.json"))["files"]
        built = {name: sha256(archive.read(f"{DIST}/{name}")).hexdigest()[:12] for name in versions}
    assert built == versions
    assert {"app.css", "app.js"} <= versions.keys()


def test_the_wheel_carries_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    listing = subprocess.run(["git", "ls-files", "-z", "src"], cwd=ROOT, capture_output=True, text=True, check=True)
    ours = {name.removeprefix("src/") for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()}
    with ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name and not name.startswith(DIST)}
    untracked = subprocess.run(
        ["git", "ls-files", "-z", "--others", "--exclude-standard", "src"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    new = {name.removeprefix("src/") for name in untracked.stdout.split("\0") if name}
    assert ours <= packed <= ours | new


def test_the_wheel_installs_the_command_and_carries_the_licences(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        entry_points = archive.read(names["entry_points.txt"]).decode()
        licence = archive.read(names["LICENSE"]).decode()
    assert "porchlight = porchlight.cli:app" in entry_points
    assert "Apache License" in licence
    assert "NOTICE" in names


def test_assets_that_are_up_to_date_need_no_node(checkout: Path) -> None:
    shutil.rmtree(checkout / "frontend" / "node_modules", ignore_errors=True)
    (checkout / "frontend" / "node_modules").unlink(missing_ok=True)
    assert "up to date" in build_assets(checkout)


def test_a_class_that_a_template_begins_to_use_is_built_under_a_new_version(checkout: Path) -> None:
    before = manifest(checkout)
    page = checkout / "src" / "porchlight" / "web" / "templates" / "new.html"
    page.write_text('<p class="mt-[1234px]">A page that was not there before.</p>')
    assert "Built" in build_assets(checkout)
    assert "1234px" in (checkout / "src" / DIST / "app.css").read_text()
    after = manifest(checkout)
    assert after["files"]["app.css"] != before["files"]["app.css"]
    assert after["files"]["app.js"] == before["files"]["app.js"]


def test_an_asset_that_is_missing_is_built_again(checkout: Path) -> None:
    (checkout / "src" / DIST / "app.js").unlink()
    assert "Built" in build_assets(checkout)
    assert manifest(checkout) == manifest(ROOT)


def test_every_requirement_is_pinned_inside_its_range() -> None:
    locked = pins("runtime")
    for requirement in map(Requirement, PROJECT["project"]["dependencies"]):
        assert requirement.specifier.contains(locked[canonicalize_name(requirement.name)]), requirement


def test_what_builds_is_pinned_alike_everywhere() -> None:
    lines = (ROOT / "requirements" / "build.in").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert wanted == PROJECT["build-system"]["requires"]
    assert all(pins("build")[name] == version for name, _, version in (line.partition("==") for line in wanted))


def test_the_lock_files_agree_where_they_overlap() -> None:
    build, runtime, dev = map(pins, ("build", "runtime", "dev"))
    for first, second in ((build, runtime), (build, dev), (runtime, dev)):
        assert [name for name in first.keys() & second.keys() if first[name] != second[name]] == []


def test_the_container_files_name_only_settings_that_exist() -> None:
    names = set(re.findall(r"PORCHLIGHT_[A-Z_]+", DOCKERFILE + (ROOT / "compose.yaml").read_text()))
    known = {f"PORCHLIGHT_{field.upper()}" for field in Settings.model_fields}
    assert names - known - {"PORCHLIGHT_"} == set()
    assert "PORCHLIGHT_DATABASE_URL" in names


def test_the_container_files_start_only_commands_and_options_that_exist() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    started = [service["command"] for name, service in COMPOSE["services"].items() if name != "database"]
    started += [json.loads(arguments) for arguments in re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)]
    assert len(started) == 3
    for name, *arguments in started:
        options = {option for parameter in commands[name].params for option in parameter.opts}
        assert {argument for argument in arguments if argument.startswith("-")} <= options


def test_the_image_is_built_from_files_that_exist_and_that_docker_is_sent() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in sent, source


def test_the_image_installs_by_hash_and_does_not_run_as_root() -> None:
    installs = re.findall(r"pip install ([^&\n]+)", DOCKERFILE)
    assert len(installs) == 3
    assert [install for install in installs if "--require-hashes" not in install and "--no-deps" not in install] == []
    last_user = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1]
    assert last_user not in {"root", "0"}


def test_every_container_that_another_waits_for_can_say_that_it_is_well() -> None:
    services = COMPOSE["services"]
    waited_for = {name for service in services.values() for name in service.get("depends_on", {})}
    assert waited_for == {"app", "database"}
    assert "pg_isready" in services["database"]["healthcheck"]["test"]
    assert re.search(r"^HEALTHCHECK .*CMD \[.*/healthz.*\]$", DOCKERFILE, re.MULTILINE)
    assert services["worker"]["healthcheck"] == {"disable": True}


def test_the_one_password_comes_from_outside() -> None:
    services = COMPOSE["services"]
    url = services["app"]["environment"]["PORCHLIGHT_DATABASE_URL"]
    given = services["database"]["environment"]["POSTGRES_PASSWORD"]
    assert re.fullmatch(r"\$\{DATABASE_PASSWORD:\?.+\}", given)
    assert url == f"postgresql://porchlight:{given}@database/porchlight"
