"""Cards of planted models, and what an examination finds of them."""

from __future__ import annotations

from pathlib import Path

from mtrbench.api.model_checks import ALL, examine_model

IMAGES = 6
LAYOUT = ["segmentation depth normals"] * 4 + ["segmentation depth | normals"]
TASKS: dict[str, dict[str, int | float | str]] = {"segmentation": {"classes": 13}, "depth": {}, "normals": {}}


def results(path: Path, result: str) -> dict[str, str]:
    """What was found of the properties with a result."""
    found = examine_model(str(path), None)
    assert [*found] == [*ALL][: len(found)]
    assert not any("\n" in finding.found for finding in found.values())
    return {title: finding.found for title, finding in found.items() if finding.result == result}
