"""Every notebook runs from top to bottom, the first in a kernel, and is stored without outputs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
IN_A_KERNEL = NOTEBOOKS[0]


def cells(notebook: Path) -> list[dict[str, Any]]:
    """The code cells of *notebook*."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def test_there_are_notebooks() -> None:
    """The tests below have something to look at."""
    assert [] != NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(notebook: Path) -> None:
    """What a cell shows belongs to a run, not into the repository."""
    kept = [cell["id"] for cell in cells(notebook) if cell["outputs"] or cell["execution_count"]]
    assert [] == kept


@pytest.mark.parametrize("notebook", NOTEBOOKS[1:], ids=lambda path: path.stem)
def test_every_cell_runs(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell runs after those above it, in the notebook's own folder and importing from it."""
    monkeypatch.chdir(notebook.parent)
    monkeypatch.syspath_prepend(notebook.parent)  # as a kernel does that starts there
    monkeypatch.setenv("MPLBACKEND", "agg")
    shell = InteractiveShell()
    try:
        for cell in cells(notebook):
            shell.run_cell("".join(cell["source"])).raise_error()
    finally:
        InteractiveShell.clear_instance()


def test_a_real_kernel_runs_every_cell(tmp_path: Path) -> None:
    """In a Jupyter kernel, whose own event loop is running, the result is shown as HTML."""
    import nbformat
    from nbclient import NotebookClient

    book = nbformat.read(IN_A_KERNEL, as_version=4)
    client = NotebookClient(
        book,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(IN_A_KERNEL.parent)}},
        extra_arguments=[],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
        patch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        patch.setenv("PATH", os.environ["PATH"])
        client.execute()
    shown = [
        output["data"]
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    assert any("text/html" in data and "broker-brownout" in data["text/html"] for data in shown)
    assert any("image/png" in data or "image/svg+xml" in data for data in shown)
