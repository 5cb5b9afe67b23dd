"""The site as a reader sees it: built strictly, opened in a browser that has no network."""

import os
import shutil
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.docs.building import ROOT, built

_CHROMIUM = "/usr/bin/chromium"
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
_SHOWN = (
    "index.html",
    "tutorials/engineer.html",
    "gallery/index.html",
    "gallery/traffic.html",
    "identification.html",
    "api/index.html",
    "comparison.html",
)

pytestmark = pytest.mark.validation


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site; a gallery that was made of the same sources is not made again."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    folder = tmp_path_factory.mktemp("site")
    done = built(ROOT, "--strict", "--site-dir", str(folder))
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def address(site):
    """The site, served on this machine alone."""
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if not shutil.which(_CHROMIUM):
        pytest.skip(f"There is no {_CHROMIUM}.")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield opened
        opened.close()


def test_every_page_is_there(site):
    made = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    scripts = {path.stem for path in (ROOT / "examples" / "gallery").glob("*.py")}
    assert made >= {f"gallery/{name}.html" for name in scripts} and made >= set(_SHOWN)
    assert not list(site.rglob("hooks*"))
    for name in scripts:
        text = (site / "gallery" / f"{name}.html").read_text("utf-8")
        assert "It prints" in text and f'src="{name}' in text


def test_every_page_says_its_version(site):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    for name in _SHOWN:
        assert f"hfluxno {version}" in (site / name).read_text("utf-8")


def test_public_names_are_documented(site):
    import hfluxno

    text = "".join(
        (site / "api" / f"{page}.html").read_text("utf-8") for page in ("index", "results")
    )
    for name in hfluxno.__all__:
        assert f'.{name}"' in text, f"{name} is not documented."


@pytest.mark.parametrize("size", _SIZES)
def test_pages_open_without_errors_or_requests_to_elsewhere(address, browser, size, tmp_path):
    width, height = _SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height})
    said, asked = [], []
    page.on("console", lambda message: said.append(message) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(error))
    page.on("request", lambda request: asked.append(request.url))
    folder = Path(os.environ.get("SCREENSHOTS", tmp_path))
    for name in _SHOWN:
        page.goto(f"{address}/{name}", wait_until="networkidle")
        assert page.locator("h1").first.inner_text().strip()
        broken = page.eval_on_selector_all(
            "img", "all => all.filter(one => one.complete && !one.naturalWidth).map(one => one.src)"
        )
        assert not broken
        # Wide tables and code scroll by themselves: the page does not.
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture = folder / f"{size}-{name.replace('/', '-').removesuffix('.html')}.png"
        page.screenshot(path=picture)
        assert picture.stat().st_size > 10_000
    page.close()
    assert not said, [str(entry) for entry in said]
    assert asked and not [url for url in asked if not url.startswith((address, "data:"))]


def test_a_word_is_found(address, browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    # A word that is typed before the index has come is not looked for; one in the address is.
    page.goto(f"{address}/index.html?q=Greenshields", wait_until="networkidle")
    page.locator(".md-search-result__item").first.wait_for()
    assert "Greenshields" in page.locator(".md-search-result__list").inner_text()
    page.close()
