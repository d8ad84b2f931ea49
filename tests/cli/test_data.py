"""`mtrbench data`: data sets on disk, looked at, converted and drawn."""

from __future__ import annotations

import io
import json
import re
import shutil

import numpy as np
import pytest
from helpers.commands import assert_refused, mtrbench
from helpers.damages import npy, png, truncated
from helpers.nyuv2_files import tasks
from helpers.nyuv2_formats import CLASSES, FORMATS, SIZE, TEST, TRAIN, adashare, official, scenes, truth_of
from helpers.photographs import nyuv2_samples, root_of
from helpers.taskonomy_files import write_view
from PIL import Image

from mtrbench.api.contact_sheet import preview
from mtrbench.api.data import verify
from mtrbench.api.preparing import prepare
from mtrbench.benchmark.datasets.disk.surface import derived_normals
from mtrbench.benchmark.datasets.nyuv2 import KINECT, nyuv2
from mtrbench.benchmark.datasets.nyuv2.prepared import write_sample
from mtrbench.benchmark.protocol.errors import BadInputError

ONE = ("--workers", 1)


class TestVerify:
    @pytest.mark.parametrize("name", FORMATS)
    def test_every_format_is_counted_and_its_digest_is_that_of_cells(self, tmp_path, name):
        FORMATS[name](tmp_path)
        found = verify("nyuv2", tmp_path, workers=1)
        classes, truth = CLASSES.get(name, (40,))[0], truth_of(name)
        assert found.sound
        assert (found.format.name, found.classes, found.tasks) == (name.split()[0], classes, (*truth,))
        assert {split: one.samples for split, one in found.splits.items()} == {"test": TEST, "train": TRAIN}
        for split, one in found.splits.items():
            dataset = nyuv2(tasks(*truth, classes=classes), tmp_path, SIZE, split=split)
            assert (one.size, one.sha256) == (SIZE, dataset.sha256)

    def test_numbers_are_those_of_the_pixels(self, tmp_path):
        adashare(tmp_path)
        layers = verify("nyuv2", tmp_path, workers=1).splits["test"].survey.layers
        depth = np.stack([one.depth for one in scenes()["test"]])
        labels = np.stack([one.labels for one in scenes()["test"]])
        known = depth[depth > 0].astype(float)
        found = layers["depth"]
        assert (found.valid, found.least, found.most) == (known.size, known.min(), known.max())
        assert found.total == pytest.approx(known.sum())
        counts = np.bincount(labels[labels != 255], minlength=40)
        assert layers["segmentation"].classes == {label: count for label, count in enumerate(counts.tolist()) if count}
        assert layers["segmentation"].valid == (labels != 255).sum()
        invalid = np.stack([(one.colours == 255).all(axis=-1) for one in scenes()["test"]])
        assert layers["normals"].pixels - layers["normals"].valid == invalid.sum()

    def test_the_digest_of_a_model_at_its_size(self, tmp_path):
        adashare(tmp_path)
        found = verify("nyuv2", tmp_path, classes=13, size=(6, 8), workers=1)
        assert found.splits["train"].sha256 == nyuv2(tasks(classes=13), tmp_path, (6, 8), split="train").sha256

    def test_as_text(self, tmp_path):
        adashare(tmp_path)
        outcome = mtrbench("data", "verify", "nyuv2", "--data-root", tmp_path, *ONE)
        assert outcome.code == 0
        for part in (
            f"nyuv2 in {tmp_path}, format adashare",
            "test: 3 samples of 654",
            "train: 2 samples of 795",
            "nothing is missing, broken or doubtful",
            "no pixel of: ",
            "is offered at https://cs.nyu.edu",
        ):
            assert part in outcome.out

    def test_as_json(self, tmp_path):
        official(tmp_path)
        outcome = mtrbench("data", "verify", "nyuv2", "--data-root", tmp_path, "--classes", 13, "--json", *ONE)
        found = json.loads(outcome.out)
        assert (found["format"], found["sound"], found["classes"]) == ("official", True, 13)
        assert found["splits"]["test"]["layers"]["depth"]["sizes"] == {f"{SIZE[0]}x{SIZE[1]}": TEST}

    def test_all_that_is_wrong_is_told_at_once(self, tmp_path):
        adashare(tmp_path)
        truncated(tmp_path / "img/0060.png")
        (tmp_path / "seg/0061.png").unlink()
        npy(lambda depth: 1000 * depth)(tmp_path / "depth/0061.npy")
        png(lambda pixels: pixels[1:])(tmp_path / "normal_mask/0062.png")
        outcome = mtrbench("data", "verify", "nyuv2", "--data-root", tmp_path, *ONE)
        assert outcome.code == 1
        for said in (
            "missing: .*seg/0061.png",
            "fault: .*img/0060.png cannot be read as a PNG image",
            "fault: .*depth/0061.npy .*millimetres",
            "fault: .*normal_mask/0062.png is 23x32, but its photograph 24x32",
            "no digest",
        ):
            assert re.search(said, outcome.out), said

    def test_many_faults_are_told_as_a_number(self, tmp_path):
        for number in range(25):
            write_view(tmp_path, "ihlen", f"point_{number}_view_0", 0)
            (tmp_path / f"normal/ihlen/point_{number}_view_0_domain_normal.png").write_bytes(b"")
        outcome = mtrbench("data", "verify", "taskonomy", "--data-root", tmp_path, *ONE)
        assert outcome.code == 1
        assert outcome.out.count("fault: ") == 21
        assert "fault: 5 more" in outcome.out
        assert "train: not there: " in outcome.out

    def test_refusals(self, tmp_path):
        assert_refused(mtrbench("data", "verify", "nyuv2"), "say where the data lies: --data-root FOLDER")
        assert_refused(mtrbench("data", "verify", "nyuv2", "--data-root", tmp_path), "no known layout of nyuv2")
        assert_refused(mtrbench("data", "verify", "nyuv", "--data-root", tmp_path), "unknown data set 'nyuv'")
        words = "data set rooms3 is none of those that lie in a folder: nyuv2, taskonomy, cityscapes"
        assert_refused(mtrbench("data", "verify", "rooms3", "--data-root", tmp_path), words)
        adashare(tmp_path)
        outcome = mtrbench("data", "verify", "nyuv2", "--data-root", tmp_path, "--classes", 12)
        assert_refused(outcome, "40 or 13 segmentation classes, not 12")

    def test_genuine_samples(self):
        found = verify("nyuv2", nyuv2_samples(), workers=1)
        assert found.sound
        assert found.splits["test"].samples == 4
        assert "is missing" in (found.splits["train"].absent or "")

    @pytest.mark.long
    def test_the_whole(self):
        root = root_of("nyuv2")
        found = verify("nyuv2", root, classes=13, workers=2)
        assert found.sound
        assert {split: one.samples for split, one in found.splits.items()} == {"test": 654, "train": 795}
        for split, one in found.splits.items():
            assert one.sha256 == nyuv2(tasks(classes=13), root, one.size, split=split).sha256


