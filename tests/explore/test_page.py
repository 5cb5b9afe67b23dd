"""The page in a browser, served by a process of its own as `hfluxno explore` does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import pytest

from benchmarks.explore import CHROMIUM, DONE, PATIENCE, browser, served
from hfluxno.cli import main

pytestmark = [
    pytest.mark.validation,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no {CHROMIUM}"),
]

# Where a point of a figure is, in pixels of the page.
_PLACE = """([title, x, y]) => {
  const view = Bokeh.index.query_one((v) => v.model.title?.text?.startsWith(title));
  const rect = view.canvas_view.el.getBoundingClientRect();
  return [rect.x + view.frame.x_scale.compute(x), rect.y + view.frame.y_scale.compute(y)];
}"""
# What a figure draws: the numbers behind its glyphs.
_DRAWN = """(title) => {
  const view = Bokeh.index.query_one((v) => v.model.title?.text?.startsWith(title));
  return JSON.stringify(view.model.renderers.map(
    (r) => [...r.data_source.data.entries?.() ?? Object.entries(r.data_source.data)].map(
      ([name, column]) => [name, Array.from(column, (c) => c?.length ? Array.from(c) : c)])));
}"""
# What the tab key reaches, without a name.
_UNLABELLED = """() => {
  const found = [];
  const look = (root) => {
    for (const node of root.querySelectorAll("*")) {
      if (node.shadowRoot) look(node.shadowRoot);
      if (!(node.tabIndex >= 0) || node.labels?.length || node.getAttribute("aria-label")) continue;
      if (node.matches("a, button") && node.textContent.trim()) continue;
      found.push(node.outerHTML);
    }
  };
  look(document);
  return found;
}"""


@pytest.fixture(scope="module")
def environment():
    """Programs are shared with the other tests."""
    folder = jax.config.values["jax_compilation_cache_dir"]
    return {"JAX_PLATFORMS": "cpu", "JAX_COMPILATION_CACHE_DIR": str(folder)}


@pytest.fixture(scope="module")
def chromium():
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def address(environment):
    with served(environment=environment) as at:
        yield at


def opened(chromium, address):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(address)
    page.wait_for_selector(DONE)
    return page, asked


def drag(page, title, start, end):
    page.mouse.move(*page.evaluate(_PLACE, [title, *start]))
    page.mouse.down()
    page.mouse.move(*page.evaluate(_PLACE, [title, *end]), steps=5)
    page.mouse.up()


def test_a_point_is_dragged_and_the_page_says_what_the_library_says(
    chromium, address, environment, tmp_path
):
    page, asked = opened(chromium, address)
    before = {name: page.evaluate(_DRAWN, name) for name in ("Context", "Flux f")}
    drag(page, "Hidden flux", (0.5, 0.5), (0.5, 0.7))
    page.wait_for_selector("p.news.idle")
    page.wait_for_function(f"(before) => ({_DRAWN})('Context') !== before", arg=before["Context"])
    page.get_by_role("button", name="Run").click()
    page.wait_for_selector(DONE)
    page.wait_for_selector("td:text-is('persistence')")
    after = page.evaluate(_DRAWN, "Flux f")
    assert after != before["Flux f"]
    assert page.locator("p.news").inner_text().startswith("Status 0: a conservation law explains")
    head = page.locator("tr", has_text="step 1").locator("th").all_inner_texts()[1:]
    shown = page.locator("tr", has_text="law").last.locator("td").all_inner_texts()[1:]
    for name in ("data", "law", "Python lines"):
        with page.expect_download() as download:
            page.get_by_text(f"Download {name}").click()
        download.value.save_as(tmp_path / download.value.suggested_filename)
    page.close()
    lines = subprocess.run(
        [sys.executable, "explored.py"],
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "a conservation law explains the data" in lines
    said = dict(re.findall(r"error after (\d+) steps: (.*)", lines))
    assert shown == [said[name.removeprefix("step ")] for name in head] and len(shown) == 3
    assert (tmp_path / "law.json").stat().st_size > 1000
    hosts = {re.match(r"(?:data|blob):|\w+://([^/:]+)", url)[1] for url in asked}
    assert hosts - {None} == {"127.0.0.1"} and len(asked) > 5


def test_everything_has_a_name_and_goes_by_keyboard(chromium, address):
    from playwright.sync_api import expect

    page, _ = opened(chromium, address)
    page.wait_for_timeout(1500)
    assert page.evaluate(_UNLABELLED) == []
    assert page.get_by_role("figure", name="Hidden flux: drag the points").count() == 1
    before = page.evaluate(_DRAWN, "Context")
    point = page.get_by_label("Point", exact=True).last
    point.fill("3")
    point.press("Tab")
    field = page.get_by_label("f", exact=True)
    expect(field).to_have_value("0.5")  # that of the third point
    field.fill("0.9")
    field.press("Tab")
    page.wait_for_selector("p.news.idle")
    page.wait_for_function(f"(before) => ({_DRAWN})('Context') !== before", arg=before)
    profile = page.evaluate(_DRAWN, "Profile at")
    page.locator(".noUi-handle[aria-label=Frame]").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"(before) => ({_DRAWN})('Profile at') !== before", arg=profile)
    button = page.get_by_role("button", name="Run")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(DONE)
    page.close()


def test_two_pages_have_nothing_in_common(chromium, address):
    first, _ = opened(chromium, address)
    second, _ = opened(chromium, address)
    before = first.evaluate(_DRAWN, "Context")
    drag(second, "First state", (0.35, 0.85), (0.35, 0.5))
    second.wait_for_function(f"(before) => ({_DRAWN})('Context') !== before", arg=before)
    first.wait_for_timeout(1000)
    assert first.evaluate(_DRAWN, "Context") == before
    assert "Status 0" in first.locator("p.news").inner_text()
    first.close()
    second.get_by_role("button", name="Run").click()
    second.wait_for_selector(DONE)
    second.close()


def test_a_bad_file_is_said_as_on_the_command_line(chromium, address, tmp_path, capsys):
    from playwright.sync_api import expect

    bad = tmp_path / "bad.csv"
    bad.write_text("time,x\n0,1\n")
    assert main(["identify", str(bad)]) == 2
    said = capsys.readouterr().err.removeprefix("hfluxno: ").strip()
    page, _ = opened(chromium, address)
    page.get_by_label("Data", exact=True).select_option("from a file")
    field = page.get_by_label("File", exact=True)
    field.fill(str(bad))
    field.press("Enter")
    expect(page.locator("p.news.fault")).to_have_text(said)
    good = Path(__file__).parents[2] / "examples" / "traffic.nc"
    field.fill(str(good))
    field.press("Enter")
    page.wait_for_selector("p.news.idle")
    assert page.get_by_role("button", name="Run").is_enabled()
    page.close()
