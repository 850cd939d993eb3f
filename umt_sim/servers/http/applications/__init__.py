"""
The upstream applications, by the name a scenario calls them.

- ``llm``: drafts text, at once or token by token.
- ``social``: publishes posts and counts what becomes of them.
- ``ads``: runs campaigns that spend their budget.
- ``cms``: keeps versioned documents.
- ``echo``: answers, and that is all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from umt_sim.servers.http.application import Application
from umt_sim.servers.http.applications.ads import AdPlatform
from umt_sim.servers.http.applications.cms import ContentManagement
from umt_sim.servers.http.applications.echo import Echo
from umt_sim.servers.http.applications.llm import LanguageModel
from umt_sim.servers.http.applications.social import SocialNetwork

if TYPE_CHECKING:
    from random import Random

__all__ = [
    "APPLICATIONS",
    "AdPlatform",
    "ContentManagement",
    "Echo",
    "LanguageModel",
    "SocialNetwork",
]

APPLICATIONS: dict[str, Callable[[Random], Application]] = {
    "llm": LanguageModel,
    "social": SocialNetwork,
    "ads": AdPlatform,
    "cms": ContentManagement,
    "echo": Echo,
}
"""Each is made with the random stream that its content is derived from."""
