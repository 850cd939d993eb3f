"""
A content management system: documents with versions.

``PUT`` takes ``If-Match`` with the version it means to replace and answers 412 if
another came between; without the header the last writer wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from umt_sim.servers.http.application import Answer, Call, Refusal, Route, route

if TYPE_CHECKING:
    from random import Random

__all__ = ["ContentManagement"]


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    version: int
    title: str
    body: str
    updated_at: float


class ContentManagement:
    """
    Keeps documents.

    Args:
        stream: Not read: nothing here is left to chance. All applications are made alike.
    """

    name = "cms"

    def __init__(self, stream: Random) -> None:  # noqa: ARG002  see above
        self._documents: dict[str, _Document] = {}
        self.routes: Sequence[Route] = (
            route("POST", "/documents", "create", self._create),
            route("GET", "/documents/{id}", "read", self._read),
            route("PUT", "/documents/{id}", "update", self._update),
        )

    def _create(self, call: Call) -> Answer:
        return self._keep(f"document-{len(self._documents) + 1:06}", 1, call, 201)

    def _read(self, call: Call) -> Answer:
        return _shown(self._find(call), 200)

    def _update(self, call: Call) -> Answer:
        current = self._find(call)
        expected = call.headers.get("If-Match")
        if expected is not None and expected.strip('"') != str(current.version):
            raise Refusal(412, f"{current.id} is at version {current.version}")
        return self._keep(current.id, current.version + 1, call, 200)

    def _keep(self, identity: str, version: int, call: Call, status: int) -> Answer:
        document = _Document(
            id=identity,
            version=version,
            title=call.text("title"),
            body=str(call.body.get("body", "")),
            updated_at=call.now,
        )
        self._documents[identity] = document
        return _shown(document, status, f"{identity}@{version}")

    def _find(self, call: Call) -> _Document:
        document = self._documents.get(call.parameters["id"])
        if document is None:
            raise Refusal(404, f"there is no document {call.parameters['id']}")
        return document


def _shown(document: _Document, status: int, resource: str = "") -> Answer:
    body = {
        "id": document.id,
        "version": document.version,
        "title": document.title,
        "body": document.body,
        "updated_at": document.updated_at,
    }
    headers = {"ETag": f'"{document.version}"', "Location": f"/documents/{document.id}"}
    return Answer(body, status, headers, resource=resource)
