"""Records against numbers computed by hand, and the file that keeps them."""

import dataclasses
import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.data import Block
from hfluxno.evaluation.paper import costs, sample
from hfluxno.evaluation.paper.contenders import CONTENDERS, Contender, PreparedMethod, contenders
from hfluxno.evaluation.paper.measure import measured
from hfluxno.evaluation.paper.problems import PROBLEMS
from hfluxno.evaluation.paper.results import Results, read
from hfluxno.evaluation.paper.run import Sample, run
from hfluxno.methods import METHODS, NETWORKS
from hfluxno.models.baselines.icon.model import ICONConfig
from hfluxno.models.configuration import ModelConfig, Pairs
from hfluxno.models.forecaster import NetworkForecaster
from hfluxno.models.network import ContextNetwork, Operator
from hfluxno.persistence import Persistence
from tests.models import small
from tests.models.small import LINE, TRAINING

CELLS, FRAMES = 20, 101
LAWS, INITIALS = 3, 2
CONDITIONS = {"windows": 4, "files": {}}


def waves(configuration):
    """One block of steps that move by one cell a frame, each with its own height and place."""
    index = np.arange(configuration.trajectories)
    cell = (np.arange(configuration.cells) + 3 * index[:, None]) % configuration.cells
    first = 1.0 + (1.0 + index[:, None]) * (cell < 5)
    values = np.stack([np.roll(first, j, axis=-1) for j in range(configuration.frames)], axis=1)
    law = (index // configuration.initials).astype(np.int32)
    yield Block(
        start=0,
        law=law,
        initial=(index % configuration.initials).astype(np.int32),
        coefficients=np.repeat(law[:, None], len(configuration.parameters), 1).astype("f4"),
        values=values[:, :, None].astype("f4"),
        status=np.zeros(len(index), np.int8),
    )


@pytest.fixture(autouse=True)
def nothing_is_solved(monkeypatch):
    monkeypatch.setattr(sample, "blocks", waves)


def tiny(windows, laws=LAWS, initials=INITIALS):
    test = sample.generated(PROBLEMS["cubic"], windows, laws, initials, seed=0)
    return dataclasses.replace(
        test, configuration=dataclasses.replace(test.configuration, cells=CELLS)
    )


def moved(factor):
    """Knows how the waves go on, but is off by a factor."""

    def forecast(context, batch, steps):
        last = np.asarray(context.values)[:, -1]
        frames = np.stack([np.roll(last, j, axis=-1) for j in range(1, steps + 1)], axis=1)
        return factor * frames, np.zeros(len(last), bool)

    return forecast


def still(context, batch, steps):
    """Repeats the last frame, and says that it failed for the first law."""
    last = np.asarray(context.values)[:, -1:]
    return np.repeat(last, steps, axis=1), batch.coefficients[:, 0] == 0


def norm(values):
    return np.sqrt(np.sum(np.square(values, dtype=float)))


def test_a_forecast_that_is_off_by_a_factor_has_that_error_everywhere():
    told = []
    record = measured(PreparedMethod(moved(1.25), source="mine"), tiny(30), told.append)
    errors = record["errors"]
    keys = [f"{n}, {s}" for n in ("l2", "linf") for s in ("1 step", "20 steps")]
    assert set(errors) == {*keys, "drift", "variation", "spectrum", "shock"}
    for key in (*keys, "spectrum"):
        summary = errors[key]
        for name in ("mean", "median", "p95"):
            assert summary[name] == pytest.approx(0.25, rel=1e-6)
        assert (summary["count"], summary["failures"]) == (30, 0)
        assert summary["standard_error"] == pytest.approx(0.0, abs=1e-7)
    # A quarter of the mean more, of states that are positive.
    assert errors["drift"]["mean"] == pytest.approx(0.25, rel=1e-6)
    assert errors["variation"]["mean"] == pytest.approx(1.25, rel=1e-6)
    assert errors["shock"]["mean"] == 0.0
    for curve in (record["long"]["l2"], record["long"]["linf"]):
        assert [entry["count"] for entry in curve] == [LAWS] * 81
        np.testing.assert_allclose([entry["mean"] for entry in curve], 0.25, rtol=1e-6)
    np.testing.assert_allclose(record["long"]["times"], 0.005 * np.arange(20, 101))
    assert (record["windows"], record["laws"], record["context"]) == (30, LAWS, 20)
    assert (record["source"], record["network"]) == ("mine", None)
    assert sum(told) == 30 + LAWS
    assert record["windows_per_second"] == pytest.approx(30 / record["seconds"])


@pytest.mark.parametrize("batch", [7, 256])
@pytest.mark.parametrize("context", [5, 30])
def test_errors_are_those_of_every_window(monkeypatch, batch, context):
    monkeypatch.setattr(sample, "BATCH", batch)
    test = tiny(40)
    record = measured(PreparedMethod(still, context), test)
    values = next(waves(test.configuration)).values
    one, many, largest, laws = [], [], [], []
    for trajectory, place in test.chosen():
        first = max(place, context)
        last, truth = values[trajectory, first - 1], values[trajectory, first : first + 20]
        one.append(norm(last - truth[0]) / norm(truth[0]))
        many.append(norm(last - truth) / norm(truth))
        largest.append(np.max(np.abs(last - truth)) / np.max(truth))
        laws.append(trajectory // INITIALS)
    errors = record["errors"]
    assert errors["l2, 1 step"]["mean"] == pytest.approx(np.mean(one), rel=1e-6)
    assert errors["l2, 20 steps"]["mean"] == pytest.approx(np.mean(many), rel=1e-6)
    assert errors["linf, 20 steps"]["mean"] == pytest.approx(np.mean(largest), rel=1e-6)
    assert errors["l2, 20 steps"]["failures"] == laws.count(0) > 0
    # The uncertainty is that of three laws, not of 40 windows.
    sums = np.bincount(laws, np.asarray(many) - np.mean(many))
    expected = np.sqrt(3 / 2 * np.sum(sums**2)) / 40
    assert errors["l2, 20 steps"]["standard_error"] == pytest.approx(expected, rel=1e-5)
    # After 20 frames the wave is where it was.
    assert errors["shock"]["mean"] == 0.0
    long = [
        norm(values[t, max(context, 20) - 1] - values[t, -1]) / norm(values[t, -1])
        for t in range(0, LAWS * INITIALS, INITIALS)
    ]
    assert record["long"]["l2"][-1]["mean"] == pytest.approx(np.mean(long), rel=1e-6)
    assert record["long"]["l2"][0]["failures"] == 1
    assert len(record["long"]["times"]) == len(record["long"]["l2"]) == 101 - max(context, 20)


def test_drift_is_counted_from_the_last_frame_of_the_context(monkeypatch):
    def growing(configuration):
        (block,) = waves(configuration)
        size = 1.0 + 0.1 * np.arange(configuration.frames, dtype="f4")
        yield dataclasses.replace(block, values=size[:, None, None] * block.values)

    monkeypatch.setattr(sample, "blocks", growing)
    for context in (5, 30):
        assert measured(PreparedMethod(still, context), tiny(6))["errors"]["drift"]["mean"] == 0.0


def test_the_example_is_a_middling_trajectory_at_some_frames():
    record = measured(PreparedMethod(moved(1.25)), tiny(4))
    example = record["example"]
    assert example["frames"] == [0, 19, 39, 79]
    # Of the laws' first waves the second has the middle height.
    truth = next(waves(tiny(4).configuration)).values[INITIALS][[20, 39, 59, 99]]
    np.testing.assert_allclose(example["truth"], truth, atol=1e-5)
    np.testing.assert_allclose(example["forecast"], 1.25 * truth, atol=1e-5)


def test_a_frame_that_is_infinite_is_not_averaged_away():
    def broken(context, batch, steps):
        frames, failed = moved(1.0)(context, batch, steps)
        frames[batch.coefficients[:, 0] == 1, 3] = np.inf
        return frames, failed

    record = measured(PreparedMethod(broken), tiny(6))
    errors = record["errors"]
    for key in ("l2, 20 steps", "linf, 20 steps", "drift"):
        summary = errors[key]
        assert (summary["mean"], summary["standard_error"]) == (math.inf, math.inf)
        assert (summary["median"], summary["failures"]) == (pytest.approx(0.0, abs=1e-7), 2)
    assert errors["l2, 1 step"]["mean"] == 0.0 and errors["l2, 1 step"]["failures"] == 0
    means = [entry["mean"] for entry in record["long"]["l2"]]
    assert np.flatnonzero(np.isinf(means)).tolist() == [3]


def test_a_set_without_windows_is_said():
    with pytest.raises(
        ValueError, match="No window of cubic can be used: none was solved that has 102 frames"
    ):
        measured(PreparedMethod(moved(1.0), 82), tiny(6))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.json"


def record_of(source, fingerprint=0, **more):
    return {"source": source, "fingerprint": fingerprint} | more


def test_what_was_added_is_there_again(path):
    results = Results(path, CONDITIONS)
    assert results.keep("cubic", "fit", {("", 0)}) == set() and not path.exists()
    results.add("cubic", "fit", record_of("", error=math.inf, known=None, many=[1.5, math.inf]))
    results.add("cubic", "fit", record_of("b", training={"title": "τ ± ∞"}))
    results.costs["fit"] = 2.0
    results.save()
    again = Results(path, CONDITIONS)
    assert again.records == results.records and again.costs == results.costs
    assert again.records["cubic"]["fit"][0]["error"] == math.inf
    assert again.keep("cubic", "fit", {("", 0), ("b", 0), ("c", 0)}) == {("", 0), ("b", 0)}
    assert again.keep("sine", "fit", {("", 0)}) == set()
    # The file is JSON as others read it, without Infinity and NaN.
    json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert [file.name for file in path.parent.iterdir()] == ["results.json"]


def test_records_of_other_weights_are_forgotten(path):
    results = Results(path, CONDITIONS)
    for source, fingerprint in (("a", 1), ("b", 1), ("b", 2)):
        results.add("cubic", "dpot", record_of(source, fingerprint))
    # The same place with other numbers in it is another network.
    assert results.keep("cubic", "dpot", {("b", 2), ("c", 1)}) == {("b", 2)}
    assert results.records["cubic"]["dpot"] == [record_of("b", 2)]


def test_results_of_another_sample_are_not_mixed(path):
    Results(path, CONDITIONS | {"seed": 0}).add("cubic", "fit", record_of(""))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"another sample \(it differs in seed, windows\)"):
        Results(path, CONDITIONS | {"seed": 1, "windows": "all"})
    # A condition that another version did not know is a difference, too.
    with pytest.raises(ValueError, match=r"differs in seed\)"):
        Results(path, CONDITIONS)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is damaged: it is not JSON; remove it"),
        (b"\xff\xfe\x00", "is damaged: it is not JSON"),
        (b"[]", "does not contain results of the benchmark"),
        (b'{"format": "hfluxno"}', "does not contain results of the benchmark"),
        (
            b'{"format": "hfluxno-benchmark", "version": 0}',
            "has version 0 of the results, this hfluxno reads version 2; choose another output",
        ),
        (
            b'{"format": "hfluxno-benchmark", "version": 2, "conditions": {}, "records": []}',
            "is damaged: 'records' is missing",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_kept(path, content, message):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Results(path, CONDITIONS)
    assert path.read_bytes() == content


class Method:
    """A contender that counts its forecasts, and may have something happen at one."""

    def __init__(self, name, sources=("",), raises=None):
        self.name, self.raises, self.calls = name, raises, 0
        self.contender = Contender(
            name,
            name.title(),
            lambda problem: [PreparedMethod(self.forecast, source=s) for s in sources],
        )

    def forecast(self, context, batch, steps):
        self.calls += 1
        if self.raises is not None:
            raise self.raises
        return moved(1.1)(context, batch, steps)


def ran(path, *methods, sets=("cubic", "sine"), with_costs=False, windows=4):
    """Runs the benchmark on the file; returns its results and what was said."""
    results, said = Results(path, CONDITIONS), []
    started = []

    def tell(problem, method):
        started.append((problem, method))
        return lambda windows: None

    run(
        results,
        Sample(windows, laws=2),
        sets,
        {method.name: method.contender for method in methods},
        with_costs=with_costs,
        started=tell,
        report=said.append,
    )
    return results, said, started


def test_what_is_there_is_not_measured_again(path):
    first, second = Method("first"), Method("second", ("a", "b"))
    _, said, started = ran(path, first, second, sets=("cubic",))
    assert started == [("cubic", name) for name in ("first", "second", "second")]
    calls, before = (first.calls, second.calls), path.read_bytes()
    ran(path, first, second, sets=("cubic",))
    assert (first.calls, second.calls) == calls and path.read_bytes() == before
    # Another set, method or seed is.
    third = Method("second", ("a", "b", "c"))
    results, said, started = ran(path, first, third)
    assert started == [("cubic", "second"), ("sine", "first"), *[("sine", "second")] * 3]
    assert said == []
    sources = [record["source"] for record in results.records["cubic"]["second"]]
    assert sources == ["a", "b", "c"]


def test_an_interrupted_run_goes_on_where_it_was(path):
    first, second = Method("first"), Method("second", raises=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        ran(path, first, second)
    assert list(read(path)["records"]) == ["cubic"]
    assert list(read(path)["records"]["cubic"]) == ["first"]
    kept, calls = read(path)["records"]["cubic"]["first"], first.calls
    results, said, started = ran(path, first, Method("second"))
    assert started == [("cubic", "second"), ("sine", "first"), ("sine", "second")]
    assert first.calls == 2 * calls and said == []
    assert results.records["cubic"]["first"] == kept
    assert results.records.keys() == read(path)["records"].keys() == {"cubic", "sine"}


def test_a_method_that_cannot_forecast_a_set_is_left_out_of_it(path):
    broken, nothing, fine = (
        Method("broken", raises=ValueError("10 cells.")),
        Method("x", ()),
        Method("fine"),
    )
    results, said, _ = ran(path, broken, nothing, fine, sets=("sine",))
    assert list(results.records["sine"]) == ["fine"]
    assert said == ["Broken was left out of sine flux: 10 cells."]


def test_other_errors_are_not_hidden(path):
    with pytest.raises(ZeroDivisionError):
        ran(path, Method("broken", raises=ZeroDivisionError()))


def test_a_sample_is_described_and_checked(tmp_path):
    assert Sample(None, 2, 3, 4, {"sine": tmp_path}).conditions() == {
        "windows": "all",
        "laws": 2,
        "initials": 3,
        "seed": 4,
        "files": {"sine": str(tmp_path)},
    }
    for wrong, message in (
        ({"windows": 0}, "windows must be at least 1; got 0"),
        ({"laws": 0}, "laws must be at least 1"),
        ({"initials": -1}, "initials must be at least 1"),
        ({"files": {"cosine": tmp_path}}, "Unknown set 'cosine'; choose from cubic, "),
    ):
        with pytest.raises(ValueError, match=message):
            Sample(**wrong)


def test_a_new_method_is_one_line(monkeypatch):
    from hfluxno.evaluation.paper import contenders as module

    monkeypatch.setitem(METHODS, "still", lambda weights, refinement: Persistence())
    monkeypatch.setitem(NETWORKS, "net", "NET")
    found = {contender.name: contender for contender in module._contenders()}
    assert found.keys() - CONTENDERS.keys() == {"still", "net"} and found["net"].title == "NET"
    (ready,) = found["still"].prepare(PROBLEMS["cubic"])
    assert isinstance(ready.forecast.args[0], Persistence)


def test_methods_are_found_by_name_and_added(monkeypatch):
    from hfluxno.evaluation.paper import contenders as module

    monkeypatch.setattr(module, "any_weights", lambda source: network(LINE))
    assert list(contenders(())) == list(CONTENDERS)
    assert list(contenders(("fit", "persistence"))) == ["fit", "persistence"]
    found = contenders(("fit",), {"mine": ("folder",), "dpot": ("other",)})
    assert list(found) == ["fit", "mine", "dpot"]
    assert (found["mine"].title, found["dpot"].title) == ("mine", CONTENDERS["dpot"].title)
    assert list(contenders((), {"mine": ("folder",)})) == [*CONTENDERS, "mine"]
    with pytest.raises(ValueError, match="Unknown method 'mine'; choose from persistence, "):
        contenders(("mine",))
    monkeypatch.undo()
    with pytest.raises(ValueError, match="Unknown weights 'no-such'"):
        contenders((), {"mine": ("no-such",)})


def test_own_weights_are_tried_where_their_fields_fit(monkeypatch):
    from hfluxno.evaluation.paper import contenders as module

    line, pair = (dataclasses.replace(LINE, fields=fields) for fields in (("u",), ("h", "m")))
    known = {"one": network(line), "two": network(pair)}
    monkeypatch.setattr(module, "any_weights", known.__getitem__)
    prepare = contenders(("mine",), {"mine": ("one", "two")})["mine"].prepare
    assert [ready.source for ready in prepare(PROBLEMS["sine"])] == ["one"]
    assert [ready.source for ready in prepare(PROBLEMS["shallow-water"])] == ["two"]


class _Scaled(Operator):
    factor: jax.Array

    def __call__(self, u):
        return self.factor * u


class _Network(ContextNetwork):
    real: jax.Array
    complex: jax.Array

    def read(self, context):
        return _Scaled(jnp.sum(self.real) * jnp.abs(jnp.sum(self.complex)))


def network(config, preset="nothing"):
    described = dataclasses.replace(TRAINING, preset=preset)
    return NetworkForecaster(
        _Network(jnp.ones(5), jnp.ones((2, 3), jnp.complex64)), config, "net", described
    )


@dataclasses.dataclass(frozen=True)
class _Config(ModelConfig):
    def build(self, key):
        return _Network(jnp.ones(5), jnp.ones((2, 3), jnp.complex64))

    @property
    def summary(self):
        return "net"


def test_a_complex_parameter_counts_twice():
    ready = PreparedMethod(moved(1.0), 20, "net", network(_Config(cells=LINE.cells)))
    found = costs.cost(ready, tiny(4))
    assert found["parameters"] == 5 + 2 * 6
    assert found["megabytes"] == pytest.approx(17 * 4e-6)
    assert found["flops"] > LINE.cells[0]  # at least one multiplication of every cell
    assert found["training_milliseconds"] is None  # of a preset that is not known
    assert found["forecast_milliseconds"] > 0.0
    record = measured(ready, tiny(4))
    expected = {"parameters": 17, "preset": "nothing", "seed": 3, "steps": 10, "minutes": 2.0}
    assert {key: record["network"][key] for key in expected} == expected


@pytest.mark.validation
def test_a_method_that_is_shown_examples_is_measured_with_them():
    config = ICONConfig(
        cells=(CELLS,),
        spacing=(1 / CELLS,),
        examples=2,
        width=4,
        layers=1,
        heads=1,
        points=CELLS // 2,
    )
    forecaster = NetworkForecaster(small.network(config), config, "icon", None)
    asked = []

    def forecast(context, batch, steps):
        asked.append(batch.examples.shape)
        return moved(1.25)(context, batch, steps)

    ready = PreparedMethod(forecast, 2, "icon", forecaster)
    assert ready.pairs == Pairs(2, 1) and PreparedMethod(forecast).pairs is None
    record = measured(ready, tiny(6))
    assert record["errors"]["l2, 20 steps"]["mean"] == pytest.approx(0.25, rel=1e-6)
    assert {shape[1:] for shape in asked} == {(2, 2, 1, CELLS)}
    assert costs.cost(ready, tiny(4))["flops"] > 0


def test_costs_are_measured_once(path, monkeypatch):
    told = []

    def solver(law, cells):
        def forecast(context, batch, steps):
            told.append((law, cells))
            return moved(1.0 + 1.0 / cells)(context, batch, steps)

        return PreparedMethod(forecast)

    monkeypatch.setattr(costs, "known_law", solver)
    monkeypatch.setattr(costs, "published_sizes", lambda test: {"dpot": {"flops": 1.0}})
    method = Method("still")
    results, _, started = ran(path, method, sets=(), with_costs=True)
    assert started == [
        ("cost", "still"),
        ("cost", "published sizes"),
        ("cost", "classical solver"),
    ]
    assert list(results.costs["methods"]["still"]) == ["fingerprint", "forecast_milliseconds"]
    classical = results.costs["classical"]
    assert [entry["cells"] for entry in classical] == list(costs.GRIDS)
    np.testing.assert_allclose(
        [entry["error"] for entry in classical], 1.0 / np.array(costs.GRIDS), rtol=1e-4
    )
    assert all(entry["milliseconds"] > 0.0 for entry in classical)
    assert {law for law, _ in told} == {"cubic"}
    calls = method.calls
    again, _, started = ran(path, method, sets=(), with_costs=True)
    assert (started, method.calls, again.costs) == ([], calls, results.costs)
    # Other weights under the same name have costs of their own.
    results.costs["methods"]["still"]["fingerprint"] = 1
    results.save()
    _, _, started = ran(path, method, sets=(), with_costs=True)
    assert started == [("cost", "still")]
