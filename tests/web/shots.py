"""Pictures of every page, for looking at: `python -m tests.web.shots DIRECTORY [PAGE …]`."""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from shutil import which
from typing import Literal

from playwright.sync_api import ViewportSize, sync_playwright
from tests.web.preview import preview
from tests.web.sample_contexts import PAGES

SIZES: dict[str, ViewportSize] = {"phone": {"width": 390, "height": 844}, "wide": {"width": 1440, "height": 900}}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(directory: Path, names: list[str]) -> None:
    """One file per page, size and scheme: `lead-phone-dark.png`."""
    directory.mkdir(parents=True, exist_ok=True)
    with preview() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        for (size, viewport), scheme in product(SIZES.items(), SCHEMES):
            context = browser.new_context(viewport=viewport, color_scheme=scheme, base_url=site)
            page = context.new_page()
            for name in names:
                page.goto(f"/{name}", wait_until="networkidle")
                page.screenshot(path=directory / f"{name}-{size}-{scheme}.png", full_page=True)
            context.close()
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2:] or list(PAGES))
