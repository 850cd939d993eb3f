"""An old agent's handlers as an Agent, and new agents as old handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from umt_sim.platform.adapters.threads import Outside, in_thread
from umt_sim.platform.agents.agent import Agent
from umt_sim.platform.agents.handlers import takes
from umt_sim.platform.bridges.legacy import LegacyAgent, LegacyMessage
from umt_sim.platform.bridges.messages import MessageBridge
from umt_sim.platform.messages.types import TaskMessage

__all__ = ["HandlersBehindLegacy", "agent_of"]


def agent_of(
    legacy: LegacyAgent,
    messages: MessageBridge,
    *,
    run: Callable[..., Awaitable[Any]] = in_thread,
) -> type[Agent]:
    """
    A class of agents whose tasks are the old agent's handlers.

    Give it to ``AgentFactory.create_agent``. The old handlers get the dicts they know
    and run where *run* says; retries, answers and dead letters are the new agent's.
    """
    body: dict[str, Any] = {"role": legacy.name, "__doc__": f"The old agent {legacy.name}."}
    for task_type, handler in legacy.handlers.items():
        perform = takes(task_type)(_named(f"perform_{task_type}", handler, messages, run))
        body[perform.__name__] = perform
    return type(f"Legacy{legacy.name.title().replace('-', '')}", (Agent,), body)


def _named(
    name: str,
    handler: Callable[[LegacyMessage], Any],
    messages: MessageBridge,
    run: Callable[..., Awaitable[Any]],
) -> Callable[..., Awaitable[Any]]:
    async def perform(_: Agent, task: TaskMessage, __: Any) -> Any:
        return await run(handler, messages.to_old(task))

    perform.__name__ = name
    return perform


class HandlersBehindLegacy(Mapping[str, Callable[[LegacyMessage], Any]]):
    """
    New operations as the old dict of handlers: called from other threads than the loop's.

    Args:
        operations: Coroutine functions by task type; each takes the typed payload.
        messages: Reads the old dicts.
        outside: The way onto the loop.
    """

    def __init__(
        self,
        operations: Mapping[str, Callable[[Any], Any]],
        messages: MessageBridge,
        outside: Outside,
    ) -> None:
        self._operations = operations
        self._messages = messages
        self._outside = outside

    def __getitem__(self, task_type: str) -> Callable[[LegacyMessage], Any]:
        operation = self._operations[task_type]

        def handle(old: LegacyMessage) -> Any:
            task = self._messages.to_new({**old, "type": task_type})
            assert isinstance(task, TaskMessage)
            return self._outside.wait(operation(task.payload))

        return handle

    def __iter__(self) -> Iterator[str]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)
