"""
The upstream services a marketing platform calls: one server, four applications.

- ``server``: ``HttpUpstream`` receives requests and decides what becomes of them. Start here.
- ``application``: what an application is: routes, calls, answers.
- ``applications``: LLM, social network, ad platform, CMS.
- ``trouble``: wrong answers by chance (``ErrorMix``) and by excess (``RateLimit``).
- ``log``: every request and every effect, so that duplicates can be proved.

The same server answers in both worlds. What is left out: ``docs/http.md``.
"""

from umt_sim.servers.http.applications import APPLICATIONS
from umt_sim.servers.http.log import RequestLog
from umt_sim.servers.http.server import HttpUpstream
from umt_sim.servers.http.trouble import ErrorMix, RateLimit

__all__ = ["APPLICATIONS", "ErrorMix", "HttpUpstream", "RateLimit", "RequestLog"]
