"""Tables with text where numbers are expected: the sentences name the place and the mend."""

import numpy as np
import pytest

from hfluxno.data.readers import read
from tests.data.test_readers import CELLS, FRAMES


def table(path, entry, separator=",", head="time,x,u", time="{i}", x="{j}"):
    """A line for each time i and place j, below a header and what belongs under it."""
    rows = [
        separator.join((time.format(i=i), x.format(j=j), entry(i, j)))
        for i in range(FRAMES)
        for j in range(CELLS)
    ]
    path.write_text("\n".join([head.replace(",", separator), *rows]))
    return path


def fluid(i, j):
    return f"{1.0 + 0.1 * i + 0.01 * j:.2f}"


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        (
            {"entry": fluid, "head": "time,x,u\ns,m,[veh/km]"},
            r"row below the header .* header: time \[s\], x \[m\], u \[veh/km\]\.$",
        ),
        (
            {"entry": fluid, "head": ",x,u\nt(s),places (m),高さ(cm)"},
            r"row below the header .* header: t \[s\], x \[m\], u \[cm\]\.$",
        ),
        (
            {"entry": fluid, "head": "time,x,u\ntime,x,u"},
            "no numbers but units or names; delete it.$",
        ),
        (
            {"entry": fluid, "x": "D{j}"},
            "names in the column x, .* first is 'D0'. Write the position of each sensor",
        ),
        (
            {"entry": fluid, "x": "{j}.25 m"},
            r"has '0.25 m' in the column x; write the number alone, .* header, as x \[m\].$",
        ),
        (
            {"entry": fluid, "x": "D{j}", "head": "time,sensor,u"},
            "If the entries of sensor, such as 'D0', are .* add a column x with their positions.$",
        ),
        (
            {"entry": fluid, "head": "time,depth_m,u"},
            "Several lines have the same time, .* name the column of places with --x NAME.$",
        ),
        (
            {"entry": lambda i, j: f'"{1234.5 + i + j:,}"'},
            "has '1,234.5' in the column u, row 1 below the header, .* write 1234.5, and others",
        ),
        (
            {"entry": lambda i, j: f"1.23{j % 10},{i}", "separator": ";"},
            "has '1.230,0' in the column u, row 1 .* write 1230.0, and others",
        ),
        (
            {"entry": fluid, "time": "12'00{i}"},
            'has "12\'000" in the column time, row 1 .* write 12000, and others',
        ),
        (
            {"entry": fluid, "time": "-inf"},
            "has -inf in the column time, row 1 below the header, where a finite number is needed",
        ),
        (
            {"entry": lambda i, j: f"{fluid(i, j)},{'inf' if i == 1 else j}", "head": "time,n,u,x"},
            f"has inf in the column x, row {CELLS + 1} below the header, .* or remove the line.$",
        ),
        # Read as numbers, these would fall from 999 to 1.
        (
            {"entry": lambda i, j: f"{997 + i + j:,}".replace(",", "."), "separator": ";"},
            "has '1.000' in the column u, row 4 below the header, .* write 1000, and others",
        ),
        (
            {"entry": lambda i, j: f"1.37{j % 10}", "separator": ";", "x": "{j},25"},
            "has 1.370 in the column u, row 1 below the header, and numbers with ',' for decimals "
            "in the column x: are these thousands or decimals. Write 1370 or 1,370, and others",
        ),
        (
            {"entry": lambda i, j: f"1,37{j % 10}", "separator": "\t", "x": "{j}.25"},
            "has 1,370 in the column u, row 1 below .* numbers with '.' .* Write 1370 or 1.370,",
        ),
    ],
)
def test_the_fault_and_its_mend_are_named(tmp_path, how, sentence):
    with pytest.raises(ValueError, match=sentence):
        read(table(tmp_path / "a.csv", **how))


def frames(path, places, beside="time", before="{i}"):
    """A line for each time i, headed by names of `places`, with what stands `before` its values."""
    rows = [
        ",".join((before.format(i=i), *(fluid(i, j) for j in range(CELLS)))) for i in range(FRAMES)
    ]
    path.write_text("\n".join([f"{beside},{','.join(places)}", *rows]))
    return path


