"""The site: the same bytes every time, whole pages, links that lead somewhere, and names that are never markup."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from helpers.boards import table
from helpers.make_records import BALANCINGS, MODELS, TASKS, all_records, estimate, loss_records, make_record

from mtrbench.leaderboards.analysis.flags import MEANINGS, NOISE, flags
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.boards.attacks import attack_boards
from mtrbench.leaderboards.boards.models import model_boards
from mtrbench.leaderboards.boards.pairs import pair_board
from mtrbench.leaderboards.boards.strongest import strongest_board
from mtrbench.leaderboards.output.render import texts
from mtrbench.leaderboards.site.html_table import html_table, prose
from mtrbench.leaderboards.site.measured import record_file
from mtrbench.leaderboards.site.rows import page_name
from mtrbench.leaderboards.site.sections import suite_page
from mtrbench.leaderboards.site.site import SCRIPTS, site_files

FORMATS = ("csv", "json", "tex")
ENDING_BY_THEMSELVES = {"td", "th", "tr"}
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta"}
PICTURES = {
    f"{suite}/{name}.svg": b"" for suite in ("first", "second") for name in ("tradeoff", "heatmap-attacks-models")
}


class Page(HTMLParser):
    """A page's elements in order; raises where one is closed that is not the last one opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"an attribute of {tag} stands twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        while tag not in ENDING_BY_THEMSELVES and self.open[-1] in ENDING_BY_THEMSELVES:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]

    def shape(self):
        """How often which element has which attributes: what a name must not change."""
        return Counter((tag, tuple(attributes)) for tag, attributes in self.elements)


def suites():
    first = [
        *all_records(),
        make_record(attack="mgda-pgd", damage={"segmentation": None, "depth": 1.0, "normals": 1.0}),
    ]
    first.append(make_record(attack="wgd-pgd", damage=dict.fromkeys(TASKS, 0.5), diagnostics={"noise": estimate(2.0)}))
    return {"first": first, "second": loss_records(BALANCINGS[:1])}


@pytest.fixture(scope="module")
def site():
    return site_files({name: group(records) for name, records in suites().items()}, PICTURES)


@pytest.fixture(scope="module")
def pages(site):
    return {name: Page(content.decode()) for name, content in site.items() if name.endswith(".html")}


def test_same_records_same_bytes_in_any_order(site):
    random = np.random.default_rng(1)
    shuffled = {name: [records[i] for i in random.permutation(len(records))] for name, records in suites().items()}
    assert site_files({name: group(records) for name, records in reversed(shuffled.items())}, PICTURES) == site


def test_a_page_per_suite_model_and_attack_and_nothing_else(site):
    records = [record for part in suites().values() for record in part]
    models = {page_name("model", record.cell.model.name) for record in records}
    attacks = {page_name("attack", record.attack.name) for record in records}
    own = {"index.html", "site.css", *SCRIPTS, *map(suite_page, suites())}
    behind = {record_file(suite, record) for suite, found in suites().items() for record in found}
    assert set(site) == {*own, *models, *attacks, *behind}


def test_every_page_is_whole(pages):
    for page in pages.values():
        assert [tag for tag, _ in page.elements[:2]] == ["html", "head"]
        assert [tag for tag, _ in page.elements[: [*page.elements].index(("body", {}))]].count("title") == 1
        assert len(page.all("h1")) == len(page.all("main")) == 1
        assert all(attributes["lang"] == "en" for attributes in page.all("html"))
        ids = page.values("id")
        assert len(ids) == len(set(ids))
        assert {word for value in page.values("aria-labelledby") for word in value.split()} <= set(ids)


def test_titles_tell_the_pages_apart(site):
    titles = [re.search(r"<title>([^<]+)</title>", site[name].decode())[1] for name in site if name.endswith(".html")]
    assert len(set(titles)) == len(titles)


def test_every_table_has_a_caption_and_heads(pages):
    for page in pages.values():
        tables = len(page.all("table"))
        assert tables == len(page.all("caption")) > 0
        assert {attributes["scope"] for attributes in page.all("th")} == {"col", "row"}
        sorting = [table.get("class") for table in page.all("table")].count("sorts")
        assert sorting == [form.get("role") for form in page.all("form")].count("search")
        assert all("alt" in attributes for attributes in page.all("img"))


def test_every_link_leads_somewhere_on_the_site_or_beside_it(pages):
    anchors = {name: set(page.values("id")) for name, page in pages.items()}
    beside = {f"../{suite}/{name}.{kind}" for suite in suites() for name in ("models", "attacks") for kind in FORMATS}
    beside |= {f"../{suite}/README.md" for suite in suites()} | {f"../{path}" for path in PICTURES}
    for name, page in pages.items():
        for link in [*page.values("href"), *page.values("src")]:
            path, fragment = urlsplit(link).path, urlsplit(link).fragment
            if link == "data:," or path in {"site.css", *SCRIPTS} | beside:
                continue
            assert urlsplit(link).scheme == urlsplit(link).netloc == ""
            assert (unquote(path) or name) in pages, link
            assert not fragment or fragment in anchors[path or name], link


def test_two_clicks_from_the_index_lead_to_every_page(pages):
    first = {urlsplit(link).path for link in pages["index.html"].values("href")} & set(pages)
    second = {urlsplit(link).path for page in first for link in pages[page].values("href")}
    assert set(map(suite_page, suites())) <= first
    assert set(pages) <= first | second


