"""The folder `OUTPUT.partial` beside an output, in which it is made until it is complete.

A note in the folder says what determines its contents, so only a run that would make the same
resumes it, and neither an interruption nor a full disk loses what is finished.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hfluxno.data.claim import claim, release
from hfluxno.data.replacing import remove
from hfluxno.plural import plural

_NOTE, _BEGUN, _OLD = "note.json", ".note.json", "replaced"


@dataclasses.dataclass(frozen=True)
class Partial:
    """An unfinished `output`; it can be sent to other processes."""

    output: Path

    @property
    def folder(self) -> Path:
        return self.output.with_name(self.output.name + ".partial")

    @property
    def kept(self) -> str:
        """What happens to finished parts if the run is interrupted, for a sentence."""
        return f"{self.folder} keeps them, and the same command resumes from there"

    @property
    def note(self) -> dict | None:
        """What determines the contents of the folder; `None` if no run has begun there."""
        try:
            return json.loads((self.folder / _NOTE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def start(
        self,
        note: Mapping[str, object],
        begin: Callable[[], None] = lambda: None,
        another: str | None = None,
    ) -> None:
        """Resumes the run of this note, or creates the folder and has `begin` fill it.

        A run of another note is given up, unless `another` says why not and what to do.

        Raises `OSError` in that case, if another process is making the same output, something else
        has the name of the folder, or it cannot be created.
        """
        claim(self.folder)
        found = self.note
        if found == note:
            return
        if found is not None and another is not None:
            raise FileExistsError(f"{self.folder} holds an interrupted run with {another}.")
        begun = self.folder / _BEGUN
        if found is None and not begun.exists():
            with contextlib.suppress(OSError):
                self.folder.rmdir()  # empty: a run ended before it began
            if self.folder.exists():
                raise FileExistsError(
                    f"{self.folder} is in the way of the parts of {self.output}; rename or delete "
                    "it."
                )
        remove(self.folder)
        try:
            self.folder.mkdir()
        except OSError as error:
            raise OSError(
                f"{self.output} cannot be written: {error.strerror} ({self.folder})."
            ) from error
        claim(self.folder)
        begun.write_text(json.dumps(note) + "\n", encoding="utf-8")
        begin()
        # Once the note has its name, there is something to resume.
        os.replace(begun, self.folder / _NOTE)

    @contextlib.contextmanager
    def making(self, done: Callable[[], int], total: int, what: str) -> Iterator[None]:
        """A block in which the parts are made. Raises `ValueError` or `OSError` raised in it; if
        any part is `done`, the folder is kept, and the message says how many of the `total` are.
        """
        try:
            yield
        except (ValueError, OSError) as error:
            if not done():
                remove(self.folder)
                release(self.folder)
                raise
            said = f"Done: {done():,} of {plural(total, what)}; {self.kept}."
            raise type(error)(f"{str(error).rstrip('.')}. {said}") from error

    def finish(self, complete: Path | None = None) -> None:
        """Removes the folder; what is `complete` in it becomes the output."""
        if complete is not None and complete.exists():  # else a run ended just before its end
            if self.output.is_dir():  # a folder cannot be renamed over another
                os.replace(self.output, self.folder / _OLD)
            os.replace(complete, self.output)
        remove(self.folder)
        release(self.folder)
