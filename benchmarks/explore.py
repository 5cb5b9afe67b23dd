"""Waiting times on the page of `hfluxno explore`, and its picture for the documentation.

    python benchmarks/explore.py [--picture docs/images/explore.png]

The first inference of a new process loads the programs stored by earlier ones, or compiles them if
there are none; later inferences reuse them. Chromium runs on the same machine.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_START = "import sys; from hfluxno.cli import main; raise SystemExit(main(sys.argv[1:]))"
# A machine that compiles everything takes minutes.
PATIENCE = 600_000  # ms
DONE = "p.news.good, p.news.doubt, p.news.fault"


@contextlib.contextmanager
def served(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    """The address of a page served by another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START, "explore", "--no-browser", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def browser():
    """Debian's Chromium, driven by Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_OPTIONS)
        try:
            yield made
        finally:
            made.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path)
    picture = parser.parse_args().picture
    with served() as address, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        began = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("p.news")
        print(f"page: {time.perf_counter() - began:.1f} s")
        page.wait_for_selector(DONE)
        print(f"first inference: {time.perf_counter() - began:.1f} s after the page was opened")
        field = page.get_by_label("f", exact=True)
        for value in ("0.1", "0.05", "0.0"):
            field.fill(value)
            field.press("Tab")
            page.wait_for_selector("p.news.idle")
            began = time.perf_counter()
            page.get_by_role("button", name="Run").click()
            page.wait_for_selector(DONE)
            print(f"another flux: {time.perf_counter() - began:.2f} s from the button to the law")
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        if picture is not None:
            page.wait_for_timeout(2000)
            page.screenshot(path=picture)


if __name__ == "__main__":
    main()
