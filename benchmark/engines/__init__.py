"""Where jobs run: an engine is one file here, and one line of `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ..protocol.cores import default_processes
from ..protocol.errors import BadInputError
from .base import Engine, Held, Remote, Wanted, reach, settle_process
from .processes import Processes
from .serial import Serial

__all__ = [
    "ENGINES",
    "Engine",
    "Held",
    "Processes",
    "Remote",
    "Serial",
    "Wanted",
    "default_workers",
    "make_engine",
    "reach",
    "settle_process",
]


def _serial(wanted: Wanted) -> Serial:
    wanted.check_local("serial")
    if wanted.workers not in (None, 1):
        raise BadInputError(
            f"the engine serial has one worker, not {wanted.workers}; leave out --engine, or use processes"
        )
    return Serial()


def _processes(wanted: Wanted) -> Processes:
    wanted.check_local("processes")
    return Processes(wanted.workers or default_workers(wanted.device))


def _ray(wanted: Wanted) -> Engine:
    try:
        from .ray import make_ray  # whose library is optional
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise BadInputError("the engine ray needs ray: pip install 'mtrbench[ray]'") from error
    return make_ray(wanted, default_workers("cpu"))


ENGINES: Mapping[str, Callable[[Wanted], Engine]] = MappingProxyType(
    {"serial": _serial, "processes": _processes, "ray": _ray}
)
"""By name, what makes an engine; raises BadInputError for what it cannot do."""


def make_engine(name: str | None, wanted: Wanted) -> Engine:
    """The engine called `name`; None is `serial` for one worker and `processes` for more."""
    one = (wanted.workers or default_workers(wanted.device)) == 1
    return ENGINES[name or ("serial" if one else "processes")](wanted)


def default_workers(device: str = "cpu") -> int:
    """As many as `default_processes`, and one on a GPU."""
    return default_processes() if device == "cpu" else 1
