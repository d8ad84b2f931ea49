"""A submission checked and put into a checkout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.files import write_atomically
from ..benchmark.protocol.records import Record
from .attack_checks import examine_attack
from .means import Means
from .model_checks import examine_model
from .records import PUBLISHED, records_at
from .replay import made_again
from .resolver import found_models
from .submission import ENDING, IMAGES, Handed, archived, opened
from .submission_checks import Findings, examine_submission

SUBMISSIONS = Path("submissions")
"""Where a checkout holds what was handed in, a file each."""


@dataclass(frozen=True)
class Submitted:
    """What was found, and the file that was written, None if a property failed."""

    findings: Findings
    path: Path | None


def validate_submission(place: Path, means: Means) -> Findings:
    """What was found of every property of a submission in a folder or file, as `examine_submission` says."""
    with opened(place) as handed:
        return examine_submission(handed, means, records_at([PUBLISHED])).findings


def submit(folder: Path, checkout: Path, means: Means, make_images: int = 0) -> Submitted:
    """Check a submission, and what it hands in, and write it into a checkout as one file.

    The attacks and models run here, where their authors are: they must have the properties of `mtrbench validate`. For
    `make_images` records without adversarial images these are made first, and put into the folder. Raises BadInputError
    for what cannot be read, for a folder that is no checkout, and where another submission has the name.
    """
    if not (checkout / "leaderboards" / "records").is_dir():
        raise BadInputError(f"{checkout} is no checkout of this repository; say where it is by --checkout")
    with opened(folder) as handed:
        if make_images:
            _make_images(handed, means, make_images)
    with opened(folder) as handed:
        examined = examine_submission(handed, means, records_at([PUBLISHED]))
        findings = {**examined.findings, **_kits(handed, means)}
        if any(finding.result == "fail" for finding in findings.values()):
            return Submitted(findings, None)
        content = archived(handed, examined.records)
        path = checkout / SUBMISSIONS / f"{handed.manifest.submission.name}.zip"
        if path.exists() and path.read_bytes() != content:
            raise BadInputError(f"{path} is there already, and nothing is overwritten; choose another name")
        write_atomically(path, content)
        return Submitted(findings, path)


def _kits(handed: Handed, means: Means) -> Findings:
    """What the conformance kits find of everything that is handed in."""
    found: Findings = {}
    for attack in handed.manifest.attacks:
        for title, finding in examine_attack(attack, data_root=means.data_root).items():
            found[f"{attack}: {title}"] = finding
    card = handed.manifest.card
    for model in [str(handed.folder / card)] if card else handed.manifest.models:
        data = next((of.cell.dataset.name for of in handed.records if of.cell.model.name == model), None)
        for title, finding in examine_model(model, None if card else data, means.data_root).items():
            found[f"{Path(model).parent.name if card else model}: {title}"] = finding
    return {title: finding for title, finding in found.items() if finding.result != "does not apply"}


def _make_images(handed: Handed, means: Means, count: int) -> None:
    lacking = [of for of in handed.records if isinstance(of, Record) and of.key not in handed.images]
    for record in lacking[:count]:
        models = found_models({record.cell.model.name, *([record.cell.source.name] if record.cell.source else [])})
        write_atomically(handed.folder / IMAGES / f"{record.key}{ENDING}", made_again(record, means, models))
