"""Measuring in processes of their own: CPU seconds and the highest memory of the process."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

_PACKAGES = ("numpy", "scipy", "pandas", "shapely", "geopandas", "networkx")
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def cpu_of(run: Callable[[], Any], repeats: int = 1) -> float:
    """Median CPU seconds of a call."""
    return statistics.median(cpu_samples(run, repeats))


def cpu_samples(run: Callable[[], Any], repeats: int) -> list[float]:
    """CPU seconds of each of several calls."""
    samples = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        samples.append(time.process_time() - start)
    return samples


def percentile(samples: list[float], share: float) -> float:
    """The sample that ``share`` of all samples do not exceed (nearest rank)."""
    ordered = sorted(samples)
    return ordered[max(-int(-share * len(ordered) // 1) - 1, 0)]


def in_child(measure: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Run a measurement in a fresh process; its answer gets ``peak_mb``, test bed included.

    One thread: those of linear algebra spin while they wait, which would count as work.
    """
    os.environ.update(ONE_THREAD)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        return child.submit(_with_peak, measure, arguments).result()


def _with_peak(
    measure: Callable[..., dict[str, Any]], arguments: tuple[Any, ...]
) -> dict[str, Any]:
    return {**measure(*arguments), "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Highest resident memory of this process image, in MB.

    ``getrusage`` would count the parent's memory from before the exec as well, so Linux is asked
    directly.
    """
    if _STATUS.exists():
        return _status_mb("VmHWM")
    import resource

    peak = float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak / (1024**2 if platform.system() == "Darwin" else 1024)


def resident_mb() -> float:
    """Memory of this process that is resident now, in MB; its peak where only that is told."""
    return _status_mb("VmRSS") if _STATUS.exists() else peak_mb()


def forget_peak() -> None:
    """Let the highest memory count from now on, where the system can."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def _status_mb(name: str) -> float:
    line = next(x for x in _STATUS.read_text().splitlines() if x.startswith(name))
    return float(line.split()[1]) / 1024


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that do the work."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}
