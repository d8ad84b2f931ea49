"""What the site says of models and attacks: cards, and maths with their sources."""

from __future__ import annotations

from helpers.make_records import make_record

from mtrbench.attacks.registry import attack_facts, load_attack
from mtrbench.cli.library import library, maths
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.site.library import with_papers
from mtrbench.leaderboards.site.rows import page_name
from mtrbench.leaderboards.site.site import site_files


def test_a_page_has_the_card_and_the_maths_of_what_is_here() -> None:
    records = [make_record(), make_record("from-elsewhere", "dgba-pgd", facts={"twin": None})]
    found = library(
        [*records, make_record(attack="mgda-pgd", damage=dict.fromkeys(("segmentation", "depth", "normals"), 1.0))]
    )
    assert set(found.cards) == {"rooms3-shared.clean"}
    assert {"dgba-pgd"} <= set(found.maths)
    site = site_files({"": group(records)}, {}, library=found)
    page = site[page_name("attack", "dgba-pgd")].decode()
    assert '<a href="https://arxiv.org/abs/2305.12066" rel="noreferrer">arXiv 2305.12066</a>' in page
    assert "integer linear program" in page
    assert "Raises" not in page
    assert "licence: MIT" in site[page_name("model", "rooms3-shared.clean")].decode()
    assert "Model card" not in site[page_name("model", "from-elsewhere")].decode()


def test_an_unknown_attack_has_no_maths() -> None:
    assert maths("no-such-attack") == ()


def test_an_ensemble_says_what_its_members_do() -> None:
    said = " ".join(maths("auto"))
    for member in attack_facts("auto", load_attack("auto")).members:
        assert f"`{member}`: " in said
    assert "arXiv" in said


def test_what_is_said_of_an_attack_is_text() -> None:
    link = '<a href="https://arxiv.org/abs/1706.06083" rel="noreferrer">arXiv 1706.06083</a>'
    assert with_papers("<b> & `x` (arXiv 1706.06083)") == f"&lt;b&gt; &amp; <code>x</code> ({link})"