class TestPrepare:
    @pytest.fixture
    def root(self, tmp_path):
        (tmp_path / "mat").mkdir()
        official(tmp_path / "mat")
        return tmp_path / "mat"

    @pytest.mark.parametrize("size", [SIZE, (12, 16), (10, 10)])
    def test_what_is_written_reads_as_the_source_does(self, root, out, size):
        done = prepare("nyuv2", root, out, size=size, workers=1)
        assert (done.samples, done.written) == (TEST + TRAIN, TEST + TRAIN)
        for split in ("test", "train"):
            before = nyuv2(tasks("segmentation", "depth"), root, size, split=split)
            after = nyuv2(tasks(), out, size, split=split)
            assert after.ids == before.ids
            one, two = (data.batch(range(len(data.ids))) for data in (before, after))
            assert (one.x == two.x).all()
            assert all((one.truth[task] == two.truth[task]).all() for task in one.truth)
            for index in range(len(after.ids)):
                depth, labels = (two.truth[task][index].numpy() for task in ("depth", "segmentation"))
                derived = derived_normals(depth[0], labels, KINECT.fitted(size))
                found = two.truth["normals"][index].permute(1, 2, 0).numpy()
                np.testing.assert_array_equal((found != 0).any(axis=-1), (derived != 0).any(axis=-1))
                np.testing.assert_allclose(found, derived, atol=0.01)  # 8 bits
        assert verify("nyuv2", out, workers=1).sound

    def test_what_was_interrupted_goes_on_and_is_no_data_set_before(self, root, out, monkeypatch):
        calls = []

        def interrupted(work):
            calls.append(work)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return write_sample(work)

        monkeypatch.setattr("mtrbench.api.preparing.write_sample", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepare("nyuv2", root, out, size=(12, 16), workers=1)
        with pytest.raises(BadInputError, match="only partly prepared; run the same mtrbench data prepare again"):
            nyuv2(tasks(), out)
        monkeypatch.undo()
        assert prepare("nyuv2", root, out, size=(12, 16), workers=1).written == TEST + TRAIN - 2
        files = {path: path.read_bytes() for path in out.rglob("*.*")}
        assert prepare("nyuv2", root, out, size=(12, 16), workers=1).written == 0
        (out / "depth/0002.npy").unlink()
        assert prepare("nyuv2", root, out, size=(12, 16), workers=1).written == 1
        assert {path: path.read_bytes() for path in out.rglob("*.*")} == files

    def test_the_folder_says_what_it_is(self, root, out):
        outcome = mtrbench("data", "prepare", "nyuv2", "--data-root", root, "--out", out, "--size", "12x16", *ONE)
        assert (outcome.code, outcome.out.strip()) == (0, f"{out}: {TEST + TRAIN} samples, {TEST + TRAIN} written now")
        about = json.loads((out / "prepared.json").read_text())
        assert about == {
            "data set": "nyuv2",
            "size": [12, 16],
            "source": "official",
            "normals": "derived from depth by plane fits",
        }

    def test_normals_of_the_source_are_kept(self, tmp_path, out):
        (tmp_path / "mt").mkdir()
        FORMATS["nyud_mt"](tmp_path / "mt")
        prepare("nyuv2", tmp_path / "mt", out, size=SIZE, workers=1)
        normals = nyuv2(tasks(), out, SIZE).batch([0]).truth["normals"][0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(normals, scenes()["test"][0].normals, atol=0.01)

    def test_refusals(self, root, out, tmp_path):
        def refused(*words, name="nyuv2", source=root, place=out, size="12x16"):
            outcome = mtrbench("data", "prepare", name, "--data-root", source, "--out", place, "--size", size, *ONE)
            assert_refused(outcome, *words)

        refused("only nyuv2 is prepared; taskonomy is read as it is", name="taskonomy")
        refused("holds files already, and none of mtrbench data prepare", place=root)
        (tmp_path / "mtan").mkdir()
        FORMATS["mtan"](tmp_path / "mtan")
        refused("in the format mtan has no 40 classes to prepare from", source=tmp_path / "mtan")
        assert not out.exists()
        prepare("nyuv2", root, out, size=(12, 16), workers=1)
        refused("was prepared with another size; give another --out", size="6x8")
        (out / "prepared.json").write_text("{")
        refused("prepared.json cannot be read as what mtrbench data prepare wrote")


class TestPreview:
    def test_a_sheet_shows_every_layer_of_every_sample(self, tmp_path):
        adashare(tmp_path)
        sheet = ("--out", tmp_path / "sheet.png", "--images", 2)
        outcome = mtrbench("data", "preview", "nyuv2", "--data-root", tmp_path, *sheet)
        assert (outcome.code, outcome.out.strip()) == (0, str(tmp_path / "sheet.png"))
        two = Image.open(tmp_path / "sheet.png")
        three = Image.open(io.BytesIO(preview("nyuv2", tmp_path, images=3)))
        assert three.width == two.width
        assert three.height > 1.3 * two.height
        assert len(set(two.convert("RGB").get_flattened_data())) > 500

    def test_more_than_there_are_is_all_of_them(self, tmp_path):
        adashare(tmp_path)
        assert preview("nyuv2", tmp_path, images=9) == preview("nyuv2", tmp_path, images=TEST)

    def test_layers_without_truth_are_drawn_too(self, tmp_path):
        write_view(tmp_path, "ihlen", "point_0_view_0", 0)
        labels = tmp_path / "segment_semantic/ihlen/point_0_view_0_domain_segmentsemantic.png"
        depth = tmp_path / "depth_zbuffer/ihlen/point_0_view_0_domain_depth_zbuffer.png"
        png(np.zeros_like)(labels)
        with pytest.raises(BadInputError, match="100 % of the labels are void"):
            preview("taskonomy", tmp_path)
        png(lambda pixels: pixels + 1)(labels)
        png(lambda pixels: np.full_like(pixels, 65535))(depth)
        assert preview("taskonomy", tmp_path)[:4] == b"\x89PNG"

    def test_refusals(self, tmp_path):
        adashare(tmp_path)
        outcome = mtrbench("data", "preview", "nyuv2", "--data-root", tmp_path, "--split", "all")
        assert_refused(outcome, "has the splits test and train, not 'all'")
        shutil.rmtree(tmp_path / "depth")
        outcome = mtrbench("data", "preview", "nyuv2", "--data-root", tmp_path, "--out", tmp_path / "sheet.png")
        assert_refused(outcome, "lacks the file", "0060.npy")
        assert not (tmp_path / "sheet.png").exists()
