"""A panel that edits a scenario's faults and policies and runs it again in place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from umt_sim import bootstrap
from umt_sim.analysis import Result
from umt_sim.errors import UmtSimError
from umt_sim.notebook.progress import progress_bar
from umt_sim.runner.phases import Progress
from umt_sim.scenario.loader import load

__all__ = ["Panel", "panel"]

_SINGULAR = {"faults": "fault", "policies": "policy"}
"""What can be edited, and how one of each is called."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-zµ%/]+)")
_STEPS = 100  # positions of a slider


class Panel(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    Sliders for every number under ``faults`` and ``policies``, a seed, and a button.

    Each run shows its verdict and figure below; ``result`` is the latest. Values keep
    the unit they have in the file. The file itself is never written.

    Args:
        path: The scenario file.

    Raises:
        ScenarioError: The file is wrong.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        plan = load(path)
        document = plan.as_dict()
        self.result: Result | None = None
        self.controls: dict[str, Any] = {
            pointer: _control(value)
            for block in _SINGULAR
            for pointer, value in _numbers(document.get(block, {}), block)
        }
        self.seed = widgets.IntText(value=plan.seed, layout={"width": "9em"})
        self.button = widgets.Button(description="Run", icon="play", button_style="primary")
        self.button.on_click(lambda _: self.run())
        self.progress = widgets.HTML()
        self.output = widgets.Output()
        self._first = dict(self.overridden())
        super().__init__(
            [
                widgets.HTML(f"<b>{plan.name}</b> {plan.description}"),
                _sections(self.controls),
                widgets.HBox([widgets.Label("seed"), self.seed, self.button]),
                self.progress,
                self.output,
            ]
        )

    def overridden(self) -> dict[str, str]:
        """The value of every control, as ``--set`` takes it."""
        return {
            pointer: f"{control.value:g}{control.unit}"
            for pointer, control in self.controls.items()
        }

    def edits(self) -> list[str]:
        """What differs from the file: ``path=value`` each."""
        now = self.overridden()
        return [f"{path}={value}" for path, value in now.items() if value != self._first[path]]

    def run(self) -> None:
        """Run the scenario with the values shown, and show what came of it."""
        self.button.disabled = True
        self.output.clear_output()
        try:
            with self.output:
                self._run()
        finally:
            self.button.disabled = False
            self.progress.value = ""

    def _run(self) -> None:
        bar = progress_bar(Path(self._path).stem)

        def show(progress: Progress | None) -> None:
            # A widget of its own: an Output does not follow updates of what it displays.
            self.progress.value = bar(progress)

        show(None)
        try:
            self.result = bootstrap.run(
                self._path, seed=self.seed.value, overrides=self.edits(), progress=show
            )
        except UmtSimError as error:
            display(widgets.HTML(f"<pre>{escape(str(error))}</pre>"))  # type: ignore[no-untyped-call]
        else:
            display(self.result)  # type: ignore[no-untyped-call]


def panel(path: str | Path) -> Panel:
    """
    A panel for a scenario file, to be the value of a cell.

    Raises:
        ScenarioError: The file is wrong; carries every problem found.
    """
    return Panel(path)


def _numbers(block: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
    """Every number below *block* with its dotted path."""
    for key, value in block.items():
        path = f"{pointer}.{key}"
        if isinstance(value, Mapping):
            yield from _numbers(value, path)
        elif _is_number(value):
            yield path, value


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return _QUANTITY.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _control(value: Any) -> Any:
    """A slider from nothing to three times the value; percentages end at a hundred."""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    number, unit = (float(match[1]), match[2]) if match else (float(value), "")
    most = 100.0 if unit == "%" else 3 * number or 1.0
    whole = isinstance(value, int)
    slider = (widgets.IntSlider if whole else widgets.FloatSlider)(
        value=int(number) if whole else number,
        min=0,
        max=int(most) if whole else most,
        step=1 if whole else most / _STEPS,
        readout_format="d" if whole else ".3g" if most < 1000 else ".0f",
        continuous_update=False,
    )
    slider.unit = unit
    return slider


def _sections(controls: Mapping[str, Any]) -> Any:
    """The sliders of each fault and of each policy below its name, side by side."""
    sections: dict[str, list[Any]] = {}
    for pointer, control in controls.items():
        block, name, *rest = pointer.split(".")
        row = _row(".".join(rest) or name, control)
        sections.setdefault(f"{_SINGULAR[block]} <b>{escape(name)}</b>", []).append(row)
    return widgets.HBox(
        [widgets.VBox([widgets.HTML(title), *rows]) for title, rows in sections.items()],
        layout={"flex_flow": "row wrap", "grid_gap": "0 2em"},
    )


def _row(words: str, control: Any) -> Any:
    control.layout.width = "16em"
    unit = widgets.Label(control.unit, layout={"width": "2.5em"})
    return widgets.HBox([widgets.Label(words, layout={"width": "13em"}), control, unit])
