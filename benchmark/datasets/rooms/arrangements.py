"""What stands together in a bedroom, a living room, a dining room or a study."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from . import furniture, hangings, ornaments
from .materials import between
from .parts import Piece, Placed

if TYPE_CHECKING:
    from numpy.random import Generator

    from .layout import Layout


def _bedroom(rng: Generator, layout: Layout) -> None:
    layout.against_wall(furniture.bed(rng))
    _watch(rng, layout)
    layout.against_wall(_topped(rng, furniture.nightstand(rng)))
    _desk(rng, layout)
    layout.against_wall(furniture.wardrobe(rng))
    layout.against_wall(furniture.bookcase(rng))
    layout.against_wall(_topped(rng, furniture.sideboard(rng)))
    layout.freely(furniture.chair(rng))


def _living_room(rng: Generator, layout: Layout) -> None:
    if rng.random() < 0.7:
        layout.against_wall(furniture.sofa(rng))
    else:
        layout.freely(furniture.sofa(rng), between(rng, -0.4, 0.4) + (0 if rng.random() < 0.5 else math.pi / 2))
    _watch(rng, layout)
    layout.freely(_topped(rng, furniture.table(rng, low=True)), between(rng, -0.1, 0.1))
    layout.against_wall(furniture.bookcase(rng))
    layout.against_wall(_topped(rng, furniture.sideboard(rng)))
    layout.freely(furniture.chair(rng))
    layout.against_wall(furniture.bookcase(rng))


def _dining_room(rng: Generator, layout: Layout) -> None:
    _dining_set(rng, layout)
    layout.against_wall(furniture.bookcase(rng))
    layout.against_wall(furniture.sofa(rng))
    _watch(rng, layout)
    layout.against_wall(_topped(rng, furniture.sideboard(rng)))
    layout.against_wall(furniture.wardrobe(rng))


def _study(rng: Generator, layout: Layout) -> None:
    layout.against_wall(furniture.bookcase(rng))
    _desk(rng, layout)
    layout.against_wall(furniture.sofa(rng) if rng.random() < 0.5 else furniture.bed(rng))
    layout.against_wall(furniture.bookcase(rng))
    _watch(rng, layout)
    layout.freely(furniture.chair(rng))
    layout.against_wall(furniture.wardrobe(rng))


ROOMS = (_bedroom, _bedroom, _living_room, _dining_room, _study)


def _dining_set(rng: Generator, layout: Layout) -> None:
    """A table in the open with up to four chairs that face it."""
    yaw = between(rng, -0.5, 0.5)
    table = layout.freely(_topped(rng, furniture.table(rng, low=False)), yaw)
    if table is None:
        return
    for side in range(4):
        if rng.random() < 0.7:
            reach = (table.piece.depth if side % 2 == 0 else table.piece.width) / 2 + between(rng, 0.02, 0.25)
            turn = yaw + side * math.pi / 2
            at = (table.at[0] - reach * math.sin(turn), table.at[1] + reach * math.cos(turn), 0.0)
            layout.stand(Placed(furniture.chair(rng), at, turn + between(rng, -0.15, 0.15)), beside=table)


def _desk(rng: Generator, layout: Layout) -> None:
    """A table at a wall with a chair before it."""
    desk = layout.against_wall(_topped(rng, furniture.table(rng, low=False)))
    if desk is None:
        return
    reach, turn = desk.piece.depth / 2 + between(rng, 0.1, 0.3), desk.yaw + math.pi
    at = (desk.at[0] - reach * math.sin(turn), desk.at[1] + reach * math.cos(turn), 0.0)
    layout.stand(Placed(furniture.chair(rng), at, turn + between(rng, -0.6, 0.6)), beside=desk)


def _watch(rng: Generator, layout: Layout) -> None:
    """A television, on the wall or on a low cabinet."""
    if rng.random() < 0.4 and layout.hang(hangings.screen(rng), 1.25, 1.45):
        return
    stand = furniture.cabinet(rng, between(rng, 0.4, 0.6), between(rng, 1.3, 1.7), 0.45)
    stand.put(ornaments.television(rng, hung=False), 0, 0.02, stand.height)
    stand.height += 0.9
    if layout.against_wall(stand) is None:
        layout.hang(hangings.screen(rng), 1.25, 1.45)


def _topped(rng: Generator, piece: Piece) -> Piece:
    """The piece with up to three things on its top."""
    for top in piece.tops:
        for x in (-top.half[0], 0.0, top.half[0]) if top.half[0] > 0.3 else (0.0,):
            if rng.random() < 0.3:
                continue
            if rng.random() < 0.5:
                thing = ornaments.book_pile(rng)
            else:
                thing = ornaments.SMALL[int(rng.integers(len(ornaments.SMALL)))](rng)
            piece.put(thing, x, top.y + between(rng, -0.3, 0.3) * top.half[1], top.z)
    return piece
