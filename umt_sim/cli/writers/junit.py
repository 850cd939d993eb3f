"""
Verdicts as JUnit XML: a suite for each run or comparison, a case for each thing expected.

What is inconclusive is an error of the type ``inconclusive``: a CI server must not
show it as a success.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from umt_sim.expectations.verdicts import Status, Verdict

if TYPE_CHECKING:
    from umt_sim.bootstrap.trials import TrialResult

__all__ = ["Properties", "write", "write_comparison"]

Properties = Sequence[tuple[str, str]]

_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def write(results: Sequence[TrialResult], path: Path) -> None:
    """Write *results* to *path*."""
    _write([_suite_of(result) for result in results], path)


def write_comparison(
    name: str, verdicts: Sequence[Verdict], properties: Properties, path: Path
) -> None:
    """Write the *verdicts* of a comparison to *path*: what has regressed has failed."""
    _write([_suite(name, verdicts, properties)], path)


def _write(suites: Sequence[ET.Element], path: Path) -> None:
    root = ET.Element("testsuites", name="umt-sim")
    root.extend(suites)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _suite_of(result: TrialResult) -> ET.Element:
    verdicts = result.verdicts or (Verdict("run", Status.ERRORED, result.error),)
    suite = _suite(f"{result.name}[s{result.seed}]", verdicts, _properties(result))
    suite.set("time", f"{result.took_wall:.3f}")
    return suite


def _suite(name: str, verdicts: Sequence[Verdict], properties: Properties) -> ET.Element:
    counts = [verdict.status for verdict in verdicts]
    suite = ET.Element(
        "testsuite",
        name=name,
        tests=str(len(counts)),
        failures=str(counts.count(Status.FAILED)),
        errors=str(counts.count(Status.ERRORED) + counts.count(Status.INCONCLUSIVE)),
    )
    listed = ET.SubElement(suite, "properties")
    for key, value in properties:
        ET.SubElement(listed, "property", name=key, value=_clean(value))
    for verdict in verdicts:
        suite.append(_case(name, verdict))
    return suite


def _properties(result: TrialResult) -> Properties:
    return [
        ("seed", str(result.seed)),
        ("world", result.world),
        ("ended", result.ended),
        ("verdict", result.status.value),
        ("tape_hash", result.tape_hash or ""),
        ("folder", str(result.folder or "")),
        ("reproduce", result.reproduce),
    ]


def _case(suite: str, verdict: Verdict) -> ET.Element:
    case = ET.Element("testcase", classname=suite, name=_clean(verdict.name))
    match verdict.status:
        case Status.PASSED:
            ET.SubElement(case, "system-out").text = _clean(verdict.evidence)
        case Status.FAILED:
            ET.SubElement(case, "failure", type="failed", message=_clean(verdict.evidence))
        case status:
            error = ET.SubElement(case, "error", type=status.value)
            error.set("message", _clean(verdict.evidence))
            error.text = _clean(verdict.traceback or "") or None
    return case


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
