"""Pictures of what attacks do, and where they are shown."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.commands import assert_refused, mtrbench
from helpers.make_records import make_record
from helpers.nyuv2_formats import FORMATS
from helpers.samples import every_task, sample, task_of
from PIL import Image

from mtrbench import BadInputError
from mtrbench.api.panels import panels
from mtrbench.benchmark.protocol.tasks.classification import Classification
from mtrbench.benchmark.protocol.tasks.regression import Regression
from mtrbench.benchmark.protocol.tasks.shapes import is_dense
from mtrbench.leaderboards.analysis.gallery import Exhibit, read_gallery
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.output.pages import Extras
from mtrbench.leaderboards.site.exhibit import Maps, Shown, Words, coloured, factor, picture
from mtrbench.leaderboards.site.readme import BEGIN, END, with_boards
from mtrbench.leaderboards.site.rows import page_name
from mtrbench.leaderboards.site.suites import suite_files

EXHIBIT = {
    "model": "rooms3-shared.clean",
    "attack": "dgba-pgd",
    "dataset": "rooms3",
    "sample": "rooms-000",
    "norm": "linf",
    "eps": 4.0,
    "factor": 28,
}


def shown(change: float = 0.02) -> Shown:
    draw = np.random.default_rng(0)
    clean = draw.uniform(0.1, 0.9, (3, 8, 8))
    labels, depth, normals = (
        draw.integers(0, 13, (8, 8)).astype(float),
        draw.uniform(1, 5, (8, 8)),
        draw.normal(size=(3, 8, 8)),
    )
    tasks: dict[str, Maps | Words] = {
        "segmentation": Maps(labels, labels, labels, labels=True),
        "depth": Maps(np.where(np.eye(8) > 0, np.nan, depth), depth, depth),
        "normals": Maps(normals, normals, normals),
        "pose": Words("1, 2", "1, $2", "0.5, 2"),
    }
    return Shown(clean, clean + change, tasks, dict.fromkeys(tasks, ("1", "2")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.json").write_text(json.dumps(EXHIBIT))
    (tmp_path / "one.png").write_bytes(picture(shown())[0])
    return tmp_path


def test_the_perturbation_is_drawn_as_large_as_fits() -> None:
    assert factor(shown(0.02)) == 22
    assert factor(shown(0.0)) == 1
    assert factor(shown(-0.9)) == 1


@pytest.mark.parametrize(("size", "taller"), [((8, 8), 1.0), ((6, 8), 0.75)])
def test_a_picture_is_as_high_as_its_images(size: tuple[int, int], taller: float) -> None:
    heights = []
    for high, wide in ((8, 8), size):
        image = np.full((3, high, wide), 0.5)
        with Image.open(io.BytesIO(picture(Shown(image, image, {}, {}))[0])) as drawn:
            assert drawn.width == 1200
            heights.append(drawn.height - 3 * 15)  # but for the titles
    assert heights[1] == pytest.approx(taller * heights[0], abs=1)


def test_the_same_image_gives_the_same_bytes() -> None:
    assert picture(shown()) == picture(shown())


def test_a_panel_says_where_its_map_lies_and_what_its_colours_mean() -> None:
    content, found = picture(shown(), [f"class {label}" for label in "abcdefghijklm"])
    assert [panel.name for panel in found] == ["image", "segmentation", "depth", "normals"]  # a pose is no map
    labels = next(panel for panel in found if panel.name == "segmentation")
    maps = shown().tasks["segmentation"]
    assert isinstance(maps, Maps)
    assert set(labels.classes.values()) <= {f"class {label}" for label in "abcdefghijklm"}
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.asarray(image.convert("RGB")) / 255
    high, wide = pixels.shape[:2]
    for box, wanted in ((labels.clean, coloured(maps)[1]), (labels.attacked, coloured(maps)[2])):
        left, top, width, height = box
        for y, x in np.ndindex(8, 8):
            at = round(high * (top + height * (y + 0.5) / 8)), round(wide * (left + width * (x + 0.5) / 8))
            assert pixels[at] == pytest.approx(wanted[y, x], abs=0.03)
    (depth,) = (panel for panel in found if panel.name == "depth")
    assert depth.scale is not None
    assert 1 <= float(depth.scale[0]) < float(depth.scale[1]) <= 5


def test_maps_of_a_task_share_colours_and_holes_are_grey() -> None:
    for maps in shown().tasks.values():
        if isinstance(maps, Words):
            continue
        truth, before, _ = coloured(maps)
        holes = np.isnan(maps.truth.reshape(-1, 8, 8)).any(axis=0)
        assert np.array_equal(truth[~holes], before[~holes])
        assert (truth[holes] == 0.8).all()
        assert truth.shape == before.shape == (8, 8, 3)
        assert ((before >= 0) & (before <= 1)).all()


@every_task
def test_maps_are_drawn_and_the_rest_is_said(name: str) -> None:
    prediction, truth, invalid = sample(name, dtype=torch.float32)
    found = panels(task_of(name), prediction[:1], prediction[1:2], truth[:1])
    assert isinstance(found, Maps) == is_dense(task_of(name).prediction_shape)
    if isinstance(found, Maps):
        assert np.array_equal(np.isnan(found.truth.reshape(-1, 6, 6)).any(axis=0), invalid[0, 0].numpy())
        assert found.labels == (not truth.is_floating_point())  # whole numbers are classes
        assert not found.labels or np.array_equal(found.before, prediction[0].argmax(dim=0).numpy())


def test_words_say_what_is_known() -> None:
    logits, label = torch.tensor([[0.0, 3.0, 1.0]]), torch.tensor([2])
    assert panels(Classification(3), logits, -logits, label) == Words("2", "1", "0")
    assert panels(Classification(3), logits, -logits, torch.tensor([-1])).truth == "unknown"
    truth = torch.tensor([[1.5, torch.nan]])
    assert panels(Regression(2), truth.nan_to_num(), -truth, truth) == Words("1.5, unknown", "1.5, 0", "-1.5, unknown")
    many = torch.arange(9.0).view(1, 9)
    assert panels(Regression(9), many, many, many).truth == "9 numbers from 0 to 8"


def test_the_command_draws_what_it_says(tiny: Path, tmp_path: Path) -> None:
    run = ["gallery", "--model", tiny, "--attack", "total-pgd", "--attack", "noise", "--image", 0, "--image", 2]
    outcome = mtrbench(*run, "--eps", 8, "--steps", 2, "--out", tmp_path)
    assert outcome.code == 0, outcome.err
    found = read_gallery(tmp_path)
    assert len(found) == 4
    assert {(exhibit.attack, exhibit.eps) for exhibit, _ in found.values()} == {("total-pgd", 8.0), ("noise", 8.0)}
    assert {exhibit.factor for exhibit, _ in found.values()} == {14}  # 0.45 of grey's room over 8/255
    for name in found:
        with Image.open(tmp_path / f"{name}.png") as image:
            assert image.width == 1200


def test_photographs_are_drawn_for_whoever_has_them_and_never_published(tiny: Path, tmp_path: Path) -> None:
    data, out = tmp_path / "nyuv2", tmp_path / "gallery"
    FORMATS["adashare"](data)
    run = ["gallery", "--model", tiny, "--attack", "total-fgsm", "--dataset", "nyuv2", "--data-root", data]
    outcome = mtrbench(*run, "--out", out)
    assert outcome.code == 0, outcome.err
    (picture,), (text,) = out.glob("*.png"), out.glob("*.json")
    assert Exhibit.model_validate(json.loads(text.read_bytes())).caption.startswith("nyuv2-0060 of nyuv2")
    assert picture.stem == text.stem
    assert read_gallery(out) == {}
    text.write_text("[" * 100_000)
    with pytest.raises(BadInputError, match="recursion"):
        read_gallery(out)


def test_other_settings_and_budgets_are_other_pictures(tiny: Path, tmp_path: Path) -> None:
    settings = "[reach=2.0]"
    attack = f"total-pgd{settings}"
    for changes in ([], ["--eps", 8], ["--norm", "l2"], ["--steps", 1], ["--attack", attack]):
        given = changes if "--attack" in changes else ["--attack", "total-pgd", *changes]
        assert mtrbench("gallery", "--model", tiny, "--steps", 2, *given, "--out", tmp_path).code == 0
    shown = [exhibit for exhibit, _ in read_gallery(tmp_path).values()]
    assert len(shown) == 5
    assert {exhibit.attack for exhibit in shown} == {"total-pgd"}
    assert [exhibit.caption for exhibit in shown if exhibit.settings == settings] == [
        f"rooms-000 of rooms3 under {attack}, eps 4/255, 2 steps, seen by tiny"
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image", 1000], "there is no image 1000"),
        (["--attack", "uap"], "looks at all images before it attacks one"),
        (["--attack", "nothing"], "nothing"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tiny: Path, tmp_path: Path, arguments: list[Any], message: str) -> None:
    attack = [] if "--attack" in arguments else ["--attack", "total-fgsm"]
    assert_refused(mtrbench("gallery", "--model", tiny, *attack, *arguments, "--out", tmp_path), message)
    assert not list(tmp_path.iterdir())


def test_the_gallery_is_on_the_site_where_it_belongs(folder: Path) -> None:
    records = [make_record(model, attack) for model in (EXHIBIT["model"], "other") for attack in ("dgba-pgd", "noise")]
    found = suite_files({"": group(records)}, read_gallery(folder), Extras(site=True))
    assert found["gallery/one.png"] == (folder / "one.png").read_bytes()
    pages = {
        name: found[f"site/{name}"].decode()
        for name in ("index.html", page_name("model", "rooms3-shared.clean"), page_name("attack", "dgba-pgd"))
    }
    assert all('src="../gallery/one.png"' in text for text in pages.values())
    for other in (page_name("model", "other"), page_name("attack", "noise")):
        assert b"gallery/one.png" not in found[f"site/{other}"]
    # The page of an attack whose label says its settings, too.
    longer = [*records, make_record(settings={"steps": 20})]
    longer = suite_files({"": group(longer)}, read_gallery(folder), Extras(site=True))
    for label in ("dgba-pgd [steps=10]", "dgba-pgd [steps=20]"):
        assert b"gallery/one.png" in longer[f"site/{page_name('attack', label)}"]


def test_the_readme_shows_the_first_exhibits(folder: Path) -> None:
    text = with_boards(f"{BEGIN}{END}", {"": group([make_record()])}, read_gallery(folder))
    assert 'src="leaderboards/published/gallery/one.png"' in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eps": -1}, "eps"),
        ({"eps": float("nan")}, "eps"),
        ({"model": "a|b"}, "model"),
        ({"sample": "<script>alert(1)</script>"}, "sample"),
        ({"colour": 1}, "colour"),
        ({"factor": 0}, "factor"),
    ],
)
def test_a_broken_text_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    (folder / "one.json").write_text(json.dumps({**EXHIBIT, **change}))
    with pytest.raises(BadInputError, match=rf"one\.json.*{message}"):
        read_gallery(folder)


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n" + bytes(2**20)])
def test_a_broken_picture_is_refused(folder: Path, content: bytes) -> None:
    (folder / "one.png").write_bytes(content)
    with pytest.raises(BadInputError, match=r"one\.png is no PNG of 1 MiB"):
        read_gallery(folder)


def test_a_picture_without_a_text_is_refused(folder: Path) -> None:
    (folder / "one.json").unlink()
    with pytest.raises(BadInputError, match="one has no text"):
        read_gallery(folder)
    assert read_gallery(folder / "none") == {}
    assert Exhibit.model_validate(EXHIBIT).caption.startswith("rooms-000 of rooms3")
