"""An upstream that answers nonsense is broken: nobody of ours is, and another try may help."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from umt_sim.platform.adapters.in_memory import ScriptedGateway
from umt_sim.platform.agents.answers import name_of, read_answer
from umt_sim.platform.agents.writer import Brief, Writer
from umt_sim.platform.contexts.analytics.model import Metric
from umt_sim.platform.errors import ErrorClass, InvariantViolated, UpstreamRefused
from umt_sim.platform.ports.http_gateway import HttpResponse


def test_an_answer_is_read_field_by_field() -> None:
    """Each field as its function makes it, in the order they were asked for."""
    response = HttpResponse(200, {"clicks": "3", "id": 1, "spent": 1.0})
    assert (1, 3.0, "1") == read_answer("ads", response, spent=int, clicks=float, id=name_of)


@pytest.mark.parametrize(
    "body",
    [None, [], {}, "text", {"id": None}, {"id": ""}, {"id": True}, {"id": {}}],
    ids=repr,
)
def test_an_answer_without_the_field_is_the_upstreams_fault(body: Any) -> None:
    """It names the upstream and what is missing, and says that another try may help."""
    with pytest.raises(UpstreamRefused, match="ads: its answer was refused: 201 does not") as error:
        read_answer("ads", HttpResponse(201, body), id=name_of)
    assert ErrorClass.SERVER is error.value.error_class


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"text": " "}]},
        {"choices": [{"text": "fine"}, {"text": "not\0fine"}]},
    ],
    ids=repr,
)
def test_a_text_that_is_none_is_the_language_models_fault(body: Any) -> None:
    """Found out before it is stored, where it would look like the requester's."""
    writer = Writer(ScriptedGateway(body))
    brief = Brief(title="Hello", content_type="post", tone="", topics=())
    with pytest.raises(UpstreamRefused, match="no text: ") as error:
        asyncio.run(writer.write(brief, idempotency_key="k"))
    assert ErrorClass.SERVER is error.value.error_class


@pytest.mark.parametrize("number", ["much", None, float("inf"), float("nan"), []])
def test_what_is_no_number_is_none(number: Any) -> None:
    """Neither in an answer nor in a metric."""
    with pytest.raises(UpstreamRefused):
        read_answer("ads", HttpResponse(200, {"spent": number}), spent=int)
    if isinstance(number, float):
        with pytest.raises(InvariantViolated, match="clicks is not a number"):
            Metric("clicks", number)