def test_the_first_screen_has_the_best_models_and_the_strongest_attacks(pages):
    (part,) = group(suites()["first"])
    index = pages["index.html"]
    words = [word.strip() for word in index.text if word.strip()]
    best = [model_boards([part])[0].column("model")[0].text, strongest_board(part).column("attack")[0].text]
    for title, name in zip(("Most robust models", "Strongest attacks"), best, strict=True):
        assert name in words[words.index(title) : words.index(title) + 20]


def test_a_first_click_puts_the_better_end_on_top():
    (part,) = group(all_records())
    heads = {head.name: head.descends for head in html_table(model_boards([part])[0], "a", "b", {}, {}).headings}
    assert not heads["worst_case_ard"]  # the most robust model
    assert heads["segmentation.miou"]
    assert not heads["depth.abs_err"]
    assert heads["clean_gain_percent"]
    board = next(iter(attack_boards([part])))
    heads = {head.name: head.descends for head in html_table(board, "a", "b", {}, {}).headings}
    assert heads["ard"]  # the strongest attack
    assert not heads["backwards"]
    assert not heads["rank"]


def test_nothing_is_asked_of_elsewhere(site):
    for name, content in site.items():
        assert b"//" not in content.replace(b"// ", b""), name
        assert b"@import" not in content


HOSTILE = (
    "../../etc/passwd",
    'a" onmouseover="alert(1)',
    "a' onfocus='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "*em* [text](javascript:alert(1))",
    "\N{HEBREW LETTER ALEF}x" + "y" * 150,
    "javascript:alert(1)",
    "con\\nul",
)


def named(name):
    """Records of a model, an attack and an independent twin of this name."""
    facts = {"twin": name, "adversary": name}
    plain = {"damage": dict.fromkeys(TASKS, 0.5), "images": 64}
    return [make_record(name, name, **plain), make_record("other", name, facts=facts, **plain)]


@pytest.mark.parametrize("name", HOSTILE)
def test_names_make_no_element_no_attribute_and_no_path(name):
    plain, found = (site_files({"": group(named(text))}, {}) for text in ("plain", name))
    assert len(found) == len(plain)
    assert all(re.fullmatch(r"[a-z0-9-]+\.(html|css|js)", path) and len(path) < 100 for path in found)
    for kind in ("model", "attack"):
        ours, theirs = page_name(kind, name), page_name(kind, "plain")
        assert Page(found[ours].decode()).shape() == Page(plain[theirs].decode()).shape()
        assert name in "".join(Page(found[ours].decode()).text)
    page = Page(found["index.html"].decode())
    # A model and an attack may have the same name and still are two things.
    assert {page_name("model", name), page_name("attack", name)} <= set(page.values("href"))
    assert page.shape() == Page(plain["index.html"].decode()).shape()
    assert not any(link.startswith("javascript") for link in page.values("href"))


def test_marks_in_a_note_are_the_only_markup():
    assert prose("*flag one*: `a*b*<c>` & <b>") == ("<em>flag one</em>: <code>a*b*&lt;c&gt;</code> &amp; &lt;b&gt;")


def test_names_that_differ_only_in_odd_letters_have_pages_of_their_own():
    assert len({page_name("model", name) for name in ("a b", "a-b", "a/b", "A b", "a b ")}) == 5


def test_flags_have_their_meaning_and_incomplete_rows_are_shown_as_such(pages, site):
    (part,) = group(suites()["first"])
    model = next(iter(MODELS))
    assert flags(part)[model, "wgd-pgd"] == (NOISE,)
    hints = {attributes.get("title") for attributes in pages[page_name("attack", "wgd-pgd")].all("span")}
    assert MEANINGS[NOISE] in hints
    page = Page(site[page_name("attack", "mgda-pgd")].decode())
    assert [attributes["class"] for attributes in page.all("tr") if "class" in attributes] == ["incomplete"]
    assert page.all("svg") == []


def test_a_cell_shows_and_sorts_by_what_the_board_holds():
    (part,) = group(all_records())
    model = part.models[0]
    board = pair_board(part, [pair for pair in part.records if pair[0] == model], "attack", {})
    found = html_table(board, "a", "b", {}, {})
    for row, written in zip(found.rows, texts(board), strict=True):
        shown = row.cells[1]
        assert f"{shown.text} {shown.bounds}" == written[1]
        assert shown.order is None
        assert 0 <= float(shown.interval.low) <= float(shown.interval.middle) <= float(shown.interval.high) <= 100
    values = [float(row.cells[1].text) for row in found.rows]
    assert values == sorted(values, reverse=True)


def test_attacks_can_be_picked_by_optimizer_and_losses():
    found = site_files({"": group([*loss_records(BALANCINGS[:1]), make_record(attack="dgba-fgsm")])}, {})
    page = Page(found[suite_page("")].decode())
    picks = {(row.get("data-optimizer"), row.get("data-losses")) for row in page.all("tr")}
    assert {("pgd", "train"), ("pgd", "margin"), ("other", "train")} <= picks
    assert ("fgsm", "train") not in picks  # one attack alone may end in anything


def test_a_board_without_rows_is_a_table_without_rows():
    empty = table(["model"])
    assert html_table(empty, "a", "b", {}, {}).rows == ()


def test_models_of_several_suites_share_a_page(site):
    page = site[page_name("model", next(iter(MODELS)))].decode()
    assert page.count('class="suite"') == 2
