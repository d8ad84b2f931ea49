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

from mtrbench.leaderboards.output.publish import publish
from mtrbench.leaderboards.site.rows import page_name
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
    publish(site_files({"": [*ordinary, *odd]}, {}), out)
    return out


@pytest.fixture
def index(browser: Browser, site: Path) -> Iterator[Browser]:
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(site / "index.html")
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


def test_a_click_on_a_head_sorts_and_another_turns_it_over(index: Browser) -> None:
    before = column(index, "attack")
    index.click(f"{head('depth')}.querySelector('button')")
    falling = column(index, "depth")
    assert numbers(falling) == sorted(numbers(falling), reverse=True)
    assert sorting(index) == [("depth", "descending")]
    index.click(f"{head('depth')}.querySelector('button')")
    rising = column(index, "depth")
    assert numbers(rising) == sorted(numbers(rising))
    assert len(set(numbers(rising))) > 3
    assert sorting(index) == [("depth", "ascending")]
    # What has no number stands last in either order.
    assert (falling[-1], rising[-1]) == ("-", "-")
    assert column(index, "attack") != before
    assert sorted(column(index, "attack")) == sorted(before)


@pytest.mark.parametrize("key", ["Enter", " "])
def test_the_keyboard_sorts(index: Browser, key: str) -> None:
    index.run(f"{head('rank')}.querySelector('button').focus()")
    index.press("Tab")
    assert index.run("document.activeElement.textContent.trim()") == "attack"
    assert index.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    index.press(key)
    names = column(index, "attack")
    assert names == sorted(names)
    assert sorting(index) == [("attack", "ascending")]


def fill(browser: Browser, element: str, value: str) -> None:
    browser.run(f"(e => {{e.value = '{value}'; e.dispatchEvent(new Event('input', {{bubbles: true}}))}})({element})")


def test_rows_are_picked_by_words_and_by_losses(index: Browser) -> None:
    everything = column(index, "attack")
    fill(index, f"{BOARD}.querySelector('[data-filter]')", "SIGN pgd")
    assert column(index, "attack") == [name for name in everything if "sign" in name and "pgd" in name] != []
    fill(index, f"{BOARD}.querySelector('[data-pick=losses]')", "margin")
    assert column(index, "attack") == ["signsum-pgd@margin"]
    assert index.run(f"{BOARD}.querySelector('output').textContent") == f"1 of {len(everything)} rows"
    fill(index, f"{BOARD}.querySelector('[data-filter]')", "")
    fill(index, f"{BOARD}.querySelector('[data-pick=losses]')", "")
    assert column(index, "attack") == everything


def test_the_other_colours_are_kept(index: Browser, site: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    toggle = "document.querySelector('[data-theme-toggle]')"
    light = index.run(ground)
    index.click(toggle)
    dark = index.run(ground)
    assert dark != light
    index.open(site / page_name("model", next(iter(MODELS))))
    assert index.run(ground) == dark
    index.click(toggle)
    assert index.run(ground) == light


def test_the_systems_colours_are_followed(index: Browser) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = index.run(ground)
    index.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert index.run(ground) != light
    index.call("Emulation.setEmulatedMedia", features=[])
    assert index.run(ground) == light


@pytest.mark.parametrize("name", [*list(MODELS)[:1], HOSTILE])
def test_a_models_page_is_reached_and_its_name_is_text(index: Browser, name: str) -> None:
    links = "[...document.querySelectorAll('tbody a')]"
    index.open(site_of(index, f"{links}.find(a => a.textContent === {json.dumps(name)})"))
    assert index.run("document.querySelector('h1').textContent") == name
    # What one attack does needs no chart.
    assert (index.run("document.querySelectorAll('svg.chart rect').length") >= len(TASKS)) == (name in MODELS)
    assert index.run("document.querySelectorAll('[onclick], [onfocus], [autofocus]').length") == 0


def site_of(browser: Browser, link: str) -> Path:
    return Path(url2pathname(urlsplit(browser.run(f"{link}.href")).path))


def test_nothing_is_wider_than_a_phone(index: Browser, site: Path) -> None:
    size = {"width": 360, "height": 700, "deviceScaleFactor": 1, "mobile": True}
    index.call("Emulation.setDeviceMetricsOverride", **size)
    for page in ("index.html", page_name("model", next(iter(MODELS))), page_name("model", HOSTILE)):
        index.open(site / page)
        assert index.run("document.documentElement.scrollWidth") == size["width"]
    index.call("Emulation.clearDeviceMetricsOverride")
