"""How llama.cpp's threads wait for one another: set before its library is loaded."""

from __future__ import annotations

from collections.abc import MutableMapping

#: Turns of a loop, some tens of microseconds.
_SPINS = "10000"


def wait_briefly(environ: MutableMapping[str, str]) -> None:
    """Have OpenMP's threads spin for a little and then sleep, unless the environment says how they are to wait.

    They meet hundreds of times for each token. By default they spin until the last one is there: where another process
    wants its core, that one waits for its turn while the others burn theirs, a tenth of the speed. Sleeping at once
    (``OMP_WAIT_POLICY=passive``) wakes a core for each meeting: a third to a fifth of the speed on a virtual machine
    that has nothing else to do (docs/performance.md).
    """
    if "OMP_WAIT_POLICY" not in environ:
        environ.setdefault("GOMP_SPINCOUNT", _SPINS)
