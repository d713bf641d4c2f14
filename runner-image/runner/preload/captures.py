"""What modules took from the process when they were executed, and would take otherwise now.

Found by looking, in every installed package, for what is called or read while a module is executed: random numbers,
times, process ids, parameters of Matplotlib, standard streams.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def copy_parameters(seaborn: Any) -> None:
    """Let ``seaborn.reset_orig()`` go back to the parameters that there are when it is imported."""
    seaborn._orig_rc_params = sys.modules["matplotlib"].rcParams.copy()


def renew_default(grower: Any) -> None:
    """Let the generator that is a default argument be the one of the seed that was just drawn again for it."""
    numpy: Any = sys.modules["numpy"]
    for default in grower.TreeGrower.__init__.__defaults__:
        if isinstance(default, numpy.random.Generator):
            bits = numpy.random.PCG64(numpy.random.SeedSequence(drawn[-1]))
            default.bit_generator.state = bits.state


#: The last seed that was drawn again.
drawn = [0]


def draw_again(bits: int) -> None:
    """Draw what a module drew when it was executed: with a seed, what a program draws itself comes after that.

    For example, ``scipy.stats`` writes random examples into its documentation.
    """
    drawn[-1] = sys.modules["numpy.random.bit_generator"].randbits(bits)


#: By name of the module.
CAPTURES: Mapping[str, Callable[[Any], None]] = {
    "seaborn": copy_parameters,
    "sklearn.ensemble._hist_gradient_boosting.grower": renew_default,
}
