"""Tables as programs write them: encodings, separators, comments, headers."""

import io
import os
import zipfile

import numpy as np
import pandas as pd
import pytest

from hfluxno.data.readers import read
from tests.data.test_axes_and_tables import columns, table
from tests.data.test_readers import CELLS, FRAMES, wave

NAMES = ("time", "x", "u")
UNITS = ("time [s]", "x (km)", "Höhe [m³]")


def lines(separator=",", head=NAMES, decimal=".", extra=""):
    rows = zip(*columns().values(), strict=True)
    written = [separator.join(map(repr, map(float, row))).replace(".", decimal) for row in rows]
    return ([separator.join(head)] if head else []) + [row + extra for row in written]


def wide(separator=",", clock="time", decimal="."):
    heads = [clock, *(str(2.0 * i).replace(".", decimal) for i in range(CELLS))]
    rows = [
        separator.join(map(repr, [0.5 * i, *map(float, frame)])).replace(".", decimal)
        for i, frame in enumerate(wave())
    ]
    return [separator.join(heads), *rows]


FORMS = {
    "UTF-16": (lines(), "utf-16"),
    "UTF-16, big end first": (["\ufeff" + lines()[0], *lines()[1:]], "utf-16-be"),
    "UTF-16 without a mark": (lines("\t", decimal=","), "utf-16-le"),
    "Windows-1252": (lines(head=UNITS), "cp1252"),
    "Windows-1252 in the last line": ([*lines(), "# Straße"], "cp1252"),
    "a mark above a comment": (["# of a flume", *lines()], "utf-8-sig"),
    "as Excel writes it": (["sep=;", *lines(";", decimal=",")], "utf-8-sig"),
    "blanks": (lines("   "), "utf-8"),
    "blanks and units": (lines("   ", UNITS), "utf-8"),
    "one blank and units": (lines(" ", ("time [s]", "x (km)", "Höhe [m³]")), "utf-8"),
    "blanks below a comment": (["# time x u", *lines(" ", head=())], "utf-8"),
    "tabs": (lines("\t"), "utf-8"),
    "blanks beside commas": (lines(", "), "utf-8"),
    "comments within": ([*lines()[:9], '# restarted, 5" higher', *lines()[9:], "# end"], "utf-8"),
    "comments in quotes": ([lines()[0] + ",n", *lines(extra=',"a\n# b"', head=())], "utf-8"),
    "a break of line in the header": (
        ['"time\r\n[s]",x (km),"Höhe', '[m³]"', *lines(head=())],
        "utf-8",
    ),
    "a long text": (
        [f"{line},{'n' * (200_000 if i == 9 else 1)}" for i, line in enumerate(lines())],
        "utf-8",
    ),
    "empty lines": (["", *lines(), *[""] * 3000, *[",,"] * 3000], "utf-8"),
    "a trailing separator": ([lines()[0], *lines(head=(), extra=",")], "utf-8"),
    "one in the header too": (lines(head=(*NAMES, "")), "utf-8"),
    "a counter of lines": (
        [f"{i - 1 if i else ''},{line}" for i, line in enumerate(lines())],
        "utf-8",
    ),
    "quotes": ([",".join(f'"{c}"' for c in line.split(",")) for line in lines()], "utf-8"),
    "a frame in a line": (wide(), "utf-8"),
    "and decimal commas in the header": (wide(";", decimal=","), "utf-8"),
    "and another name of time": (wide(clock="Zeit"), "utf-8"),
    "and none": (wide(clock=""), "utf-8"),
    "and lines that are counted": (
        [f"{i - 1 if i else ''},{line}" for i, line in enumerate(wide())],
        "utf-8",
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_forms_of_a_table(tmp_path, form, end):
    written, encoding = FORMS[form]
    path = tmp_path / "a.csv"
    path.write_bytes((end.join(written) + end).encode(encoding))
    source = read(path)
    np.testing.assert_array_equal(source.values[:, 0], wave())
    np.testing.assert_array_equal(source.times, 0.5 * np.arange(FRAMES))
    np.testing.assert_array_equal(source.x, 2.0 * np.arange(CELLS))
    if "Höhe" in written[0]:
        assert source.fields == ("Höhe",)
        assert source.units == {"time": "s", "x": "km", "Höhe": "m³"}


@pytest.mark.parametrize("suffix", [".txt", ".dat", ".tsv", ".CSV"])
def test_tables_have_several_suffixes(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_text("\n".join(lines(" ")))
    np.testing.assert_array_equal(read(path).values[:, 0], wave())


def text(*written):
    return ("\n".join(written) + "\n").encode()


def workbook(name):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, "<Types/>")
    return held.getvalue()


FAULTS = {
    "no header": (text(*lines(head=())), "begins with numbers instead of the names of its"),
    "no header, and gaps": (
        b"\xef\xbb\xbf" + text(*["0,0.22,,21.59,0.22,NaN,21.59,"] * 9),
        "begins with numbers instead of the names of its",
    ),
    "no header, and texts beside dates": (
        text(*[f"2024-01-01 10:{i},1.5,N,2.5,S" for i in range(10, 20)]),
        "begins with numbers instead of the names of its",
    ),
    "no header, and the same texts": (
        text(*[f"{i},0.5,N,{i * i},road" for i in range(10, 20)]),
        "begins with numbers instead of the names of its",
    ),
    "no header, and dates": (
        text(*[f"2024-01-01 10:{i},1.5,2.5,3.5,4.5" for i in range(10, 20)]),
        "begins with numbers instead of the names of its",
    ),
    "a title": (text("My road", *lines()), "names a single column, 'My road'; begin lines above"),
    "a longer title": (
        text("Detector export 2024", "Station: A9", *lines()),
        "'Detector export 2024', seems to be a title, and 'time,x,u' the header; remove the lines",
    ),
    "a title of three words": (
        text("My, road, 2024", *lines()),
        "The first line of .*, with 'My', seems to be a title, and time, x, u the header; remove",
    ),
    "mostly text": (
        text(lines()[0], "0,0,1.5", *[f"{i},0,off" for i in range(1, 5)]),
        "it has u, which has 'off' in row 2 below the header. Write numbers as",
    ),
    "an open quotation mark": (
        text(*lines()[:4], '1,2,"3', *lines()[5:]),
        "has a quotation mark in row 4 below the header that no other closes",
    ),
    "two names": (text(*lines(head=("time", "x", "u", "u"), extra=",1")), "has two columns u; g"),
    "longer lines": (
        text(lines()[0], *lines(head=(), extra=",5")),
        "header of .* has 3 names, row 1 below it 4; name every column",
    ),
    "decimal commas between commas": (
        text("time,x,u", "0,0,0,5,1,25", "0,0,1,5,1,35"),
        "3 names, row 1 below it 6; .* if commas are decimal too, separate entries by semicolons",
    ),
    "one longer line": (text(*lines()[:4], "1,2,3,4,5"), "3 names, row 4 below it 5; name"),
    "a shorter line": (
        text(*lines()[:4], "1,2", *lines()[5:]),
        "has 3 names, row 4 below it 2; keep the commas around an entry that was not measured",
    ),
    "a shorter line below a text of two": (
        text(lines()[0], '1,2,"a', 'b"', "1,2", *lines()[1:]),
        "has 3 names, row 2 below it 2; keep the commas",
    ),
    "a gap between blanks": (
        text(*lines("   ")[:4], "1.0         2.0", *lines("   ")[5:]),
        "has 3 names, row 4 below it 2; write NaN where nothing was measured, as blanks do not",
    ),
    "nothing": (b"", "is empty; write it again"),
    "comments alone": (text("# a", "#"), "has no lines; give"),
    "no text": (bytes(range(256)), "bytes that are not text"),
    "no known encoding": (b"time,x,u\n1,2,\x81\xff\n", "not text in UTF-8, UTF-16 or Windows-1252"),
    "a workbook": (workbook("[Content_Types].xml"), "is an Excel workbook; save its sheet as CSV"),
    "an odd workbook": (workbook("xl/workbook.xml"), "is an Excel workbook; save its sheet as CSV"),
    "an old workbook": (b"\xd0\xcf\x11\xe0" + bytes(99), "is an Excel workbook; save its sheet"),
    "an open document": (workbook("mimetype"), "is an OpenDocument file; save its sheet as CSV"),
    "an archive": (workbook("a.csv"), r"is compressed; unpack it first \(ZIP\)"),
    "compressed": (b"\x1f\x8b" + bytes(99), "is compressed; unpack it first"),
    "MATLAB": (b"MATLAB 5.0 MAT-file", "is a MATLAB file; write the data with writetable"),
    "an array": (b"\x93NUMPY\x01\x00", r"is a single array; .* numpy.savez\("),
    "percent": (
        text(lines()[0], *lines(head=(), extra="%")),
        r"it has u, which has '.*%' in row 1 below the header\. Write numbers as",
    ),
    "a line of units": (text(lines()[0], "s,m,1", *lines(head=())), "units in the header, as time"),
    "sensors by name": (text("time,S1,S2", "0,1,2", "1,2,3"), "or head each column by its place"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_table_is_said(tmp_path, fault):
    content, message = FAULTS[fault]
    path = tmp_path / ("a.xlsx" if "workbook" in fault else "a.csv")
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read(path)


def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"is neither a file nor a folder, .* store it in a file"):
        read(tmp_path / "a.csv")


def test_a_column_that_counts_lines_can_be_asked_for(tmp_path):
    path = table(tmp_path / "a.csv", {"": np.arange(FRAMES * CELLS)} | columns())
    np.testing.assert_array_equal(read(path).values[:, 0], wave())
    assert read(path, "column 1").values[0, 0, 1] == 1.0


def test_a_column_that_counts_lines_may_be_shuffled_with_them(tmp_path):
    frame = pd.DataFrame(columns()).sample(frac=1.0, random_state=0)
    frame.to_csv(tmp_path / "a.csv")
    np.testing.assert_array_equal(read(tmp_path / "a.csv").values[:, 0], wave())


def test_a_table_with_a_line_for_each_place_is_refused(tmp_path):
    """Its times would be taken for places, and its places for times."""
    for clock in ("x", "position [km]", "cell", "Ort"):
        path = tmp_path / "a.csv"
        path.write_text("\n".join(wide(clock=clock)))
        with pytest.raises(ValueError, match="exchange lines and columns, so that a line holds"):
            read(path)


def test_a_table_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    whole = "\n".join(lines())
    path.write_text(whole)  # no end of line after the last one
    assert read(path).values.shape[0] == FRAMES
    path.write_text(whole[: whole.rindex(",")])
    with pytest.raises(ValueError, match="ends within a line, which has 2 of 3 columns"):
        read(path)
