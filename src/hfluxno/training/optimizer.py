"""AdamW under a warm-up and a cosine, with the norm of the gradient clipped."""

import dataclasses

import optax


@dataclasses.dataclass(frozen=True)
class OptimizerConfig:
    """The update rule.

    The learning rate rises linearly from 0 to `peak` in `warmup` updates and then follows a cosine
    to `end` at the last one (Loshchilov and Hutter, ICLR 2017 and 2019). It depends on the number
    of updates, never on the clock.

    - `peak`, `warmup`, `end`: of the learning rate.
    - `weight_decay`: of AdamW.
    - `eps`: what AdamW adds to the root of the mean square of each derivative. If derivatives are
      smaller, steps are shorter: those of a mean square error with respect to the encoder of a
      fresh network are about 1e-9, because its hypernetwork does not use the embedding yet.
    - `clip`: the largest norm of the whole gradient, which is scaled down to it; `None` for no
      clipping.
    """

    peak: float = 5e-5
    warmup: int = 5_000
    end: float = 0.0
    weight_decay: float = 1e-4
    eps: float = 1e-8
    clip: float | None = None

    @property
    def description(self) -> str:
        """The rule in a few words."""
        clipped = "" if self.clip is None else f", gradient at most {self.clip:g}"
        epsilon = "" if self.eps == type(self).eps else f", ε {self.eps:g}"
        return f"AdamW, peak {self.peak:g}, warm-up {self.warmup}{epsilon}{clipped}"

    def __post_init__(self) -> None:
        if not self.peak > 0.0 or self.end < 0.0 or self.weight_decay < 0.0:
            raise ValueError(
                "An optimiser needs peak > 0, end ≥ 0 and weight_decay ≥ 0; got "
                f"{self.peak}, {self.end} and {self.weight_decay}."
            )
        if not self.eps > 0.0:
            raise ValueError(f"The eps of AdamW must be positive; got {self.eps}.")
        if self.warmup < 0:
            raise ValueError(f"The warm-up must not be negative; got {self.warmup} updates.")
        if self.clip is not None and not self.clip > 0.0:
            raise ValueError(f"The gradient is clipped to a positive norm; got {self.clip}.")


def make_optimizer(config: OptimizerConfig, steps: int) -> optax.GradientTransformation:
    """The rule for a run of `steps` updates, more than the warm-up."""
    schedule = optax.schedules.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=config.peak,
        warmup_steps=config.warmup,
        decay_steps=steps,
        end_value=config.end,
    )
    adamw = optax.adamw(schedule, eps=config.eps, weight_decay=config.weight_decay)
    if config.clip is None:
        return adamw
    return optax.chain(optax.clip_by_global_norm(config.clip), adamw)