def test_frames_of_named_sensors_need_their_places(tmp_path):
    path = frames(tmp_path / "a.csv", [f"D{j}" for j in range(CELLS)])
    with pytest.raises(ValueError, match=r"If D0, D1, … are sensors .* by their positions, as num"):
        read(path)
    depths = [f"T{5 * j}cm" for j in range(CELLS)]
    path = frames(path, depths, "station,time_cst", "Fargo,{i}")
    with pytest.raises(ValueError, match=r"If T0cm, T5cm, … are .* the column of time with --time"):
        read(path)
    path = frames(path, "abcdefghi")
    with pytest.raises(ValueError, match=r"No two lines have the same time, .* head each column"):
        read(path)


def test_columns_beside_those_of_places_are_left_out(tmp_path):
    places = list(map(str, range(CELLS)))
    plain = read(frames(tmp_path / "a.csv", places))
    path = frames(tmp_path / "b.csv", places, "station,time,T", "Fargo,{i},20.5")
    source = read(path)
    np.testing.assert_array_equal(source.values, plain.values)
    assert source.notes == (
        "Left out, since they are not headed by places: station, T.", *plain.notes
    )  # fmt: skip
    path = frames(path, places, "station,clock", "Fargo,{i}")
    with pytest.raises(ValueError, match=r"which of the others has .*: station, clock; choose it"):
        read(path)
    np.testing.assert_array_equal(read(path, time="clock").values, plain.values)
    path = frames(path, places, "station,time", "Fargo,0")
    with pytest.raises(ValueError, match=r"several lines have the time 0; .* differ in station,"):
        read(path)


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda x: f'"{x:,}"', "thousands separated in its header, such as 1,000; write 1000, and"),
        (lambda x: f"{x:,}".replace(",", "."), "thousands separated .*, such as 1.000; write 1000"),
        (lambda x: f"{x:,}".replace(",", "'"), "thousands separated .* as 1'000; write 1000, and"),
        (lambda x: f'"{x / 1e3:.3f}"'.replace(".", ","), "decimal commas .* 0,250; write 0.250"),
        (lambda x: f"{x / 1e3:g} km", "places with units in its header, .* 0.25 km; write 0.25,"),
        (lambda x: f"{x}" if x < 2000 else f"{x}m", "with units .*, such as 2000m; write 2000,"),
    ],
)
def test_places_in_the_header_are_not_left_out_silently(tmp_path, write, sentence):
    """Nor read as others: 1.000 after 750 is no place at 1."""
    path = frames(tmp_path / "a.csv", [write(250 * (j + 1)) for j in range(CELLS)])
    with pytest.raises(ValueError, match=sentence):
        read(path)


def test_decimals_in_the_header_stay_places(tmp_path):
    for places in (["0.5", "0.875", "1", "1.25", "1.5"], ["1.1", "1.2", "1.3"], ["3", "2.500"]):
        every = [*places, *(str(10 + j) for j in range(CELLS - len(places)))]
        every = every[::-1] if places[0] == "3" else every
        source = read(frames(tmp_path / "a.csv", every))
        assert source.values.shape[-1] >= CELLS
    beside = read(frames(tmp_path / "b.csv", map(str, range(CELLS)), "time,85th", "{i},3"))
    assert "Left out, since they are not headed by places: 85th." in beside.notes


@pytest.mark.parametrize("entry", ["", "NA"])
def test_a_column_without_entries_is_no_variable(tmp_path, entry):
    lines = lambda i, j: f"{fluid(i, j)},{entry}"  # noqa: E731
    path = table(tmp_path / "a.csv", lines, head="time,x,density,speed")
    source = read(path)
    assert source.fields == ("density",)
    assert source.notes[0] == "Left out, since they have no entries: speed."
    for asked in ({"variable": "speed"}, {"variable": "density", "flow": "speed"}):
        with pytest.raises(ValueError, match=r"All values of speed in .* are missing"):
            read(path, **asked)


@pytest.mark.parametrize("times", ["7/{}/2009", "2009-07-{:02d} 12:00:00"])
def test_a_table_headed_by_dates_has_its_lines_and_columns_exchanged(tmp_path, times):
    path = frames(tmp_path / "a.csv", [times.format(j + 1) for j in range(CELLS)], "number")
    with pytest.raises(ValueError, match=r"are headed by dates, such as .* exchange lines and col"):
        read(path)


def test_a_table_headed_by_times_beside_depths_is_refused(tmp_path):
    path = frames(tmp_path / "a.csv", list(map(str, range(CELLS))), "depth_m")
    with pytest.raises(ValueError, match="seems to hold a place, by its column depth_m"):
        read(path)


