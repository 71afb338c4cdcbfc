"""Rules for the files of the repository that no linter knows."""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 450

# In pieces, because this file is searched as well.
REGISTRY_HOSTS = tuple(
    ".".join(labels)
    for labels in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
    )
)
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("work", "root", "opt", "Users"))
FORBIDDEN = re.compile("|".join(re.escape(text) for text in REGISTRY_HOSTS + MACHINE_PATHS))


@cache
def tracked() -> tuple[Path, ...]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return tuple(ROOT / name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file())


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if FORBIDDEN.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_a_lock_file_pins_by_hash_and_names_no_address(lock: Path) -> None:
    text = text_of(lock)
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][^\n]*==(?:[^\n]*\n)(?:    --hash=sha256:[0-9a-f]{64}[^\n]*\n)+", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[^\s#]", text, re.MULTILINE)) > 0


def test_every_front_end_package_is_locked_by_hash_and_without_an_address() -> None:
    packages = json.loads(text_of(ROOT / "frontend" / "package-lock.json"))["packages"]
    dependencies = {name: package for name, package in packages.items() if name}
    assert len(dependencies) > 10
    assert [name for name, package in dependencies.items() if "resolved" in package] == []
    assert [name for name, package in dependencies.items() if not package["integrity"].startswith("sha512-")] == []


def test_the_lock_file_of_the_front_end_names_every_platform_of_every_tool() -> None:
    packages = json.loads(text_of(ROOT / "frontend" / "package-lock.json"))["packages"]
    wanted = {
        f"node_modules/{name}" for package in packages.values() for name in package.get("optionalDependencies", {})
    }
    assert wanted - packages.keys() == set()


def test_no_python_file_grows_past_one_sitting() -> None:
    lengths = {str(path.relative_to(ROOT)): text_of(path).count("\n") for path in tracked() if path.suffix == ".py"}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_what_is_built_is_not_in_git() -> None:
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [name for name in names if "node_modules/" in name or "/static/dist/" in name or name.endswith(".pyc")] == []
