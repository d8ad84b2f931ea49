"""What names of layouts mean: the blocks of a backbone as trees, from the image to the tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .style import BLUE, GREY, PALETTE, Drawn

LAYOUTS = "layouts"
"""The name of the file."""

TASKS = ("segmentation", "depth", "normals")
SHORT = ("seg.", "depth", "normals")
ALL, APART = (TASKS,), tuple((task,) for task in TASKS)
PAIR = (("segmentation",), ("depth", "normals"))

EXAMPLES: Mapping[str, tuple[str, Sequence[Sequence[Sequence[str]]]]] = MappingProxyType(
    {
        "shared": ("every block for all tasks", [ALL] * 5),
        "branch3": ("three blocks, then apart", [ALL] * 3 + [APART] * 2),
        "pair-depth-normals": ("two blocks, then two together", [ALL] * 2 + [PAIR] * 3),
        "independent": ("a backbone per task", [APART] * 5),
    }
)
"""What names in the zoo mean: for every block, from the image on, the groups of tasks that share it."""

COLOURS = {1: GREY, 2: PALETTE[2], 3: BLUE}
"""By how many tasks share a block."""


def layouts() -> Drawn:
    """The four kinds of layouts side by side."""

    def draw(figure: Figure) -> None:
        for axes, (name, (meaning, blocks)) in zip(figure.subplots(1, len(EXAMPLES)), EXAMPLES.items(), strict=True):
            _tree(axes, blocks)
            axes.set_title(name)
            axes.text(1, -1.25, meaning, ha="center", va="top", fontsize=9)

    return Drawn(draw, height=2.6, dark=True)


def _tree(axes: Axes, blocks: Sequence[Sequence[Sequence[str]]]) -> None:
    """Squares are blocks, lines are features; the image is below, the tasks are on top."""
    axes.axis("off")
    axes.set(xlim=(-0.75, 2.75), ylim=(-1.9, len(blocks) + 1.0))
    axes.text(1, -0.9, "image", ha="center", va="center", fontsize=8.5)
    below: Sequence[Sequence[str]] = (TASKS,)
    for y, groups in enumerate([*blocks, APART]):
        for group in groups:
            source = next(other for other in below if {*group} <= {*other})
            from_y = y - 1 if y else -0.55
            axes.plot([_middle(source), _middle(group)], [from_y, y], color=GREY, linewidth=1.2, zorder=1)
            if y < len(blocks):
                axes.plot([_middle(group)], [y], "s", color=COLOURS[len(group)], markersize=9, zorder=2)
            else:
                (task,) = group
                axes.text(_middle(group), y + 0.1, SHORT[TASKS.index(task)], ha="center", va="bottom", fontsize=8.5)
        below = groups


def _middle(group: Sequence[str]) -> float:
    return sum(map(TASKS.index, group)) / len(group)