@pytest.mark.parametrize("beyond", [CELLS + 0.5, 60.0])
def test_a_number_far_beyond_the_places_of_a_header_is_none(tmp_path, beyond):
    """A column without entries: a dead sensor where the next one would be, and another number."""
    rows = [",".join([str(i), *(fluid(i, j) for j in range(CELLS)), ""]) for i in range(FRAMES)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time," + ",".join([*map(str, range(CELLS)), str(beyond)]), *rows]))
    source = read(path)
    noted = any("whose time or place is not measured in any line" in each for each in source.hints)
    assert noted == (beyond == 60.0) == (len(source.x) == CELLS)


def test_three_decimals_are_decimals(tmp_path):
    """Whole numbers beside them are no reason for thousands if both are of one size."""
    source = read(table(tmp_path / "a.csv", lambda i, j: ("100", "100.125")[(i + j) % 2]))
    assert source.values.min() == 100.0 and source.values.max() == 100.125


def test_decimals_that_are_no_thousands_may_have_either_mark(tmp_path):
    """Dates have full stops, too, and of a number below one the mark is that of decimals."""
    dated = table(tmp_path / "a.csv", lambda i, j: f"1,37{j % 10}", ";", time="1{i}.10.2024")
    assert read(dated).values.max() == 1.378
    mixed = table(tmp_path / "b.csv", lambda i, j: f"0.37{j % 10}", ";", x="{j},25")
    assert read(mixed).values.max() == 0.378


def test_a_stray_line_makes_no_finer_grid_and_no_frame(tmp_path):
    path = table(tmp_path / "data.csv", lambda i, j: "" if j == 3 else fluid(i, j))
    whole = read(path)
    assert not whole.notes and len(whole.x) == CELLS  # a dead sensor stays
    path.write_text(f"{path.read_text()}\n{FRAMES},2.5,\n")
    source = read(path)
    np.testing.assert_array_equal(source.values, whole.values)
    np.testing.assert_array_equal(source.x, whole.x)
    (note,) = source.hints
    assert note == (
        "1 line without a value left out, whose time or place is not measured in any line; the "
        f"first is time {FRAMES}, x 2.5."
    )


@pytest.mark.parametrize(
    ("head", "named", "mend"),
    [
        (
            "time,x,lane,u",
            "lane",
            "Make one line of the lanes at each time and place: with the sum",
        ),
        ("time,x,Lane no,u", "Lane no", "weighted by the flows; or keep the lines of a single one"),
        ("time,x,y,u", "y", "as places on a plane, which are not read from tables: store them as"),
        ("time,x,probe,u", "probe", "Keep the lines with one of its 3 entries, or make one line"),
    ],
)
def test_a_column_that_tells_lines_of_a_time_and_place_apart_is_named(tmp_path, head, named, mend):
    lines = [
        f"{i},{j},{k},{fluid(i, j + k)}" for i in range(8) for j in range(9) for k in (1, 2, 3)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join([head, *lines]))
    with pytest.raises(
        ValueError, match=f"two lines for time 0, x 0; the column {named} tells"
    ) as e:
        read(path, "u")
    assert mend in str(e.value)
    # What differs only at some of them tells nothing.
    path.write_text("\n".join([head, *lines, "0,0,3,7.5"]))
    with pytest.raises(ValueError, match="keep one of them, or average them first"):
        read(path, "u")


def test_places_on_a_plane_are_not_taken_for_those_on_a_line(tmp_path):
    """Sensors all over a plane, of which no two have the same x."""
    places = np.random.default_rng(0).random((9, 2))
    lines = [f"{i},{a},{b},{fluid(i, j)}" for i in range(8) for j, (a, b) in enumerate(places)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["time,x,y,u", *lines]))
    with pytest.raises(
        ValueError, match=r"places on a plane, in the columns x and y, which .* --x x"
    ):
        read(path, "u")
    assert read(path, "u", x="x").values.shape[-1] >= 9
    # Both sides of a road are no plane, and what changes at a place is a field.
    for y in (lambda i, j: 2.0 * (j % 2), lambda i, j: 10.0 * i + j):
        lines = [f"{i},{j},{y(i, j)},{fluid(i, j)}" for i in range(8) for j in range(9)]
        path.write_text("\n".join(["time,x,y,u", *lines]))
        assert read(path, "u").values.shape[-1] == 9


