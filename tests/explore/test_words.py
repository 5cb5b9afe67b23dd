"""The texts of the page."""

import pytest

from hfluxno.explore import words
from hfluxno.explore.controls import Controls
from hfluxno.explore.explorer import Explorer
from hfluxno.explore.problem import FileChoice


# Panel 1.6 knows no other name.
@pytest.mark.filterwarnings("ignore:.*deprecated:PendingDeprecationWarning")
def test_controls_have_the_names_that_sentences_are_given():
    controls = Controls(lambda: None, FileChoice("a.nc"))
    named = {getattr(each, "name", "") for each in vars(controls).values()}
    assert set(words.CONTROLS.values()) < named


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("choose one with --variable NAME.", "choose one with the field Variable."),
        ("with --variable NAME,NAME.", "with the field Variable = NAME,NAME."),
        ("leave it out (--variable=rho,E)", "leave it out (the field Variable = rho,E)"),
        ("(--gamma 1.4), and", "(the field Gamma = 1.4), and"),
        ("--gamma is the ratio", "The field Gamma is the ratio"),
        ("say so with --walls nan, else", "say so with the field Walls = nan, else"),
        ("no wall; leave out --walls.", "no wall; leave empty the field Walls."),
        (
            "--cells N and --domain LOWER,UPPER choose otherwise.",
            "The field Cells and the field Domain choose otherwise.",
        ),
        ("choose --context 12 or less.", "choose the field Context frames = 12 or less."),
        ("or --boundary open to have", "or the field Ends of x = open to have"),
        ("Fill them first, or use the method fit.", "Fill them first, or see the row law."),
        ("from frame 8 on; say --boundary periodic if they are. (a)", "from frame 8 on. (a)"),
        ("no option: one-way -- and a - b", "no option: one-way -- and a - b"),
        (
            "choose --boundary given.",
            "choose --boundary given. (What begins with -- is an option of hfluxno forecast that "
            "the page lacks.)",
        ),
    ],
)
def test_sentences_name_the_controls_of_the_page(said, shown):
    assert words.for_page(said) == shown
    state = Explorer()
    state.fault = said
    assert words.status(state) == ("fault", shown)
    state.close()
