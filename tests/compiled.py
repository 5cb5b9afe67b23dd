"""Calls that are compiled as a whole.

Without it JAX compiles every operation of every shape alone, which takes most of a test's time.
"""

import equinox as eqx


@eqx.filter_jit
def compiled(function, *arguments, **named):
    """function(*arguments); what the function closes over is constant unless it is a module."""
    return function(*arguments, **named)
