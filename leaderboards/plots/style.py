"""How every picture looks: readable at 800 pixels, safe for the colour-blind, the same bytes on every run."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator
from PIL import Image

from ...benchmark.protocol.estimates import Estimate

# Okabe and Ito's palette.
BLUE, VERMILION, GREY = "#0072B2", "#D55E00", "#666666"
PALETTE = (BLUE, VERMILION, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "osD^vPX"

FAR_APART = 4
"""Ratio between the means of series above which their common axis is logarithmic."""

WIDTH = 8.0
"""Inches; shown 800 pixels wide, a point is 1.4 pixels."""

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9.5,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 5.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # text stays text: found by a search, read aloud, and a third of the bytes
    "svg.hashsalt": "mtrbench",  # without it, ids differ from run to run
}


DARK_PAGE = {
    "figure.facecolor": "#0d1117",
    "savefig.facecolor": "#0d1117",
    "axes.facecolor": "#0d1117",
    "grid.color": "#30363d",
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), "#d8dee4"
    ),
}
"""What differs on a dark page."""

DARK = "dark.svg"
"""The format of a picture for dark pages."""


def look(number: int) -> tuple[str, str]:
    """The colour and the marker of series `number`."""
    return PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]


def whisker(axes: Axes, x: float, estimate: Estimate, colour: str) -> None:
    """The interval of a point at `x`, if it has one."""
    if estimate.low is not None and estimate.high is not None:
        axes.plot([x, x], [estimate.low, estimate.high], "-_", color=colour, linewidth=1.0, markersize=6)


def level_whisker(axes: Axes, y: float, estimate: Estimate, colour: str) -> None:
    """The interval of a point at `y` whose number is its x, if it has one."""
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [y, y], "-|", color=colour, linewidth=1.0, markersize=6)


def halo() -> list[withStroke]:
    """A rim of the page's colour, which keeps words legible on lines."""
    return [withStroke(linewidth=2.5, foreground=matplotlib.rcParams["axes.facecolor"])]


def scale_damage(axes: Axes, series: Sequence[Sequence[float]]) -> None:
    """A y axis that has room for every one of the series: from 0 on, or logarithmic where their means lie far apart."""
    means = [sum(part) / len(part) for part in series if part]
    if len(means) > 1 and min(min(part, default=1.0) for part in series) > 0 and max(means) > FAR_APART * min(means):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_locator(NullLocator())
    elif axes.get_ylim()[0] > 0:
        axes.set_ylim(bottom=0)


@dataclass(frozen=True, eq=False)  # its contents say whether it is the same
class Drawn(Mapping[str, bytes]):
    """A picture as the content of a file by its format, drawn when it is asked for.

    What `draw` puts on a figure of this height in inches, as `svg`, as `png` of `dpi` and, with `dark`, as `DARK` for
    dark pages.
    """

    draw: Callable[[Figure], None]
    height: float
    dpi: int = 100
    dark: bool = False

    def __iter__(self) -> Iterator[str]:
        yield from ("svg", "png", *((DARK,) if self.dark else ()))

    def __len__(self) -> int:
        return 3 if self.dark else 2

    def __getitem__(self, kind: str) -> bytes:
        if kind not in {*self}:
            raise KeyError(kind)
        svg, png = io.BytesIO(), io.BytesIO()
        with matplotlib.style.context(["default", STYLE, DARK_PAGE if kind == DARK else {}]):
            figure = Figure(figsize=(WIDTH, self.height), layout="constrained")
            FigureCanvasAgg(figure)
            self.draw(figure)
            # Dates and versions would make every file differ from the last.
            figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
            if kind != "png":
                return svg.getvalue()
            figure.savefig(png, format="png", dpi=self.dpi, metadata={"Software": None})  # as laid out there
            return _with_palette(png.getvalue())


def _with_palette(png: bytes) -> bytes:
    """The picture in 256 colours, which nobody tells from all: a third of the bytes."""
    small = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    return small.getvalue()
