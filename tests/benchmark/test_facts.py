"""What records say of attacks comes from the attacks' objects, and says of old names what these said."""

import json

import pytest
from helpers.make_records import make_record

from mtrbench import load_attack
from mtrbench.attacks.listing import full_names
from mtrbench.attacks.registry import attack_facts
from mtrbench.benchmark.protocol.facts import AttackFacts
from mtrbench.benchmark.protocol.migration import attack_facts as of_schema_3
from mtrbench.benchmark.protocol.migration import migrated
from mtrbench.benchmark.protocol.reading import read_record

OPTIMIZERS_3 = ("fgsm", "pgd", "mim", "ni", "vmi", "apgd")
WHOLE_3 = ("noise", "noise:uniform", "segpgd", "cospgd", "auto-saga", "square", "uap")
# What has been registered since schema 3 was never written under it; auto had other members then.
PRODUCTS_3 = [
    name
    for name in full_names(["segmentation", "depth"])
    if name.rpartition("-")[2] in OPTIMIZERS_3 and not name.startswith("in-turn:")
]


@pytest.mark.parametrize("name", [*PRODUCTS_3, "dgba:clean-pgd", *WHOLE_3, "worst-of:total-pgd,dgba-pgd"])
def test_objects_say_what_schema_3_said_by_name(name):
    facts = attack_facts(name, load_attack(name))
    assert AttackFacts(**of_schema_3(name)) == facts


def test_a_record_of_schema_3_is_read_as_it_would_be_written_today(tmp_path):
    record = make_record(
        attack="dgba-protected:depth-pgd", damage=dict.fromkeys(("segmentation", "depth", "normals"), 1.0)
    )
    content = record.model_dump(mode="json", by_alias=True)
    old = {name: value for name, value in content.items() if not name.endswith("_facts")}
    old |= {"schema": 3, "facts": content["model_facts"]}
    assert migrated(old) == content | {"attack_facts": of_schema_3(record.attack.name)}
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))
    assert read_record(path) == record
