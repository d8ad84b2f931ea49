"""The site in a real browser, from files: sorting, picking rows, colours, and nothing asked of elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pytest
from helpers.browser import CHROMIUM, Browser
from helpers.make_records import BALANCINGS, MODELS, TASKS, loss_records, make_record

from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.output.publish import publish
from mtrbench.leaderboards.site.rows import page_name
from mtrbench.leaderboards.site.sections import suite_page
from mtrbench.leaderboards.site.site import site_files

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

HOSTILE = """x" onfocus="console.error(1)" autofocus='' onclick='console.error(2)'"""
BOARD = "document.querySelectorAll('.board')[1]"
"""The board of attacks on clean-trained models."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    undefined = {"segmentation": None, "depth": 1.0, "normals": 1.0}
    odd = [make_record(HOSTILE, facts={"adversary": "total-pgd"}), make_record(attack="mgda-pgd", damage=undefined)]
    ordinary = [record for record in loss_records(BALANCINGS[:2]) if "shared" in record.cell.model.name]
    publish(site_files({"": group([*ordinary, *odd])}, {}), out)
    return out


@pytest.fixture
def suite(browser: Browser, site: Path) -> Iterator[Browser]:
    browser.resize(1280, 800)
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(site / suite_page(""))
    browser.run("localStorage.clear(); delete document.documentElement.dataset.theme")
    yield browser
    assert browser.complaints == []
    assert browser.requests
    assert all(url.startswith(("file://", "data:")) for url in browser.requests)


def head(title: str) -> str:
    """The head of a column, as an expression on the page."""
    return f"[...{BOARD}.querySelectorAll('thead th')].find(h => h.textContent.trim().startsWith('{title}'))"


def column(browser: Browser, title: str) -> list[str]:
    """What a column shows in the rows that are to be seen."""
    rows = f"[...{BOARD}.querySelectorAll('tbody tr')].filter(r => r.checkVisibility())"
    cells = f"{rows}.map(r => r.cells[{head(title)}.cellIndex])"
    return browser.run(f"{cells}.map(c => c.textContent.trim())")


def numbers(texts: list[str]) -> list[float]:
    return [float(text.split()[0]) for text in texts if text[:1].isdigit()]


def sorting(browser: Browser) -> list[tuple[str, str]]:
    """The columns that say that the table is sorted by them, and how."""
    found = browser.run(
        f"[...{BOARD}.querySelectorAll('[aria-sort]')].map(h => [h.textContent.trim(), h.getAttribute('aria-sort')])"
    )
    return [(title, how) for title, how in found]


def test_a_click_on_a_head_sorts_and_another_turns_it_over(suite: Browser) -> None:
    before = column(suite, "attack")
    suite.click(f"{head('depth')}.querySelector('button')")
    falling = column(suite, "depth")
    assert numbers(falling) == sorted(numbers(falling), reverse=True)
    assert sorting(suite) == [("depth", "descending")]
    suite.click(f"{head('depth')}.querySelector('button')")
    rising = column(suite, "depth")
    assert numbers(rising) == sorted(numbers(rising))
    assert len(set(numbers(rising))) > 3
    assert sorting(suite) == [("depth", "ascending")]
    # What has no number stands last in either order.
    assert (falling[-1], rising[-1]) == ("-", "-")
    assert column(suite, "attack") != before
    assert sorted(column(suite, "attack")) == sorted(before)


@pytest.mark.parametrize("key", ["Enter", " "])
def test_the_keyboard_sorts(suite: Browser, key: str) -> None:
    suite.run(f"{head('rank')}.querySelector('button').focus()")
    suite.press("Tab")
    assert suite.run("document.activeElement.textContent.trim()") == "attack"
    assert suite.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    suite.press(key)
    names = column(suite, "attack")
    assert names == sorted(names)
    assert sorting(suite) == [("attack", "ascending")]


def fill(browser: Browser, element: str, value: str) -> None:
    browser.run(f"(e => {{e.value = '{value}'; e.dispatchEvent(new Event('input', {{bubbles: true}}))}})({element})")


def test_rows_are_picked_by_words_and_by_losses(suite: Browser) -> None:
    everything = column(suite, "attack")
    fill(suite, f"{BOARD}.querySelector('[data-filter]')", "SIGN pgd")
    assert column(suite, "attack") == [name for name in everything if "sign" in name and "pgd" in name] != []
    fill(suite, f"{BOARD}.querySelector('[data-pick=losses]')", "margin")
    assert column(suite, "attack") == ["signsum-pgd@margin"]
    assert suite.run(f"{BOARD}.querySelector('output').textContent") == f"1 of {len(everything)} rows"
    fill(suite, f"{BOARD}.querySelector('[data-filter]')", "")
    fill(suite, f"{BOARD}.querySelector('[data-pick=losses]')", "")
    assert column(suite, "attack") == everything


def test_the_other_colours_are_kept(suite: Browser, site: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    toggle = "document.querySelector('[data-theme-toggle]')"
    light = suite.run(ground)
    suite.click(toggle)
    dark = suite.run(ground)
    assert dark != light
    suite.open(site / page_name("model", next(iter(MODELS))))
    assert suite.run(ground) == dark
    suite.click(toggle)
    assert suite.run(ground) == light


def test_the_systems_colours_are_followed(suite: Browser) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = suite.run(ground)
    suite.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert suite.run(ground) != light
    suite.call("Emulation.setEmulatedMedia", features=[])
    assert suite.run(ground) == light


@pytest.mark.parametrize("name", [*list(MODELS)[:1], HOSTILE])
def test_a_models_page_is_reached_and_its_name_is_text(suite: Browser, name: str) -> None:
    links = "[...document.querySelectorAll('tbody a')]"
    suite.open(site_of(suite, f"{links}.find(a => a.textContent === {json.dumps(name)})"))
    assert suite.run("document.querySelector('h1').textContent") == name
    # What one attack does needs no chart.
    assert (suite.run("document.querySelectorAll('svg.chart rect').length") >= len(TASKS)) == (name in MODELS)
    assert suite.run("document.querySelectorAll('[onclick], [onfocus], [autofocus]').length") == 0


def site_of(browser: Browser, link: str) -> Path:
    return Path(url2pathname(urlsplit(browser.run(f"{link}.href")).path))


def test_nothing_is_wider_than_a_phone(suite: Browser, site: Path) -> None:
    suite.resize(360, 700)
    for page in ("index.html", suite_page(""), page_name("model", next(iter(MODELS))), page_name("model", HOSTILE)):
        suite.open(site / page)
        assert suite.run("document.documentElement.scrollWidth") == 360


def test_what_was_sorted_and_picked_survives_a_reload(suite: Browser, site: Path) -> None:
    suite.click(f"{head('depth')}.querySelector('button')")
    fill(suite, f"{BOARD}.querySelector('[data-filter]')", "pgd")
    fill(suite, f"{BOARD}.querySelector('[data-pick=losses]')", "margin")
    chosen = column(suite, "attack"), sorting(suite)
    assert 1 < len(chosen[0]) == len([name for name in chosen[0] if name.endswith("pgd@margin")])
    suite.reload()
    assert (column(suite, "attack"), sorting(suite)) == chosen
    assert suite.run(f"{BOARD}.querySelector('[data-filter]').value") == "pgd"
    suite.click(f"{BOARD}.querySelector('[data-clear]')")
    suite.reload()
    assert len(column(suite, "attack")) > len(chosen[0])
    assert sorting(suite) == chosen[1]


def test_no_hit_says_so(suite: Browser) -> None:
    said = f"{BOARD}.querySelector('.none').checkVisibility()"
    assert not suite.run(said)
    fill(suite, f"{BOARD}.querySelector('[data-filter]')", "nothing is called so")
    assert column(suite, "attack") == []
    assert suite.run(said)


def test_a_phone_shows_rank_name_and_score(suite: Browser, site: Path) -> None:
    suite.resize(390, 844)
    suite.open(site / suite_page(""))
    ends = suite.run(
        "[...document.querySelectorAll('.board table')].flatMap(t => [...t.tBodies[0].rows].slice(0, 3).flatMap("
        "r => [0, 1, 2].map(i => r.cells[i].getBoundingClientRect()).flatMap(b => [b.left, b.right])))"
    )
    assert ends
    assert all(0 <= end <= 390 for end in ends)


def test_a_picture_enlarges_and_escape_closes_it(browser: Browser, tmp_path: Path) -> None:
    picture = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"/>'
    browser.resize(1280, 800)
    publish({"tradeoff.svg": picture}, tmp_path)
    publish(site_files({"": group([make_record()])}, {"tradeoff.svg": picture}), tmp_path / "site")
    browser.open(tmp_path / "site" / suite_page(""))
    browser.run("document.querySelector('figure').scrollIntoView()")
    assert browser.comes("document.querySelector('figure img').complete")  # until then it moves the page
    browser.click("document.querySelector('[data-enlarge]')")
    shown = "document.querySelector('dialog img')?.getBoundingClientRect().width ?? 0"
    assert browser.run(shown) > browser.run("document.querySelector('figure img').getBoundingClientRect().width")
    browser.press("Escape")
    assert browser.comes("!document.querySelector('dialog').open")
