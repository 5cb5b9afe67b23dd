"""The sets of the paper, and the tables and figures in which they appear.

The sets `…-authors` follow the authors' configuration where it differs from the text of the paper;
published errors belong to these (`hfluxno.evaluation.paper.published`).
"""

import dataclasses

from hfluxno.data import Configuration

STEPS = 20
# The paper's context; a method may read more or fewer frames.
CONTEXT = 20


@dataclasses.dataclass(frozen=True)
class Problem:
    """One test set.

    - `name`: by which it is chosen.
    - `title`: what tables call it.
    - `law`, `initial`: as in `hfluxno.data.Configuration`.
    - `trained`: the set on whose training split the networks were trained.
    - `cells`, `thinning`: as in `Configuration`.
    - `differs`: how the set is known to differ from that of the published errors; empty if it does
      not.
    """

    name: str
    title: str
    law: str
    initial: str
    trained: str
    cells: int = 100
    thinning: int = 1
    differs: str = ""

    def configuration(self, laws: int, initials: int, seed: int) -> Configuration:
        """The test split: this many laws, each with this many initial conditions."""
        return Configuration(
            self.law,
            split="test",
            laws=laws,
            initials=initials,
            initial=self.initial,
            cells=self.cells,
            seed=seed,
            thinning=self.thinning,
        )


_ALL_FRAMES = "the authors' solver lands on ten times as many frames"
_ZERO_FRAME = "the published errors count a last frame of zeros that the authors' solver left"
PROBLEMS: dict[str, Problem] = {
    problem.name: problem
    for problem in (
        Problem("cubic", "cubic", "cubic", "grf", "cubic", differs=_ALL_FRAMES),
        Problem("cubic-authors", "cubic, authors' frames", "cubic", "grf", "cubic", thinning=10),
        Problem("cubic-200", "cubic, 200 cells", "cubic", "grf", "cubic", cells=200),
        Problem("shallow-water", "shallow water", "shallow-water", "grf", "shallow-water"),
        Problem(
            "shallow-water-authors",
            "shallow water, authors' set",
            "shallow-water-authors",
            "grf",
            "shallow-water-authors",
        ),
        Problem("burgers", "viscous Burgers", "burgers", "grf", "burgers", differs=_ZERO_FRAME),
        Problem("cubic-steps", "cubic, steps", "cubic", "steps", "cubic"),
        Problem("sine", "sine flux", "sine", "grf", "cubic"),
        Problem("sine-steps", "sine flux, steps", "sine", "steps", "cubic", differs=_ALL_FRAMES),
        Problem(
            "sine-steps-authors",
            "sine flux, steps, authors' frames",
            "sine",
            "steps",
            "cubic",
            thinning=10,
        ),
        Problem(
            "shallow-water-steps", "shallow water, steps", "shallow-water", "steps", "shallow-water"
        ),
        # The authors' test set has the β of the text, ten times that of their training.
        Problem(
            "shallow-water-authors-steps",
            "shallow water, steps, after the authors' set",
            "shallow-water",
            "steps",
            "shallow-water-authors",
        ),
        Problem(
            "burgers-steps",
            "viscous Burgers, steps",
            "burgers",
            "steps",
            "burgers",
            differs=_ZERO_FRAME,
        ),
    )
}

# The sets of each table and figure; Table 5 measures cost.
TABLES: dict[int, tuple[str, ...]] = {
    1: ("cubic", "cubic-authors", "shallow-water", "shallow-water-authors", "burgers"),
    2: (
        "cubic-steps",
        "sine",
        "sine-steps",
        "sine-steps-authors",
        "shallow-water-steps",
        "shallow-water-authors-steps",
        "burgers-steps",
    ),
    3: ("cubic",),
    4: ("cubic", "cubic-steps", "sine", "sine-steps"),
    5: (),
    6: ("cubic-200",),
}
FIGURES: dict[int, tuple[str, ...]] = {
    2: ("cubic", "shallow-water", "burgers"),
    3: ("cubic", "sine-steps"),
}


def sets_of(tables: tuple[int, ...], figures: tuple[int, ...]) -> tuple[str, ...]:
    """The sets that these tables and figures need, in the order of `PROBLEMS`. Raises `ValueError`
    if there is no such table or figure."""
    for word, asked, known in (("table", tables, TABLES), ("figure", figures, FIGURES)):
        for number in asked:
            if number not in known:
                raise ValueError(
                    f"Unknown {word} {number}; choose from {', '.join(map(str, known))}."
                )
    needed = {name for number in tables for name in TABLES[number]}
    needed |= {name for number in figures for name in FIGURES[number]}
    return tuple(name for name in PROBLEMS if name in needed)