@pytest.mark.parametrize(("jump", "way"), [(-60, "back"), (60, "forward"), (7, ""), (-7, "")])
@pytest.mark.parametrize("wide", [False, True])
def test_a_change_of_the_clocks_is_noticed(tmp_path, jump, way, wide):
    """Every two minutes; half of the lines are an hour, or seven minutes, early or late."""
    minutes = 2 * np.arange(40) + jump * (np.arange(40) >= 20)
    times = [str(np.datetime64("2024-10-27T02:20") + np.timedelta64(int(m), "m")) for m in minutes]
    if len(set(times)) < 40:
        times = [each + (":30" if i < 20 else ":00") for i, each in enumerate(times)]
    path = tmp_path / "a.csv"
    lines = [f"{t},{j},{fluid(i, j)}" for i, t in enumerate(times) for j in range(9)]
    if wide:
        lines = [",".join([t, *(fluid(i, j) for j in range(9))]) for i, t in enumerate(times)]
    head = "time," + ",".join(map(str, range(9))) if wide else "time,x,u"
    path.write_text("\n".join([head, *lines]))
    said = [note for note in read(path).hints if "clock of" in note]
    assert len(said) == bool(way)
    assert all(f"seems to have been set {way} by an hour: write" in note for note in said)
    # With their zone the same times are what they say.
    path.write_text("\n".join([head, *(line.replace(",", "Z,", 1) for line in lines)]))
    assert not any("clock of" in note for note in read(path).hints)


def test_the_hours_in_a_column_beside_their_date_are_part_of_the_time(tmp_path):
    lines = [f"2024-05-02,{i},{j},{fluid(i, j)}" for i in range(8) for j in range(9)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["date,hour,x,u", *lines]))
    with pytest.raises(ValueError, match=r"hour may tell them .* the whole time in one column, as"):
        read(path)


def test_commas_that_may_be_of_thousands_are_noted(tmp_path):
    def read_as(entry):
        return read(table(tmp_path / "a.tsv", entry, "\t"))

    source = read_as(lambda i, j: f"{1200 + 7 * i + 3 * j:,}")
    assert source.values[0, 0, 0] == 1.2
    assert "as in 1,200, and was read as that of a decimal; if it" in source.hints[0]
    assert read_as(lambda i, j: f"1,{200 + 7 * i + 3 * j}{j % 2 or ''}").hints == ()
    assert read_as(lambda i, j: f"1.{200 + 7 * i + 3 * j}").hints == ()


def test_points_that_may_be_of_thousands_are_noted_between_semicolons(tmp_path):
    def read_as(entry, separator=";"):
        return read(table(tmp_path / "a.csv", entry, separator))

    source = read_as(lambda i, j: f"{1200 + 7 * i + 3 * j:,}".replace(",", "."))
    assert source.values[0, 0, 0] == 1.2
    assert "in the column u stands before three digits, as in 1.200, and" in source.hints[0]
    assert source.hints[0].endswith("if it separates thousands, write 1200.")
    assert read_as(lambda i, j: f"0.{200 + 7 * i + 3 * j}").hints == ()
    assert read_as(lambda i, j: f"1.{200 + 7 * i + 3 * j}{j % 2 or ''}").hints == ()
    assert read_as(lambda i, j: f"1.{200 + 7 * i + 3 * j}", ",").hints == ()


def test_words_in_a_column_that_was_not_asked_for_are_its_own_affair(tmp_path):
    """A mark of quality beside the measurements, of which most are numbers."""
    path = table(
        tmp_path / "a.csv",
        lambda i, j: f"{fluid(i, j)},{'bad' if i + j == 3 else 1}",
        head="time,x,u,quality",
    )
    assert read(path, "u").fields == ("u",)
    for asked in (None, "u,quality"):
        with pytest.raises(ValueError, match="has 'bad' in the column quality, row"):
            read(path, asked)


def test_a_word_far_down_a_long_table_is_one_sentence(tmp_path):
    """Warnings are errors here, and pandas warns of a column of which it reads parts as text."""
    path = tmp_path / "a.csv"
    rows = [f"{i},{j},{1.0 + 0.1 * j}" for i in range(60_000) for j in range(10)]
    rows[-1] = "59999,9,fault"
    path.write_text("\n".join(["time,x,u", *rows]))
    with pytest.raises(ValueError, match="has 'fault' in the column u, row 600000 below"):
        read(path)
