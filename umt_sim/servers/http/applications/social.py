"""
A social network: posts, and what becomes of them.

Impressions approach the post's own reach exponentially, half of it in six hours; likes,
comments and shares are fixed shares of them. The reach depends on the text and the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from umt_sim.servers.http.application import Answer, Call, Refusal, Route, route
from umt_sim.servers.http.applications.content import Content

if TYPE_CHECKING:
    from random import Random

__all__ = ["SocialNetwork"]

_LONGEST_TEXT = 10_000
_HALF_LIFE = 6 * 3600.0
_GREATEST_REACH = 50_000


@dataclass(frozen=True, slots=True)
class _Post:
    id: str
    text: str
    account: str
    published_at: float


class SocialNetwork:
    """
    Publishes posts.

    Args:
        stream: What a post's success is derived from, beside its text.
    """

    name = "social"

    def __init__(self, stream: Random) -> None:
        self._content = Content(stream)
        self._posts: dict[str, _Post] = {}
        self.routes: Sequence[Route] = (
            route("POST", "/posts", "publish", self._publish),
            route("GET", "/posts/{id}", "read", self._read),
            route("GET", "/posts/{id}/metrics", "metrics", self._metrics),
        )

    def _publish(self, call: Call) -> Answer:
        text = call.text("text")
        if len(text) > _LONGEST_TEXT:
            raise Refusal(422, f"text is longer than {_LONGEST_TEXT} characters")
        account = str(call.body.get("account", ""))
        post = _Post(f"post-{len(self._posts) + 1:06}", text, account, call.now)
        self._posts[post.id] = post
        return Answer(_shown(post), 201, {"Location": f"/posts/{post.id}"}, resource=post.id)

    def _read(self, call: Call) -> Answer:
        return Answer(_shown(self._find(call)))

    def _metrics(self, call: Call) -> Answer:
        post = self._find(call)
        reach = _GREATEST_REACH * self._content.share(post.text)
        age = call.now - post.published_at
        impressions = int(reach * (1 - 0.5 ** (age / _HALF_LIFE)))
        rate = 0.02 + 0.06 * self._content.share(f"likes:{post.text}")
        return Answer(
            {
                "id": post.id,
                "impressions": impressions,
                "likes": int(impressions * rate),
                "comments": int(impressions * rate / 8),
                "shares": int(impressions * rate / 5),
            }
        )

    def _find(self, call: Call) -> _Post:
        post = self._posts.get(call.parameters["id"])
        if post is None:
            raise Refusal(404, f"there is no post {call.parameters['id']}")
        return post


def _shown(post: _Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "text": post.text,
        "account": post.account,
        "published_at": post.published_at,
        "url": f"/posts/{post.id}",
    }
