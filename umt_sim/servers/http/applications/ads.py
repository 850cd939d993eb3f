"""
An ad platform: campaigns spend their budget.

A campaign spends evenly, a daily budget every 24 hours, until the whole budget is gone
or it is paused. Amounts are in the smallest unit of the currency (cents), whole numbers.
The price of a thousand impressions and the share of clicks depend on the name and seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from umt_sim.servers.http.application import Answer, Call, Refusal, Route, route
from umt_sim.servers.http.applications.content import Content

if TYPE_CHECKING:
    from random import Random

__all__ = ["AdPlatform"]

_DAY = 86_400.0
_STATUSES = ("active", "paused")


@dataclass(slots=True)
class _Campaign:
    id: str
    name: str
    currency: str
    budget: int
    daily_budget: int
    status: str
    settled: float  # spent until `since`
    since: float

    def spent(self, now: float) -> float:
        running = now - self.since if self.status == "active" else 0.0
        return min(float(self.budget), self.settled + self.daily_budget * running / _DAY)


class AdPlatform:
    """
    Runs campaigns.

    Args:
        stream: What prices are derived from, beside the campaign's name.
    """

    name = "ads"

    def __init__(self, stream: Random) -> None:
        self._content = Content(stream)
        self._campaigns: dict[str, _Campaign] = {}
        self.routes: Sequence[Route] = (
            route("POST", "/campaigns", "launch", self._launch),
            route("GET", "/campaigns/{id}", "read", self._read),
            route("PATCH", "/campaigns/{id}", "change", self._change),
            route("GET", "/campaigns/{id}/spend", "spend", self._spend),
        )

    def _launch(self, call: Call) -> Answer:
        name = call.text("name")
        budget = _amount(call, "budget_cents")
        campaign = _Campaign(
            id=f"campaign-{len(self._campaigns) + 1:06}",
            name=name,
            currency=str(call.body.get("currency", "EUR")),
            budget=budget,
            daily_budget=_amount(call, "daily_budget_cents", default=budget),
            status="active",
            settled=0.0,
            since=call.now,
        )
        self._campaigns[campaign.id] = campaign
        where = {"Location": f"/campaigns/{campaign.id}"}
        return Answer(_shown(campaign), 201, where, resource=campaign.id)

    def _read(self, call: Call) -> Answer:
        return Answer(_shown(self._find(call)))

    def _change(self, call: Call) -> Answer:
        campaign = self._find(call)
        status = call.text("status")
        if status not in _STATUSES:
            raise Refusal(422, f"status must be one of {', '.join(_STATUSES)}")
        campaign.settled, campaign.since = campaign.spent(call.now), call.now
        campaign.status = status
        return Answer(_shown(campaign), resource=campaign.id)

    def _spend(self, call: Call) -> Answer:
        campaign = self._find(call)
        spent = int(campaign.spent(call.now))
        cost_of_thousand = 200 + 1800 * self._content.share(campaign.name)
        impressions = int(spent * 1000 / cost_of_thousand)
        clicks = int(impressions * (0.005 + 0.03 * self._content.share(f"clicks:{campaign.name}")))
        return Answer(
            {
                "id": campaign.id,
                "currency": campaign.currency,
                "spent_cents": spent,
                "remaining_cents": campaign.budget - spent,
                "impressions": impressions,
                "clicks": clicks,
            }
        )

    def _find(self, call: Call) -> _Campaign:
        campaign = self._campaigns.get(call.parameters["id"])
        if campaign is None:
            raise Refusal(404, f"there is no campaign {call.parameters['id']}")
        return campaign


def _amount(call: Call, name: str, default: int | None = None) -> int:
    value = call.body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise Refusal(422, f"{name} must be a whole number of cents above 0")
    return value


def _shown(campaign: _Campaign) -> dict[str, Any]:
    return {
        "id": campaign.id,
        "name": campaign.name,
        "currency": campaign.currency,
        "budget_cents": campaign.budget,
        "daily_budget_cents": campaign.daily_budget,
        "status": campaign.status,
    }
