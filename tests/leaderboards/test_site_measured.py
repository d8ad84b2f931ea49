"""What rows of the site lead to, in a real browser: commands that repeat their numbers, records, differences."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.browser import CHROMIUM, Browser
from helpers.commands import mtrbench
from helpers.make_records import TASKS, all_records, make_record
from PIL import Image

from mtrbench.benchmark.protocol.reading import read_record, read_records
from mtrbench.benchmark.protocol.records import Record
from mtrbench.leaderboards.analysis.changes import changes
from mtrbench.leaderboards.analysis.gallery import Exhibit, Panel
from mtrbench.leaderboards.analysis.groups import group
from mtrbench.leaderboards.analysis.scores import ard
from mtrbench.leaderboards.output.publish import publish
from mtrbench.leaderboards.site.rows import page_name
from mtrbench.leaderboards.site.sections import suite_page
from mtrbench.leaderboards.site.site import site_files

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

SHARED, APART = "rooms3-shared.clean", "rooms3-independent.clean"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = Browser(tmp_path_factory.mktemp("profile"))
    found.resize(1280, 800)
    yield found
    found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Browser]:
    browser.requests.clear()
    browser.complaints.clear()
    yield browser
    assert browser.complaints == []
    assert all(url.startswith(("file://", "data:", "blob:")) for url in browser.requests)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    smaller = [make_record(model, eps=2.0, damage=dict.fromkeys(TASKS, 0.3)) for model in (SHARED, APART)]
    publish(site_files({"": group([*all_records(), *smaller])}, {}), out)
    return out


def row_of(name: str, board: int = 0) -> str:
    rows = f"[...document.querySelectorAll('.board[data-section]')[{board}].querySelectorAll('tbody tr')]"
    return f"{rows}.find(row => row.dataset.name === '{name}')"


def press(browser: Browser, name: str, text: str, board: int = 0) -> None:
    browser.click(f"[...{row_of(name, board)}.querySelectorAll('button')].find(b => b.textContent === '{text}')")


def compared(browser: Browser, one: str, other: str, board: int = 0) -> None:
    for name in (one, other):
        browser.click(f"{row_of(name, board)}.querySelector('input')")
    browser.click(f"document.querySelectorAll('.board[data-section]')[{board}].querySelector('.compare button')")
    assert browser.comes("document.querySelector('.comparison').open")


def shown(browser: Browser, name: str, eps: float, of: str) -> list[float]:
    """A difference on the page, with its interval."""
    row = f'.comparison tr[data-name="{name}"][data-eps="{eps:g}"] [data-of="{of}"]'
    found = browser.run(f"(d => [d.value, d.low, d.high])(document.querySelector(`{row}`).dataset)")
    return [float(number) for number in found]


def expected(one: Record, other: Record, of: str) -> list[float | None]:
    (change,) = (change for change in changes(one, other) if change.of == of)
    return [change.by.value, change.by.low, change.by.high]


@pytest.mark.parametrize("of", ["ard", *TASKS])
def test_two_models_differ_by_what_check_computes(page: Browser, site: Path, of: str) -> None:
    page.open(site / suite_page(""))
    compared(page, SHARED, APART)
    for attack, eps in (("dgba-pgd", 8.0), ("noise", 8.0)):
        wanted = expected(make_record(SHARED, attack), make_record(APART, attack), of)
        assert shown(page, attack, eps, of) == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    small = [make_record(model, eps=2.0, damage=dict.fromkeys(TASKS, 0.3)) for model in (SHARED, APART)]
    assert shown(page, "dgba-pgd", 2.0, of) == pytest.approx(expected(*small, of), rel=1e-6, abs=1e-9)


def test_two_attacks_differ_on_every_model_and_on_average(page: Browser, site: Path) -> None:
    page.open(site / suite_page(""))
    compared(page, "total-pgd", "dgba-pgd", board=1)
    by_model = {}
    for model in (SHARED, APART):
        wanted = expected(make_record(model, "total-pgd"), make_record(model, "dgba-pgd"), "ard")
        by_model[model] = shown(page, model, 8.0, "ard")
        assert by_model[model] == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    mean = shown(page, "mean over 2 models", 8.0, "ard")
    assert mean[0] == pytest.approx(sum(found[0] for found in by_model.values()) / 2)
    scores = {
        attack: [ard(make_record(model, attack)) for model in (SHARED, APART)] for attack in ("total-pgd", "dgba-pgd")
    }
    differences = sum(b.replicates - a.replicates for a, b in zip(*scores.values(), strict=True)) / 2
    assert mean[1:] == pytest.approx([*map(float, np.quantile(differences, (0.025, 0.975)))])


def test_what_was_ticked_survives_a_reload(page: Browser, site: Path) -> None:
    page.open(site / suite_page(""))
    for name in (SHARED, APART):
        page.click(f"{row_of(name)}.querySelector('input')")
    page.reload()
    assert page.run(f"{row_of(SHARED)}.querySelector('input').checked")
    assert page.run("document.querySelector('.compare').checkVisibility()")


def test_a_copied_command_gives_the_number_of_its_row(page: Browser, tmp_path: Path) -> None:
    given = ("--model", SHARED, "--attack", "noise", "--images", 2, "--workers", 1)
    assert mtrbench("run", *given, "--out", tmp_path / "first").code == 0
    records = read_records(tmp_path / "first" / "records")
    publish(site_files({"": group(records)}, {}), tmp_path / "site")
    page.call("Browser.grantPermissions", permissions=["clipboardReadWrite"])
    page.open(tmp_path / "site" / page_name("model", SHARED))
    press(page, "noise", "Command")
    assert page.comes(f"{row_of('noise')}.textContent.includes('Copied')")
    program, *words = shlex.split(page.run("navigator.clipboard.readText()"))
    assert program == "mtrbench"
    assert mtrbench(*words, "--workers", 1, "--out", tmp_path / "second").code == 0
    (again,) = (of for of in read_records(tmp_path / "second" / "records") if isinstance(of, Record))
    ard_of_row = page.run(f"{row_of('noise')}.cells[1].textContent.trim()")
    assert again.degradation.ard.value is not None
    assert float(ard_of_row.split()[0]) == pytest.approx(again.degradation.ard.value, abs=5e-4)


def test_a_record_is_saved_as_it_is(page: Browser, site: Path, tmp_path: Path) -> None:
    page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.open(site / page_name("attack", "dgba-pgd"))
    press(page, SHARED, "Record")
    assert page.comes(f"{row_of(SHARED)}.textContent.includes('Saved')")
    record = make_record(SHARED)
    path = tmp_path / f"{record.key}.json"
    for _ in range(100):
        if path.exists():
            break
        page.run("new Promise(done => setTimeout(done, 50))")
    assert read_record(path) == record


def test_a_dot_says_what_it_stands_for_and_leads_to_its_model(page: Browser, site: Path) -> None:
    page.open(site / suite_page(""))
    dot = f"[...document.querySelectorAll('.scatter a')].find(a => a.dataset.said.startsWith('{SHARED}:'))"
    page.run(f"{dot}.focus()")
    assert page.run("document.querySelector('.scatter output').textContent").startswith(f"{SHARED}: sharing 1.00")
    before = page.run(f"{dot}.getBoundingClientRect().x")
    page.click("document.querySelector('.scatter [value=gain]')")
    assert page.comes(f"{dot}.getBoundingClientRect().x !== {before}")
    assert page.run(f"{dot}.href.baseVal") == page_name("model", SHARED)


def test_a_slider_changes_all_tasks_at_once(page: Browser, tmp_path: Path) -> None:
    drawing = io.BytesIO()
    Image.new("RGB", (40, 20)).save(drawing, "png")
    box = (0.0, 0.0, 0.5, 0.5)
    panels = tuple(Panel(name=name, clean=box, attacked=box, scores=("1", "2")) for name in ("depth", "normals"))
    exhibit = Exhibit(
        model=SHARED, attack="dgba-pgd", dataset="rooms3", sample="a", norm="linf", eps=4.0, factor=2, panels=panels
    )
    publish({"gallery/one.png": drawing.getvalue()}, tmp_path)
    publish(site_files({"": group([make_record()])}, {}, {"one": (exhibit, drawing.getvalue())}), tmp_path / "site")
    page.open(tmp_path / "site" / "index.html")
    shares = "[...document.querySelectorAll('.stack .attacked')].map(e => getComputedStyle(e).clipPath)"
    before = page.run(shares)
    slider = "document.querySelector('[data-slider]')"
    page.run(f"(s => {{ s.value = 100; s.dispatchEvent(new Event('input')) }})({slider})")
    after = page.run(shares)
    assert len(before) == len(after) == 2
    assert len({*before}) == len({*after}) == 1
    assert before[0] != after[0]


CONTRAST = """(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = (text) => parts(text).slice(0, 3).map((c) => linear(c / 255))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if ((parts(c)[3] ?? 1) === 1) return c;
    }
    return 'rgb(255, 255, 255)';
  };
  const found = [];
  for (const e of document.querySelectorAll('body *')) {
    if (e.closest('svg, .hidden, .skip') || !e.checkVisibility()) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(e.tagName + ': ' + e.textContent.trim().slice(0, 40));
  }
  return found;
})()"""
"""Texts whose contrast is below WCAG's 4.5."""

UNNAMED = """[...document.querySelectorAll('a, button, input, select')].filter(e => !(e.textContent.trim()
  || e.getAttribute('aria-label') || e.labels?.length || e.querySelector('img[alt]'))).map(e => e.outerHTML)"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read_and_every_control_has_a_name(page: Browser, site: Path, theme: str) -> None:
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    for path in ("index.html", suite_page(""), page_name("model", SHARED), page_name("attack", "dgba-pgd")):
        page.open(site / path)
        assert page.run(CONTRAST) == []
        assert page.run(UNNAMED) == []
    page.call("Emulation.setEmulatedMedia", features=[])
