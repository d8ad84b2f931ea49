"""Whether a submission is what it says, found out without a line of the code that is handed in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..benchmark.datasets.registry import load_dataset
from ..benchmark.protocol.cells import PROTOCOL_VERSION, ModelRef
from ..benchmark.protocol.errors import BadInputError
from ..benchmark.protocol.findings import Finding
from ..benchmark.protocol.provenance import Supersession
from ..benchmark.protocol.records import AnyRecord, Record
from ..benchmark.protocol.tasks.registry import KIND, task_settings, tasks_of
from ..leaderboards.analysis.comparison import compare_pair
from ..leaderboards.analysis.selection import about
from ..leaderboards.analysis.verdicts import Repeats
from ..models.card import Card, read_card
from ..models.registry import MODELS, find_model
from .evidence import found_again
from .identity import dataset_ref, model_ref
from .means import Means
from .replay import replayed
from .submission import Claim, Handed

CLAIM = Repeats(absolute=0.005, relative=0.01)
"""How near a claim must be to what the records say: three digits, or two of small numbers."""

Findings = dict[str, Finding]


@dataclass(frozen=True)
class Examined:
    """What was found of a submission by property, and its records with evidence and with what they supersede."""

    findings: Findings
    records: list[AnyRecord]

    @property
    def failed(self) -> bool:
        return any(finding.result == "fail" for finding in self.findings.values())


def examine_submission(handed: Handed, means: Means, published: Sequence[AnyRecord]) -> Examined:
    """Every property of a submission; `published` are the records that it may supersede.

    Records are checked against the data and models at hand, adversarial images against range and budget, scores against
    what comes out of the images, claims against the records. Neither attack nor network that is handed in is loaded.
    """
    found: Findings = {"submission": Finding("pass", f"{handed.manifest.submission.name}, {_count(handed.records)}")}
    found["records"] = _finding(_of_others(handed), f"all of what is handed in, protocol {PROTOCOL_VERSION}")
    card = _card(handed, found)
    found["models"], found["data"] = _at_hand(handed, means, card)
    records, found["images"], found["scores"] = _recomputed(handed, means)
    found["claims"] = _claims(handed)
    replacing, found["supersedes"] = _superseding(handed, published)
    return Examined(found, [_stamped(record, handed, replacing) for record in records])


def _of_others(handed: Handed) -> Iterator[str]:
    """What is wrong with records: those of something else, and what only others may say of them."""
    manifest = handed.manifest
    if not any(isinstance(record, Record) for record in handed.records):
        yield "there is none of an attack"
    for record in handed.records:
        cell, title = record.cell, f"{record.cell.title} ({record.key[:10]})"
        attack = cell.attack.name if cell.attack else None
        if cell.protocol != PROTOCOL_VERSION:
            yield f"{title} is of protocol {cell.protocol}"
        if attack not in manifest.attacks and cell.model.name not in manifest.models and attack is not None:
            yield f"{title} is neither of the attacks nor on the models that are handed in"
        if any(one.kind != "recomputed" for one in record.evidence):
            yield f"{title} says that it was re-run, which others have to say"
        if any(one.images != _digest(handed.images.get(record.key)) for one in record.evidence):
            yield f"{title} says that it was recomputed, of images that are not there"
        if record.submission not in (None, manifest.submission):
            yield f"{title} was handed in by others"
        if isinstance(record, Record) and record.invalidated:
            yield f"{title} is invalidated"


def _card(handed: Handed, found: Findings) -> Card | None:
    """The card that is handed in, whose weights are looked at and not loaded."""
    if handed.manifest.card is None:
        return None
    path = handed.folder / handed.manifest.card
    try:
        card = read_card(path)
        weights = path.parent / card.weights.file
        if _digest(weights if weights.is_file() else None) != card.weights.sha256:
            raise BadInputError(f"the weights {card.weights.file} are not there, or not those of the card")
        if card.name not in handed.manifest.models:
            raise BadInputError(f"the card is of {card.name}, which models of {path.parent.name} does not name")
        shas = {of.cell.model.sha256 for of in handed.records if of.cell.model.name == card.name}
        if shas != {card.weights.sha256}:
            raise BadInputError(f"the records are not of the card's weights {card.weights.sha256[:12]}...")
    except BadInputError as error:
        found["card"] = Finding.of(error)
        return None
    found["card"] = Finding("pass", f"{card.name}, weights {card.weights.sha256[:12]}...")
    return card


def _at_hand(handed: Handed, means: Means, card: Card | None) -> tuple[Finding, Finding]:
    """Whether models and data sets that the records name are those at hand; what is not at hand is a flag."""
    wrong: dict[str, list[str]] = {"models": [], "data": []}
    absent: dict[str, list[str]] = {"models": [], "data": []}
    seen: set[object] = set()
    for record in handed.records:
        cell = record.cell
        for model in (cell.model, cell.source):
            if model is None or model in seen or (card and model.name == card.name):
                continue
            seen.add(model)
            if model.name in handed.manifest.models or model.code or model.name not in MODELS.entries:
                absent["models"].append(model.name)
            elif model_ref(find_model(model.name)) != model:
                wrong["models"].append(f"{model.name} has other weights here")
        data, tasks = cell.dataset, repr(cell.tasks)
        if (data, tasks) in seen:
            continue
        seen.add((data, tasks))
        try:
            own = tasks_of(cell.tasks)
        except BadInputError as error:
            outside = any(":" in str(settings.get(KIND, "")) for settings in cell.tasks.values())
            (absent if outside else wrong)["data"].append(f"the tasks of {data.name}: {error}")
            continue
        try:
            source = load_dataset(data.name, own, root=means.data_root, size=data.size, images=data.images)
        except BadInputError as error:
            absent["data"].append(f"{data.name}: {error}")
            continue
        if dataset_ref(data.name, source, data.size) != data:
            wrong["data"].append(f"{data.name} holds other images here")
        if task_settings(own) != cell.tasks:
            wrong["data"].append(f"the tasks of {data.name} have other versions here")
    return (
        _finding(wrong["models"], "the same here", [f"not at hand: {name}" for name in absent["models"]]),
        _finding(wrong["data"], "the same here", [f"not at hand: {name}" for name in absent["data"]]),
    )


def _recomputed(handed: Handed, means: Means) -> tuple[list[AnyRecord], Finding, Finding]:
    """The records, those with evidence whose images give their scores, and what was found of images and scores."""
    records = {record.key: record.model_copy(update={"evidence": ()}) for record in handed.records}
    bad_images, bad_scores, exact = [], [], 0
    for key, path in handed.images.items():
        record = records.get(key)
        if not isinstance(record, Record):
            bad_images.append(f"{path.name} is called like no record of an attack")
            continue
        strange = [name for name in _models(record) if not _is_own(name)]
        if strange:
            bad_images.append(f"{path.name}: nobody can score it without the code of {strange[0].name}")
            continue
        try:
            again = replayed(record, path, means, {one.name: one.name for one in _models(record)})
        except BadInputError as error:
            bad_images.append(f"{path.name}: {error}")
            continue
        compared = compare_pair(record, again, Repeats())
        if compared.failing or compared.obstacle:
            bad_scores.append(f"{record.cell.title}: {compared.found}")
            continue
        exact += compared.verdict == "same"
        records[key] = found_again(record, "recomputed", again.environment, compared.verdict == "same", path)
    count = len(handed.images)
    none = Finding("does not apply", "no adversarial images are handed in: the scores are claimed")
    if not count:
        return [*records.values()], none, none
    images = _finding(bad_images, f"{count} files, every image within range and budget")
    scores = _finding(bad_scores, f"{count - len(bad_images)} recomputed, {exact} of them to the digit")
    return [*records.values()], images, scores


def _claims(handed: Handed) -> Finding:
    if not handed.manifest.claims:
        return Finding("does not apply", "none")
    wrong = [fault for claim in handed.manifest.claims if (fault := _fault(claim, handed.records))]
    return _finding(wrong, f"{len(handed.manifest.claims)} are what the records say")


def _fault(claim: Claim, records: Iterable[AnyRecord]) -> str:
    """Why a claim does not hold, "" if it does."""
    meant = [
        record
        for record in records
        if isinstance(record, Record)
        and (record.cell.model.name, record.attack.name) == (claim.model, claim.attack)
        and claim.eps in (None, record.threat.eps)
    ]
    title = f"{claim.score} of {claim.attack} on {claim.model}"
    if len(meant) != 1:
        return f"{title}: {len(meant)} records are of it; say eps too, or hand in one"
    found = {"ard": meant[0].degradation.ard, **meant[0].degradation.tasks}
    if claim.score not in found:
        return f"{title}: there is no such score; known: {', '.join(found)}"
    value = found[claim.score].value
    near = value is not None and CLAIM.near(value, claim.value)
    return "" if near else f"{title} is {found[claim.score]}, and not {claim.value:g}"


def _superseding(handed: Handed, published: Sequence[AnyRecord]) -> tuple[Mapping[str, Supersession], Finding]:
    """By the key of a new record what it takes the place of."""
    submission, wrong, found = handed.manifest.submission, [], {}
    known = {record.key: record for record in published}
    for old in handed.manifest.supersedes:
        record = known.get(old.key)
        if not isinstance(record, Record):
            wrong.append(f"no published record of an attack has the key {old.key[:12]}...")
            continue
        likely = [new for new in handed.records if isinstance(new, Record) and about(new) == about(record)]
        if len(likely) != 1 or likely[0].key in found or likely[0].key == old.key:
            wrong.append(f"{len(likely)} records are about what {old.key[:12]}... is about, and one must be")
            continue
        author = ", ".join(submission.authors)[:500]
        found[likely[0].key] = Supersession(key=old.key, reason=old.reason, author=author, date=submission.date)
    if not handed.manifest.supersedes:
        return {}, Finding("does not apply", "nothing")
    return found, _finding(wrong, f"{len(found)} records, which stay where they are")


def _stamped(record: AnyRecord, handed: Handed, replacing: Mapping[str, Supersession]) -> AnyRecord:
    update: dict[str, object] = {"submission": handed.manifest.submission}
    if record.key in replacing:
        update["supersedes"] = replacing[record.key]
    return record.model_copy(update=update)


def _models(record: Record) -> list[ModelRef]:
    return [model for model in (record.cell.model, record.cell.source) if model is not None]


def _is_own(model: ModelRef) -> bool:
    """Whether a model is this repository's, with the weights and the code that are here."""
    return model.code is None and model.name in MODELS.entries and model_ref(find_model(model.name)) == model


def _digest(path: Path | None) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def _finding(wrong: Iterable[str], right: str, flags: Sequence[str] = ()) -> Finding:
    faults = [*wrong]
    if faults:
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        return Finding("fail", "; ".join(faults[:3]) + more)
    return Finding("flag", "; ".join(flags)) if flags else Finding("pass", right)


def _count(records: Sequence[AnyRecord]) -> str:
    return f"{len(records)} record{'' if len(records) == 1 else 's'}"
