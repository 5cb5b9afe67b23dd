"""The gallery of the site: runs every script of `examples/gallery` and makes a page of it.

A page is the script's docstring, the pictures that it wrote, what it printed and its source. A
script is run again when it, or the library, has changed; what it made is kept in `.cache/gallery`.
"""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "examples" / "gallery"
_KEPT = ROOT / ".cache" / "gallery"
_LONGEST = 600  # s; a script that takes as long hangs


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages and their pictures."""
    cards = []
    for script in sorted(SCRIPTS.glob("*.py")):
        title, text = described(script)
        folder, name = made(script), script.stem
        pictures = sorted(folder.glob("*.png"))
        page = _page(title, text, script, folder, pictures)
        files.append(File.generated(config, f"gallery/{name}.md", content=page))
        for picture in pictures:
            target = f"gallery/{picture.name}"
            files.append(File.generated(config, target, abs_src_path=str(picture)))
        cards.append(f"[![{title}]({pictures[0].name}){{ loading=lazy }} {title}]({name}.md)")
    start = (ROOT / "docs" / "hooks" / "gallery.md").read_text(encoding="utf-8")
    index = start + '\n<div class="gallery" markdown>\n\n' + "\n\n".join(cards) + "\n\n</div>\n"
    files.append(File.generated(config, "gallery/index.md", content=index))
    return files


def described(script: Path) -> tuple[str, str]:
    """The title and the text of a script, from its docstring."""
    docstring = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8")))
    title, _, text = (docstring or "").partition("\n\n")
    if not title or not text:
        raise PluginError(f"{script} needs a docstring: a title, an empty line and a text.")
    return title, text


def made(script: Path) -> Path:
    """The folder with what a script wrote and printed (`output.json`); it is run if need be."""
    folder, stamp = _KEPT / script.stem, _stamp(script)
    report = folder / "output.json"
    if report.is_file() and json.loads(report.read_text(encoding="utf-8"))["stamp"] == stamp:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Of its own, because another build may be at the same script.
    working = Path(tempfile.mkdtemp(prefix=f".{script.stem}.", dir=folder.parent))
    begin = time.monotonic()
    run = subprocess.run(
        [sys.executable, str(script)],
        cwd=working,
        env={
            "JAX_COMPILATION_CACHE_DIR": str(_KEPT / "programs"),
            "JAX_PLATFORMS": "cpu",
            **os.environ,
            "MPLBACKEND": "Agg",
        },
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if run.returncode:
        raise PluginError(f"{script} failed:\n{run.stdout}{run.stderr}")
    if not list(working.glob("*.png")):
        raise PluginError(f"{script} wrote no picture; write one as .png into the present folder.")
    seconds = round(time.monotonic() - begin)
    facts = {"stamp": stamp, "printed": run.stdout, "seconds": seconds}
    (working / "output.json").write_text(json.dumps(facts), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        working.rename(folder)
    except OSError:  # the other build was faster with the same pictures
        shutil.rmtree(working)
    return folder


def _stamp(script: Path) -> str:
    """What decides what a script makes."""
    found = hashlib.sha256(script.read_bytes())
    for source in sorted((ROOT / "src" / "hfluxno").rglob("*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()


def _page(title: str, text: str, script: Path, folder: Path, pictures: list[Path]) -> str:
    facts = json.loads((folder / "output.json").read_text(encoding="utf-8"))
    shown = "\n\n".join(f"![{title}: {picture.stem}]({picture.name})" for picture in pictures)
    place = script.relative_to(ROOT).as_posix()
    parts = [f"# {title}", text, shown]
    parts += ["It prints", f"```text\n{facts['printed'].rstrip()}\n```"] if facts["printed"] else []
    parts += [
        f"`python {place}`, {facts['seconds']} s when this page was made:",
        f"```python\n{script.read_text(encoding='utf-8').rstrip()}\n```",
    ]
    return "\n\n".join(parts) + "\n"
