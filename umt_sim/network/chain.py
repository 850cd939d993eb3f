"""The toxics of a proxy, in order for each direction, and the live links they act on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial

from umt_sim.network.link import Link
from umt_sim.network.pipes import NoopPipe
from umt_sim.network.routine import Routine, Steps, Wake, nobody
from umt_sim.network.toxic import Direction, Toxic

__all__ = ["Chain"]

Story = Callable[[Wake], Steps[None]]


class Chain:
    """
    Toxics by direction, in order of creation, and changes to them one at a time.

    A change reaches every live link before the next one begins, and a link
    that opens meanwhile waits for it: a stage that cannot be interrupted, such
    as a ``reset_peer`` counting down, holds all of that up.
    """

    def __init__(self) -> None:
        self._toxics: dict[Direction, list[Toxic]] = {
            direction: [Toxic("noop", direction, NoopPipe())] for direction in Direction
        }
        self._links: dict[Direction, dict[Link, None]] = {direction: {} for direction in Direction}
        self._carried: dict[Direction, int] = dict.fromkeys(Direction, 0)
        self._waiting: deque[tuple[Story, Wake]] = deque()
        self._busy = False
        self._beginning = False

    def toxics(self) -> list[Toxic]:
        """All toxics, those of the upstream direction first; the hidden noops left out."""
        return [toxic for toxics in self._toxics.values() for toxic in toxics[1:]]

    def find(self, name: str) -> Toxic | None:
        """The toxic of that name; names are unique over both directions."""
        return next((toxic for toxic in self.toxics() if toxic.name == name), None)

    def open(self, direction: Direction, make: Callable[[list[Toxic]], Link]) -> None:
        """Start the link that *make* builds from the chain, as soon as no change is under way."""

        def story(_wake: Wake) -> Steps[None]:
            link = make(list(self._toxics[direction]))
            self._links[direction][link] = None
            link.start()
            yield from ()

        self._submit(story, nobody)

    def forget(self, direction: Direction, link: Link) -> None:
        """*link* has ended: changes no longer concern it."""
        if link in self._links[direction]:
            del self._links[direction][link]
            self._carried[direction] += link.carried

    def carried(self, direction: Direction) -> int:
        """Bytes that all links of that direction have read, ended ones included."""
        return self._carried[direction] + sum(link.carried for link in self._links[direction])

    def add(self, toxic: Toxic, done: Wake = nobody) -> None:
        """Append *toxic* to its direction; *done* is called when every live link has it."""

        def story(wake: Wake) -> Steps[None]:
            self._toxics[toxic.direction].append(toxic)
            yield from self._on_each_link(Link.add, toxic, wake)

        self._submit(story, done)

    def update(self, toxic: Toxic, done: Wake = nobody) -> None:
        """Start *toxic* again on every live link, its settings having changed."""

        def story(wake: Wake) -> Steps[None]:
            yield from self._on_each_link(Link.update, toxic, wake)

        self._submit(story, done)

    def remove(self, toxic: Toxic, done: Wake = nobody) -> None:
        """Take *toxic* out of its direction and of every live link."""

        def story(wake: Wake) -> Steps[None]:
            if toxic in self._toxics[toxic.direction]:
                self._toxics[toxic.direction].remove(toxic)
                yield from self._on_each_link(Link.remove, toxic, wake)

        self._submit(story, done)

    def _on_each_link(
        self, change: Callable[[Link, Toxic, Wake], Steps[None]], toxic: Toxic, wake: Wake
    ) -> Steps[None]:
        """Make one change on all live links at once, and wait for the slowest."""
        links = self._links[toxic.direction]
        changes = [Routine(partial(change, link, toxic), wake) for link in links]
        for routine in changes:
            routine.wake()
        while not all(routine.ended for routine in changes):
            yield

    def _submit(self, story: Story, done: Wake) -> None:
        self._waiting.append((story, done))
        self._next()

    def _next(self) -> None:
        """Begin what waits. What ends at once comes back here, and leaves the rest to the loop."""
        if self._beginning:
            return
        self._beginning = True
        while self._waiting and not self._busy:
            self._busy = True
            story, done = self._waiting.popleft()
            Routine(story, partial(self._ended, done)).wake()
        self._beginning = False

    def _ended(self, done: Wake) -> None:
        self._busy = False
        done()
        self._next()
