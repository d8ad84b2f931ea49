"""The step problem of DGBA for a batch of images, as data."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class SeparablePrograms:
    """For every image of a batch, maximise <c, r> over integer steps lower <= r <= upper (arXiv 2305.12066).

    `coefficients` c (B, d), of any floating type on any device, are what one unit of each pixel channel adds to the
    objective, to first order: the sum of the attacked tasks' rows. `lower`, -1 or 0, and `upper`, 0 or 1, hold for all
    coordinates or are int8 (B, d); together they are {-1, 0, 1}^d unless given. At most `max_pixels` pixels of an image
    move: a pixel is the `channels` coordinates of one position, laid out C * H * W.
    """

    coefficients: Tensor
    lower: Tensor | int = -1
    upper: Tensor | int = 1
    max_pixels: int | None = None
    channels: int = 3

    def __len__(self) -> int:
        return len(self.coefficients)

    @property
    def bounded(self) -> bool:
        """False if every coordinate may be -1, 0 and 1; bounds given one by one count as such."""
        return not all(isinstance(bound, int) and abs(bound) == 1 for bound in (self.lower, self.upper))

    def image(self, i: int) -> SeparablePrograms:
        """The program of one image, as a batch of its own."""
        lower, upper = (bound if isinstance(bound, int) else bound[i : i + 1] for bound in (self.lower, self.upper))
        return SeparablePrograms(self.coefficients[i : i + 1], lower, upper, self.max_pixels, self.channels)

    def by_pixel(self, values: Tensor) -> Tensor:
        """Values (B, d) as (B, channels, d / channels): a column per pixel."""
        return values.view(len(self), self.channels, -1)
