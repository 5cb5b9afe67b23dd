"""Speed of the network: HFluxNO of hfluxno and the authors' code, in one run on one machine.

    python benchmarks/networks.py [ORIGINAL] [--python PATH] [--batches N …] [--windows N]
                                  [--repeats N] [--validation] [--markdown FILE …]

ORIGINAL is a checkout of the authors' repository (xx257xx/CONTEXT_FLUX_NO) and --python the
interpreter of an environment that can run it: Python 3.12 or later with jax, equinox, einops,
jaxtyping, diffrax, optax, wandb and orbax-checkpoint. Without ORIGINAL only our figures are
printed.

Both are the paper's model of the cubic law (100 cells, 20 frames, float32), on the same windows:

- a training step: one-step mean square error, gradient, AdamW, by the function that each trainer
  calls. The original also validates a batch in every step, omitted here without --validation.
- a roll-out with a sliding context, as in the evaluation of each.
- a roll-out with a frozen context, compared with the sliding one of the original.

Each side runs in its own processes, in turns; a figure is the fastest call in any of its turns, so
that a varying load does not count, and every turn is printed, so that it is visible. Ours has a
device for each core, like `hfluxno train` and `hfluxno evaluate`; the original runs as distributed.
Compilation is excluded. A Markdown file that exists gets the table between its lines "networks:
begin" and "networks: end"; any other is overwritten.
"""

import argparse
import contextlib
import dataclasses
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

# The process of the original lacks our package, so it is imported where it is used.

CELLS, CONTEXT, INTERVAL = 100, 20, 0.005
SIDES = ("hfluxno", "original")
TURNS = 2


@dataclasses.dataclass(frozen=True)
class Work:
    """A task to be timed: the prediction of `steps` frames after each of `windows` contexts.

    **Attributes:**

    - `kind`: `training`, `sliding` or `frozen`.
    - `required`: the factor by which ours must be faster.
    """

    kind: str
    windows: int
    steps: int
    required: float

    @property
    def title(self) -> str:
        if self.kind == "training":
            return f"training step, batch {self.windows}"
        return f"roll-out, {self.kind} context, {self.steps} steps of {self.windows} windows"

    @property
    def unit(self) -> str:
        return "samples" if self.kind == "training" else "steps"


