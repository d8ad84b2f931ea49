"""What a record says of itself: in a line, as a file, as a command, and which metrics have no value."""

import pytest
from helpers.make_records import TASKS, make_clean_record, make_record

from mtrbench.benchmark.protocol.errors import BadInputError
from mtrbench.benchmark.protocol.reading import read_record

RECORD = make_record(damage={"segmentation": 0.5, "depth": 1.25, "normals": 0.75})
UNDEFINED = make_record(damage={"segmentation": 0.5, "depth": None, "normals": 0.75})


def test_a_record_shows_as_one_short_line():
    assert repr(RECORD) == (
        "<Record: dgba-pgd on rooms3-shared.clean (eps 8/255), 256 images of rooms3: ARD 0.833 [0.802, 0.861]>"
    )
    assert repr(make_clean_record(RECORD)) == (
        "<CleanRecord: clean pass on rooms3-shared.clean, 256 images of rooms3: "
        "segmentation miou 0.721 [0.706, 0.735], "
        "depth abs_err 0.376 [0.368, 0.384], normals angle_mean 11.2 [11, 11.4]>"
    )
    assert str(RECORD) == repr(RECORD)


def test_a_record_names_the_metrics_that_are_undefined():
    depth = ("depth.abs_err", "depth.rel_err", "depth.delta1", "depth.delta2", "depth.delta3")
    assert (RECORD.undefined, UNDEFINED.undefined) == ((), depth)
    assert repr(UNDEFINED).endswith(f"ARD undefined for lack of {', '.join(depth)}>")
    assert make_clean_record(RECORD).undefined == ()


def test_a_record_saves_itself_in_a_file_or_a_folder(tmp_path):
    for place in (tmp_path / "a" / "record.json", str(tmp_path / "record.json")):
        path = RECORD.save(place)
        assert str(path) == str(place)
        assert read_record(path) == RECORD
    for place in (tmp_path, tmp_path / "new"):
        assert RECORD.save(place) == place / f"{RECORD.key}.json"
        assert read_record(place / f"{RECORD.key}.json") == RECORD
    with pytest.raises(BadInputError, match=r"not as .*record\.csv"):
        RECORD.save(tmp_path / "record.csv")


def test_the_command_says_everything():
    record = make_record(
        attack="dgba:clean-pgd",
        damage=dict.fromkeys(TASKS, 1.0),
        settings={"reach": 0.1, "random_start": True, "note": "a, b"},
        eps=0.3,
        norm="l2",
        source="rooms3-independent.clean",
    )
    assert record.command() == (
        "mtrbench run --model rooms3-shared.clean --model rooms3-independent.clean "
        """--attack 'dgba:clean-pgd[reach=0.1,random_start=true,note="a, b"]' --dataset rooms3 """
        "--images 256 --norm l2 --eps 0.3 --steps 10 --seed 0 --transfer"
    )
