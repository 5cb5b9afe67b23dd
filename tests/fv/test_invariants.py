"""What the schemes keep whatever the resolution: totals, variation, bounds, positivity."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hfluxno.fv import MUSCL, Roe, Rusanov, Status, StepControl, conservative_step, solve, step
from hfluxno.fv.limiters import LIMITERS, jump_ratio
from hfluxno.grid import Grid
from hfluxno.laws import LWR, BuckleyLeverett, Cubic, ShallowWater, Sine, ViscousBurgers
from tests.compiled import compiled
from tests.slow import slow

pytestmark = pytest.mark.usefixtures("x64")

compiled_solve = eqx.filter_jit(solve)
TVD_LIMITERS = [name for name in LIMITERS if name != "none"]
with jax.enable_x64(True):
    SCALAR_LAWS = [
        Cubic(a=0.8, b=-0.6, c=0.3),
        Sine(a=0.9, b=3.0),
        ViscousBurgers(a=0.8, nu=0.0),
        ViscousBurgers(a=0.8, nu=0.01),
        LWR(v=1.2),
        BuckleyLeverett(q=1.0, M=0.4),
    ]
SCALAR_NAMES = ["cubic", "sine", "burgers", "viscous-burgers", "lwr", "buckley-leverett"]
SCHEMES = {
    "roe": Roe,
    "roe-none": lambda law: Roe(law, "none", entropy_fix=False),
    "rusanov": Rusanov,
    "muscl": MUSCL,
}
# Each scheme with and without diffusion, and a law whose flux turns often; the other pairs run as
# validations.
PAIRS = [
    pytest.param(
        scheme,
        law,
        id=f"{scheme}-{name}",
        marks=[]
        if name in ("cubic", "viscous-burgers") or (scheme, name) == ("roe", "sine")
        else pytest.mark.validation,
    )
    for scheme in SCHEMES
    for law, name in zip(SCALAR_LAWS, SCALAR_NAMES, strict=True)
]


def random_steps(seed, cells, low=0.0, high=1.0):
    random = np.random.default_rng(seed)
    edges = np.sort(random.choice(cells, size=5, replace=False))
    heights = random.uniform(low, high, size=5)
    return heights[np.searchsorted(edges, np.arange(cells), side="right") % 5]


def water(seed, cells):
    x = (np.arange(cells) + 0.5) / cells
    h = random_steps(seed, cells, 0.5, 2.0)
    return jnp.asarray(np.stack([h, 0.4 * np.sin(2.0 * np.pi * x) + 0.2]))


def total_variation(values, axis=-1):
    closed = np.concatenate([values, values[..., :1]], axis=axis)
    return np.abs(np.diff(closed, axis=axis)).sum(axis=axis)


# --- conservation -------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "law"), PAIRS)
def test_periodic_totals_are_constant(scheme, law):
    initial = jnp.asarray(random_steps(1, 60)[None])
    solution = compiled_solve(
        SCHEMES[scheme](law), initial, jnp.linspace(0.0, 0.3, 7), Grid.interval(60)
    )
    assert int(solution.status) == Status.OK
    totals = np.asarray(solution.values).mean(axis=-1)
    np.testing.assert_allclose(totals, totals[:1].repeat(7, axis=0), rtol=0.0, atol=1e-14)
    # Every frame has been solved: it differs from the one before.
    assert np.all(np.abs(np.diff(np.asarray(solution.values), axis=0)).max(axis=(1, 2)) > 1e-6)


@pytest.mark.parametrize("law", SCALAR_LAWS[::3], ids=SCALAR_NAMES[::3])
@pytest.mark.parametrize("scheme", ["roe", "muscl"])
def test_outflow_totals_change_by_the_flux_through_the_ends(scheme, law):
    # Constant near the ends, where the fluxes are those of the outer states until a wave arrives.
    cells, time = 60, 0.02
    u = np.full(cells, 0.7)
    u[20:30], u[40:] = 0.2, 0.4
    solution = compiled_solve(
        SCHEMES[scheme](law),
        jnp.asarray(u[None]),
        jnp.asarray([0.0, time]),
        Grid.interval(cells, boundary="outflow"),
    )
    left, right = (float(law.flux(jnp.asarray([[state]]))[0, 0]) for state in (0.7, 0.4))
    gained = np.sum(np.asarray(solution.values)[-1, 0] - u) / cells
    # The far tails of the diffusive problem are not exactly zero.
    assert gained == pytest.approx(time * (left - right), abs=1e-9)


@pytest.mark.parametrize("scheme", [slow("roe"), slow("roe-none"), "rusanov", "muscl"])
def test_water_between_walls_or_in_a_ring_stays(scheme):
    law = ShallowWater(alpha=0.9, beta=9.0, gamma=1.2)
    for boundary in ("periodic", "reflecting"):
        solution = compiled_solve(
            SCHEMES[scheme](law),
            water(2, 60),
            jnp.linspace(0.0, 0.3, 7),
            Grid.interval(60, boundary=boundary),
        )
        assert int(solution.status) == Status.OK
        totals = np.asarray(solution.values).mean(axis=-1)
        conserved = totals if boundary == "periodic" else totals[:, :1]
        np.testing.assert_allclose(conserved, conserved[:1].repeat(7, axis=0), rtol=0.0, atol=1e-14)
        if boundary == "reflecting":
            # Walls push: without this the test would hold for a wall that mirrors nothing.
            assert np.max(np.abs(totals[:, 1] - totals[0, 1])) > 1e-2


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_scalar_passes_a_wall(scheme):
    """Saturation that sinks between walls; its flux s(1 - s) is nowhere zero at the start."""
    u = jnp.asarray(0.5 + 0.2 * np.sin(2 * np.pi * (np.arange(40) + 0.5) / 40))[None]
    flux = SCHEMES[scheme](LWR())
    walls = compiled_solve(
        flux, u, jnp.linspace(0.0, 3.0, 4), Grid.interval(40, boundary="reflecting")
    )
    totals = np.asarray(walls.values).mean(axis=-1)
    np.testing.assert_allclose(totals, 0.5, rtol=0.0, atol=1e-13)
    # In the end all is packed at the right wall: s = 1 on the right half, 0 on the left one.
    packed = np.where(np.arange(40) < 20, 0.0, 1.0)
    assert np.mean(np.abs(np.asarray(walls.values)[-1, 0] - packed)) < 0.05


@pytest.mark.parametrize("scheme", [slow("roe"), "rusanov", "muscl"])
def test_a_wall_is_a_plane_of_symmetry(scheme):
    """A field and its mirror image on a doubled grid are the same as one with walls."""
    law = ShallowWater(alpha=1.1, beta=9.0, gamma=0.9)
    cells = 60
    u = np.asarray(water(3, cells))
    sign = np.array([[1.0], [-1.0]])
    doubled = np.concatenate([u, sign * u[:, ::-1]], axis=1)
    times = jnp.linspace(0.0, 0.2, 7)
    flux = SCHEMES[scheme](law)
    walls = compiled_solve(flux, u, times, Grid.interval(cells, boundary="reflecting"))
    ring = compiled_solve(flux, doubled, times, Grid.interval(2 * cells, 0.0, 2.0))
    np.testing.assert_allclose(
        walls.values, np.asarray(ring.values)[..., :cells], rtol=0.0, atol=1e-11
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_mirror_image(scheme, flip):
    """x → -x turns f into -f: it shows a sign or an index that differs between the sides."""
    u = jnp.asarray(random_steps(4, 60, -1.0, 1.0)[None])
    times, grid = jnp.linspace(0.0, 0.2, 7), Grid.interval(60)
    make = SCHEMES[scheme]
    a, b, c = 0.8 * flip, -0.5 * flip, 0.3 * flip
    forward = compiled_solve(make(Cubic(a=a, b=b, c=c)), u, times, grid)
    backward = compiled_solve(make(Cubic(a=-a, b=-b, c=-c)), u[:, ::-1], times, grid)
    mirrored = np.asarray(backward.values)[..., ::-1]
    np.testing.assert_allclose(forward.values, mirrored, rtol=0.0, atol=1e-11)


@pytest.mark.parametrize(("scheme", "law"), PAIRS)
def test_constant_states_stay(scheme, law):
    # By the programs of the totals above.
    u, times = np.full((1, 60), 0.37), jnp.linspace(0.0, 0.3, 7)
    found = compiled_solve(SCHEMES[scheme](law), u, times, Grid.interval(60)).values
    np.testing.assert_array_equal(found, u[None].repeat(7, axis=0))


def test_inflow_carries_its_state_in():
    """u = u_in behind the front x = ct, and the total grows by (f(u_in) - f(u)) t."""
    law = Cubic(a=0.0, b=0.0, c=1.0)
    grid = Grid.interval(100, boundary=("inflow", "outflow"), inflow=jnp.asarray([[2.0, 0.0]]))
    solution = compiled_solve(Roe(law), jnp.full((1, 100), 1.0), jnp.asarray([0.0, 0.5]), grid)
    values = np.asarray(solution.values)[-1, 0]
    np.testing.assert_allclose(values[:40], 2.0, atol=1e-6)
    np.testing.assert_allclose(values[60:], 1.0, atol=1e-6)
    assert np.mean(values) == pytest.approx(1.5, abs=1e-12)


# --- variation and bounds -----------------------------------------------------------------------


@pytest.mark.parametrize("name", TVD_LIMITERS)
def test_limiters_lie_in_swebys_region(name):
    theta = jnp.concatenate([jnp.linspace(-5.0, 5.0, 401), jnp.asarray([-1e12, 1e12])])
    phi = np.asarray(LIMITERS[name](theta))
    positive = np.asarray(theta) > 0.0
    np.testing.assert_array_equal(phi[~positive], 0.0)
    assert np.all(phi[positive] <= np.minimum(2.0 * theta[positive], 2.0) * (1.0 + 1e-9))
    # Second order: φ(1) = 1, and between Lax-Wendroff and Beam-Warming (Sweby's smaller region).
    assert float(LIMITERS[name](jnp.asarray(1.0))) == 1.0
    if name != "mc":
        low, high = np.minimum(theta, 1.0), np.maximum(theta, 1.0)
        assert np.all((phi >= low - 1e-9)[positive] & (phi <= high + 1e-9)[positive])


@pytest.mark.parametrize("name", TVD_LIMITERS)
def test_limiters_are_symmetric(name):
    """φ(θ)/θ = φ(1/θ): forward and backward slopes are treated alike."""
    theta = jnp.asarray(np.geomspace(1e-3, 1e3, 61))
    phi = LIMITERS[name]
    np.testing.assert_allclose(phi(theta) / theta, phi(1.0 / theta), rtol=1e-12)


def test_limiters_by_hand():
    theta = jnp.asarray([-1.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0])
    expected = {
        "minmod": [0.0, 0.0, 0.25, 0.5, 1.0, 1.0, 1.0, 1.0],
        "superbee": [0.0, 0.0, 0.5, 1.0, 1.0, 1.5, 2.0, 2.0],
        "van-leer": [0.0, 0.0, 0.4, 2.0 / 3.0, 1.0, 1.2, 4.0 / 3.0, 1.6],
        "mc": [0.0, 0.0, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0],
        "none": [1.0] * 8,
    }
    assert set(expected) == set(LIMITERS)
    for name, values in expected.items():
        np.testing.assert_allclose(LIMITERS[name](theta), values, rtol=1e-15)


def test_jump_ratio_of_a_vanishing_jump_is_zero():
    upwind, local = jnp.asarray([1.0, 0.0, 3.0]), jnp.asarray([0.0, 0.0, -2.0])
    np.testing.assert_array_equal(jump_ratio(upwind, local), [0.0, 0.0, -1.5])


@pytest.mark.parametrize("size", [1.0, 1e-150, 1e-284])
def test_jump_ratio_has_derivatives_for_jumps_of_any_size(size):
    """d(a/b) = da/b - a db/b², whose b² is zero for the small ones."""
    primals = jnp.asarray([3.0, 0.5]) * size, jnp.asarray([2.0, -4.0]) * size
    changes = jnp.asarray([1.0, 2.0]) * size, jnp.asarray([-0.5, 1.0]) * size
    ratio, change = jax.jvp(jump_ratio, primals, changes)
    np.testing.assert_allclose(ratio, [1.5, -0.125], rtol=1e-15)
    np.testing.assert_allclose(change, [0.5 + 0.375, -0.5 - 0.03125], rtol=1e-15)


def scalar_steps(law, scheme, cfl, seeds=range(20), count=30, low=0.0, high=1.0):
    """Frames of runs from random steps, one step each: (seed, step, cell)."""
    initial = np.stack([random_steps(seed, 40, low, high) for seed in seeds])
    return np.asarray(steps_of_one_length(scheme, jnp.asarray(cfl), jnp.asarray(initial), count))


@eqx.filter_jit
def steps_of_one_length(scheme, cfl, initial, count):
    grid = Grid.interval(initial.shape[-1])

    def run(u):
        def body(u, _):
            padded = jnp.pad(u, ((0, 0), (scheme.ghost, scheme.ghost)), mode="wrap")
            dt = cfl * grid.spacing[0] / scheme.speed(padded, grid.spacing[0])
            new = step(scheme, u, dt, grid)
            return new, new[0]

        return jnp.concatenate([u, jax.lax.scan(body, u, None, length=count)[1]])

    return jax.vmap(run)(initial[:, None])


# The least and the most that is TVD.
EXTREME = ("minmod", "superbee")


@pytest.mark.parametrize(
    "limiter", [name if name in EXTREME else slow(name) for name in TVD_LIMITERS]
)
def test_roe_is_tvd(limiter):
    # For advection up to the CFL number 1. For other laws Harten's coefficients are at most
    # ν + ¼ on each side of an interface, which needs ν ≤ ½ in the scheme of LeVeque.
    cubics = [
        (Cubic(a=0.0, b=0.0, c=1.0), 1.0),
        (Cubic(a=0.0, b=0.0, c=-1.0), 0.9),
        (Cubic(a=0.8, b=-0.6, c=-0.3), 0.5),
    ]
    # The compiler takes most of the time: another law with one of the limiters.
    for law, cfl in cubics + [(Sine(a=0.9, b=3.0), 0.5)] * (limiter == "superbee"):
        scheme = Roe(law, limiter, entropy_fix=False)
        variation = total_variation(scalar_steps(law, scheme, cfl, low=-1.0))
        assert np.max(np.diff(variation, axis=1)) < 1e-13


def test_lax_wendroff_is_not_tvd():
    """The premise of the test above: it can fail."""
    law = Cubic(a=0.0, b=0.0, c=1.0)
    variation = total_variation(scalar_steps(law, Roe(law, "none", entropy_fix=False), 0.5))
    assert np.max(np.diff(variation, axis=1)) > 0.1


# Each limiter and each law, though not each of their pairs.
TVD_LAWS = {
    "advection": (lambda: Cubic(a=0.0, b=0.0, c=-1.0), -1.0),
    "burgers": (lambda: ViscousBurgers(a=0.5, nu=0.0), -1.0),
    "sine": (lambda: Sine(a=0.9, b=1.0), -1.0),
    "buckley-leverett": (BuckleyLeverett, 0.0),
}


@pytest.mark.parametrize(
    ("limiter", "name"),
    [
        (limiter, name)
        if limiter in EXTREME and name == ("advection" if limiter == "minmod" else "sine")
        else slow(limiter, name)
        for limiter in TVD_LIMITERS
        for name in TVD_LAWS
    ],
)
def test_muscl_is_tvd(limiter, name):
    make, low = TVD_LAWS[name]
    law = make()
    variation = total_variation(scalar_steps(law, MUSCL(law, limiter), 0.5, low=low))
    assert np.max(np.diff(variation, axis=1)) < 1e-13


# With diffusion, and with a flux that turns.
FEW = ("sine", "viscous-burgers")


@pytest.mark.parametrize(
    "law",
    [
        pytest.param(law, id=name, marks=[] if name in FEW else pytest.mark.validation)
        for law, name in zip(SCALAR_LAWS, SCALAR_NAMES, strict=True)
    ],
)
def test_rusanov_obeys_the_maximum_principle_of_every_cell(law):
    cfl = 0.5 if law.diffusivity(jnp.ones((1, 1))) is not None else 1.0
    frames = scalar_steps(law, Rusanov(law), cfl)
    before, after = frames[:, :-1], frames[:, 1:]
    neighbours = np.stack([np.roll(before, shift, axis=-1) for shift in (-1, 0, 1)])
    assert np.all(after <= neighbours.max(axis=0) + 1e-13)
    assert np.all(after >= neighbours.min(axis=0) - 1e-13)
    assert np.max(np.diff(total_variation(frames), axis=1)) < 1e-12


# --- positivity ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bed", "current", "gamma"), [(1e-4, 0.0, 1.0), (0.05, 0.6, 1.0), (0.05, 0.6, 1.4)]
)
@pytest.mark.parametrize("seed", (1, 2))
def test_rusanov_keeps_heights_positive(seed, bed, current, gamma):
    """Dams beside a nearly dry bed, with CFL numbers up to ½: h_new = h (1 - ν) + … > 0, because
    the bound on the speeds exceeds α|v| where γ ≥ α."""
    heights = run_over_a_bed(seed, bed, current, gamma)
    assert np.min(heights) > 0.0
    assert np.min(heights[0]) == bed


@pytest.mark.parametrize("seed", range(4))
def test_a_bed_that_runs_dry_is_negative_by_less_than_the_floor(seed):
    """Currents that part faster than waves close the gap leave no water in the exact solution.
    Heights below the floor have cut velocities, so there the argument above does not hold."""
    assert np.min(run_over_a_bed(seed, 1e-4, 3.0, 1.0)) > -ShallowWater().h_floor


def run_over_a_bed(seed, bed, current, gamma):
    random = np.random.default_rng(seed)
    cells = 80
    steps = random_steps(seed, cells)
    h = np.where(steps > np.median(steps), random.uniform(1.0, 3.0), bed)
    m = h * random_steps(seed + 10, cells, -current, current)
    solution = compiled_solve(
        Rusanov(ShallowWater(alpha=1.0, beta=9.81, gamma=gamma)),
        jnp.asarray(np.stack([h, m])),
        jnp.linspace(0.0, 0.1, 41),
        Grid.interval(cells),
        StepControl(jnp.asarray(0.5), jnp.asarray(0.5)),
    )
    assert int(solution.status) == Status.OK
    return np.asarray(solution.values)[:, 0]


# --- diffusion ----------------------------------------------------------------------------------


def test_limit_of_diffusive_steps():
    """The CFL number of diffusion is 2νΔt/Δx²: explicit steps amplify the shortest wave by
    1 - 4νΔt/Δx², so they are stable up to the number 1 and not beyond."""
    nu, cells = 0.3, 20
    grid = Grid.interval(cells)
    dx = grid.spacing[0]
    scheme = Rusanov(ViscousBurgers(a=0.0, nu=nu))
    padded = jnp.zeros((1, cells + 2))
    assert float(scheme.speed(padded, dx)) / dx == pytest.approx(2.0 * nu / dx**2, rel=1e-12)
    shortest = jnp.asarray((-1.0) ** np.arange(cells))[None]
    for cfl in (0.3, 1.0, 1.2):
        new = compiled(step, scheme, shortest, np.asarray(cfl * dx**2 / (2.0 * nu)), grid)
        np.testing.assert_allclose(new, (1.0 - 2.0 * cfl) * shortest, atol=1e-13)


@pytest.mark.parametrize("scheme", [Roe, Rusanov, MUSCL])
def test_strong_diffusion_is_stable_under_the_default_control(scheme):
    law = ViscousBurgers(a=1.0, nu=0.1)
    solution = compiled_solve(
        scheme(law),
        jnp.asarray(random_steps(6, 60)[None]),
        jnp.linspace(0.0, 0.1, 7),
        Grid.interval(60),
    )
    variation = total_variation(np.asarray(solution.values))
    assert np.all(np.diff(variation[:, 0]) < 0.0)
    # Δt = 0.5 Δx²/(2ν) is what the rule asks for, not a smaller step.
    needed = 0.1 / (0.5 / 60**2 / (2.0 * 0.1))
    assert needed <= int(solution.steps) <= 1.1 * needed


class PorousMedium(Cubic):
    """ν(u) = u: the diffusivity of a cell face is the mean of its neighbours."""

    def diffusivity(self, u):
        return u


def test_diffusivity_that_depends_on_the_state():
    grid = Grid.interval(4)
    dx, dt = grid.spacing[0], 0.01
    u = np.array([1.0, 3.0, 2.0, 5.0])
    scheme = Rusanov(PorousMedium(a=0.0, b=0.0, c=0.0))
    face = 0.5 * (u + np.roll(u, -1)) * (np.roll(u, -1) - u) / dx
    expected = u + dt / dx * (face - np.roll(face, 1))
    new = compiled(conservative_step, scheme, u[None], np.asarray(dt), grid)
    np.testing.assert_allclose(new[0], expected, rtol=1e-13)