@dataclasses.dataclass(frozen=True)
class Side:
    """One of the two codes, loaded.

    **Attributes:**

    - `parameters`: the number of parameters of the network.
    - `prepare`: maps a work to a function that does it once and returns its result.
    """

    parameters: int
    prepare: Callable[[Work], Callable[[], np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("original", type=Path, nargs="?", help="checkout of the authors' code")
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="its interpreter")
    parser.add_argument("--batches", type=int, nargs="+", metavar="N", default=[64, 256])
    parser.add_argument("--windows", type=int, metavar="N", default=64, help="of a roll-out")
    parser.add_argument("--repeats", type=int, default=3, help="timed calls in every turn")
    parser.add_argument("--validation", action="store_true", help="in the original's training step")
    parser.add_argument("--markdown", type=Path, metavar="FILE", nargs="+", default=[])
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if min(options.repeats, options.windows, *options.batches) < 1:
        parser.error("--batches, --windows and --repeats must be at least 1.")
    if options.side:
        measure(options)
        return
    try:
        compare(options)
    except (ValueError, OSError) as error:
        parser.error(str(error))


def works(options: argparse.Namespace) -> list[Work]:
    training = [Work("training", batch, 1, 4.0) for batch in options.batches]
    count = options.windows
    return [*training, Work("sliding", count, 20, 4.0), Work("frozen", count, 80, 25.0)]


# --- one turn of one side, in its own process -------------------------------------------------


def measure(options: argparse.Namespace) -> None:
    """Times all works of one side and prints the results as JSON."""
    with contextlib.redirect_stdout(sys.stderr):  # the original prints as it runs
        side = our_side(options) if options.side == SIDES[0] else original_side(options)
        times = [
            seconds(side.prepare(work), options.repeats, work.title) for work in works(options)
        ]
    packages = {name: version(name) for name in ("jax", "equinox")}
    found = {
        "parameters": side.parameters,
        "versions": {"Python": platform.python_version(), **packages},
        "seconds": times,
    }
    print(json.dumps(found))


def seconds(call: Callable[[], np.ndarray], repeats: int, title: str) -> list[float]:
    """The time of each call, after one that compiles."""
    found, result = [], call()
    for _ in range(repeats):
        began = time.perf_counter()
        result = call()
        found.append(time.perf_counter() - began)
    if not np.all(np.isfinite(result)):
        raise ValueError(f"{title}: the result is not finite.")
    return found


def windows(count: int, frames: int) -> np.ndarray:
    """Travelling waves, (window, time, field, x), which are smooth and bounded."""
    random = np.random.default_rng(0)
    amplitude, speed, phase = random.uniform(-1.0, 1.0, (3, count, 1, 1, 1))
    t = INTERVAL * np.arange(frames)[:, None, None]
    x = (np.arange(CELLS) + 0.5) / CELLS
    return (amplitude * np.sin(2.0 * np.pi * (x - speed * t + phase))).astype(np.float32)


def our_side(options: argparse.Namespace) -> Side:
    import jax

    from hfluxno.models.forecaster import NetworkForecaster
    from hfluxno.training.batch import Batch
    from hfluxno.training.presets import preset
    from hfluxno.training.sharding import Placement, use_cores
    from hfluxno.training.state import named_key, split_network
    from hfluxno.training.trainer import beginning
    from hfluxno.trajectory import Trajectory

    use_cores(min(options.batches))
    config = preset("paper-hfluxno-cubic")
    network = config.model.build(named_key(config.seed, "model"))
    parameters = split_network(network)[0]

    def training(work: Work) -> Callable[[], np.ndarray]:
        placement = Placement.on()
        step, state, _ = beginning(config, placement)
        batch = Batch(windows(work.windows, CONTEXT + 1))

        def call():
            nonlocal state
            state, metrics = jax.block_until_ready(step(state, placement.batch(batch)))
            return np.asarray(metrics["loss"])

        return call

    def prepare(work: Work) -> Callable[[], np.ndarray]:
        if work.kind == "training":
            return training(work)
        model = dataclasses.replace(config.model, context_mode=work.kind)
        forecaster = NetworkForecaster(network, model)
        times = INTERVAL * np.arange(CONTEXT)
        contexts = Trajectory.from_numpy(windows(work.windows, CONTEXT), times)
        return lambda: np.asarray(forecaster.forecast(contexts, work.steps).trajectory.values)

    return Side(count(parameters), prepare)


def original_side(options: argparse.Namespace) -> Side:
    """The authors' code with the sizes and the optimiser of their configuration of the cubic law.

    Their configuration misspells the name of the initialisation and falls back to another. Here the
    name is right, which does not change the time and keeps the roll-out bounded.
    """
    sys.path.insert(0, str(options.original / "src"))

    import equinox as eqx
    import jax
    import optax
    from context_flux_no.models.multiphysics import HyperFluxFNOLocal  # type: ignore[import-not-found]
    from context_flux_no.training.loss import OneStepLoss  # type: ignore[import-not-found]
    from context_flux_no.training.trainer import Trainer, TrainerState  # type: ignore[import-not-found]

    encoder = {"grid_size": (CELLS,), "patch_size": (4,), "depth": 2}
    encoder |= {"temporal_block_width": 128, "num_heads": 8, "mlp_hidden_dim": 64}
    network = HyperFluxFNOLocal(
        num_spatial_dims=1,
        in_channels=1,
        in_timesteps=CONTEXT,
        embedding_dim=128,
        encoder_type="TRecViT",
        encoder_kwargs=encoder,
        depth=4,
        lift_dim=128,
        stencil_size=(10, 10),
        width_hyper=128,
        blocks_hyper=4,
        hypernet_init="bias-hyperinit",
        key=jax.random.PRNGKey(0),
    )
    steps = (INTERVAL, 1.0 / CELLS)

    def training(work: Work) -> Callable[[], np.ndarray]:
        rate = optax.schedules.warmup_cosine_decay_schedule(0.0, 5e-5, 5_000, 45_000)
        optimizer = optax.adamw(rate)
        # It creates no folder and reports nothing before it trains.
        trainer = Trainer(optimizer, OneStepLoss(), Path("unused"), None, {}, {})
        state = TrainerState.init(network, optimizer, key=jax.random.key(0))
        batch = windows(work.windows, CONTEXT + 1)
        validation = batch if options.validation else None

        def call():
            nonlocal state
            output = trainer.train_step(state, batch, validation, steps)
            # Only arrays can be waited for; the state also contains functions.
            jax.block_until_ready(eqx.filter(output, eqx.is_array))
            state = output.trainer_state
            return np.asarray(output.loss_train)

        return call

    def prepare(work: Work) -> Callable[[], np.ndarray]:
        if work.kind == "training":
            return training(work)
        contexts = windows(work.windows, CONTEXT)

        @eqx.filter_jit
        def program(network, contexts):
            return eqx.filter_vmap(lambda u: network.rollout(u, steps, work.steps)[0])(contexts)

        evaluated = eqx.nn.inference_mode(network, True)
        return lambda: np.asarray(program(evaluated, contexts))

    return Side(count(eqx.filter(network, eqx.is_inexact_array)), prepare)


def count(parameters) -> int:
    import jax

    return sum(leaf.size for leaf in jax.tree.leaves(parameters))


# --- the comparison ---------------------------------------------------------------------------


def compare(options: argparse.Namespace) -> None:
    """Runs the sides in turns, prints each turn and the table, and writes the table to the files.

    **Raises:**

    - `ValueError`, if a side cannot be run.
    - `ValueError` or `OSError`, if the files cannot be written, before minutes of measurement.
    """
    from pages import check_pages, write_pages

    check_pages(options.markdown, "networks")
    sides = SIDES if options.original else SIDES[:1]
    if not options.original:
        print("The comparison is omitted because no checkout of the original was given.")
    todo = works(options)
    turns: dict[str, list[dict]] = {side: [] for side in sides}
    for _ in range(TURNS):
        for side in sides:
            found = run(side, options)
            turns[side].append(found)
            rates = [f"{rate(work, [found], i):.4g}" for i, work in enumerate(todo)]
            print(f"{side}: {' / '.join(rates)} per second", flush=True)
    text = f"{conditions(turns)}\n\n{table(todo, turns)}"
    print(f"\n{text}")
    write_pages(options.markdown, {"networks": text})


def run(side: str, options: argparse.Namespace) -> dict:
    """One turn of a side, measured in another process."""
    python = sys.executable if side == SIDES[0] else options.python
    command = [python, __file__, "--side", side, "--repeats", str(options.repeats)]
    command += ["--windows", str(options.windows)]
    command += ["--batches", *map(str, options.batches)]
    if options.original:
        command[2:2] = [str(options.original.resolve())]
    if options.validation:
        command.append("--validation")
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise ValueError(f"The {side} code could not be run by {python}: {last}")
    return json.loads(result.stdout)


def rate(work: Work, turns: Sequence[dict], index: int) -> float:
    """Predicted frames per second in the fastest call."""
    return work.windows * work.steps / min(min(turn["seconds"][index]) for turn in turns)


def table(todo: Sequence[Work], turns: dict[str, list[dict]]) -> str:
    """The table in Markdown; without the original, two columns."""
    header = ("per second", *turns, "ratio", "at least")[: 5 if len(turns) > 1 else 2]
    rows = [header, tuple("---" for _ in header)]
    for index, work in enumerate(todo):
        rates = [rate(work, found, index) for found in turns.values()]
        row = [f"{work.title} ({work.unit})", *(f"{value:.4g}" for value in rates)]
        if len(rates) > 1:
            row += [f"{rates[0] / rates[1]:.1f}", f"{work.required:g}"]
        rows.append(tuple(row))
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)


def conditions(turns: dict[str, list[dict]]) -> str:
    """The machine, and for each side the size of its network and its versions."""
    from machine import processors

    parts = []
    for side, found in turns.items():
        versions = ", ".join(f"{name} {number}" for name, number in found[0]["versions"].items())
        parts.append(f"{side}: {found[0]['parameters'] / 1e6:.2f} M parameters, {versions}")
    return f"{processors()}; {'; '.join(parts)}."


if __name__ == "__main__":
    main()
