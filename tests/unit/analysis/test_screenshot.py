"""
The report as Chromium shows it: nothing empty, nothing wider than the page, no missing glyph.

Skipped where there is no Chromium; required where the live tests are.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.analysis.test_figures import TRACED
from umt_sim.analysis import Result
from umt_sim.analysis.report import run_report

WIDTH, HEIGHT = 1120, 4200
PROBE = """
<script>
addEventListener("load", () => {
  const page = document.documentElement;
  const wide = [...document.querySelectorAll("main *")]
    .filter(each => each.getBoundingClientRect().right > page.clientWidth + 1);
  const broken = [...document.images].filter(each => !each.naturalWidth);
  document.title = `wide=${wide.map(each => each.tagName)} broken=${broken.length}`
    + ` scrolls=${page.scrollWidth > page.clientWidth} images=${document.images.length}`;
});
</script>
"""


@pytest.fixture(scope="module")
def chromium() -> str:
    """Its path."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = "there is no Chromium on the path"
        if os.environ.get("UMT_SIM_REQUIRE_LIVE"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run with three faults, breakers and traces."""
    folder = tmp_path_factory.mktemp("report")
    text = run_report(Result(TRACED), "scenarios/brownout.yaml")
    (folder / "report.html").write_text(text, encoding="utf-8")
    probed = text.replace("</body>", f"{PROBE}</body>")
    (folder / "probed.html").write_text(probed, encoding="utf-8")
    return folder / "report.html"


def browse(chromium: str, page: Path, *options: str) -> str:
    """What a headless browser says of *page*."""
    answer = subprocess.run(
        [
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={page.parent / 'profile'}", f"--window-size={WIDTH},{HEIGHT}",
            *options, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    return answer.stdout


def test_a_report_fills_its_page_and_nothing_is_wider(chromium: str, page: Path) -> None:
    """Every picture is there; no element reaches beyond the right edge."""
    dom = browse(chromium, page.with_name("probed.html"), "--dump-dom")
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title is not None
    assert re.fullmatch(r"wide= broken=0 scrolls=false images=([4-9]|\d\d)", title[1])


def test_a_report_is_a_picture_with_words_from_top_to_bottom(chromium: str, page: Path) -> None:
    """There is ink in every stretch of it, and white at both margins."""
    shot = page.with_name("shot.png")
    browse(chromium, page, f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("L"))
    assert (HEIGHT, WIDTH) == pixels.shape
    inked = np.flatnonzero((pixels < 200).any(axis=1))
    gaps = np.diff(inked)
    assert inked[-1] > 2500
    assert gaps.max() < 160
    assert (pixels[:, :8] > 250).all()
    assert (pixels[:, -8:] > 250).all()


def test_a_report_prints(chromium: str, page: Path) -> None:
    """On several pages, every letter from a font that has it."""
    paper = page.with_name("report.pdf")
    browse(chromium, page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 2


def test_every_letter_of_the_figures_has_a_glyph(recwarn: pytest.WarningsRecorder) -> None:
    """Matplotlib warns of each letter it has to draw as a box."""
    run_report(Result(TRACED))
    assert [] == [str(each.message) for each in recwarn if "Glyph" in str(each.message)]
