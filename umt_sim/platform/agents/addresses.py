"""Exchanges, queues and routing keys: where messages go."""

from __future__ import annotations

from umt_sim.platform.ports.message_broker import QueueSpec

__all__ = [
    "DEAD_LETTERS",
    "DELAYS_SECONDS",
    "EVENTS",
    "HEARTBEAT",
    "TASKS",
    "agent_queue",
    "mailbox",
    "task_key",
]

TASKS = "umt.tasks"
"""Topic exchange for tasks, addressed to an agent: ``content-creation.create_content``."""
EVENTS = "umt.events"
"""Topic exchange for events, addressed to nobody: ``content.created``."""
HEARTBEAT = "agent.heartbeat"
"""Routing key under which agents say that they are alive."""
DEAD_LETTERS = "umt.dead-letters"
"""Queue of what could not be handled, each with its reason in the headers."""
DELAYS_SECONDS = (1.0, 5.0, 25.0)
"""How long a failed message waits before its next attempt: one delay queue each."""
MAILBOX_LIFE_SECONDS = 300.0


def task_key(role: str, task_type: str) -> str:
    """Routing key of a task for the agent of *role*."""
    return f"{role}.{task_type}"


def agent_queue(
    role: str, *, tasks: tuple[str, ...], events: tuple[str, ...], prefetch: int
) -> QueueSpec:
    """The queue of an agent; every instance of the agent takes from the same one."""
    return QueueSpec(
        name=f"umt.{role}",
        bindings=(
            *((TASKS, task_key(role, task)) for task in tasks),
            *((EVENTS, event) for event in events),
        ),
        prefetch=prefetch,
        dead_letter_queue=DEAD_LETTERS,
        delays_seconds=DELAYS_SECONDS,
    )


def mailbox(owner: str) -> QueueSpec:
    """
    A queue for answers to one client.

    It outlives a lost connection, so that answers sent meanwhile are not lost,
    and goes away some minutes after its owner. Answers are not acknowledged:
    they are of use to nobody else.
    """
    return QueueSpec(
        name=f"umt.replies.{owner}",
        acknowledged=False,
        expires_seconds=MAILBOX_LIFE_SECONDS,
    )
