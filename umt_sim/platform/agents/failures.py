"""What becomes of messages that failed: another attempt later, or the dead letters."""

from __future__ import annotations

import logging
from dataclasses import replace

from umt_sim.platform.agents.addresses import DEAD_LETTERS
from umt_sim.platform.agents.courier import Courier
from umt_sim.platform.errors import ErrorClass, OversizeMessage, error_class_of, told_of
from umt_sim.platform.messages.codec import MessageCodec
from umt_sim.platform.messages.factory import MessageFactory
from umt_sim.platform.messages.types import Message, TaskMessage
from umt_sim.platform.ports.clock import Clock
from umt_sim.platform.ports.message_broker import Parcel, QueueSpec

__all__ = ["Failures", "attempts_failed"]

RETRY_COUNT = "x-retry-count"
REASON = "x-reason"
ERROR_CLASS = "x-error-class"
FROM_QUEUE = "x-from-queue"

_TIME_MAY_MEND = (ErrorClass.TRANSIENT, ErrorClass.SERVER)

logger = logging.getLogger(__name__)


class Failures:
    """
    Puts failed messages aside.

    Args:
        queue: Where they came from; its delay queues bring them back.
        courier: Moves them.
    """

    def __init__(
        self,
        queue: QueueSpec,
        *,
        courier: Courier,
        codec: MessageCodec,
        messages: MessageFactory,
        clock: Clock,
    ) -> None:
        self._queue = queue
        self._courier = courier
        self._codec = codec
        self._messages = messages
        self._clock = clock

    async def retry(self, message: Message, parcel: Parcel, error: Exception) -> bool:
        """
        Have *message* come again later, if that can help and will be in time.

        Returns:
            Whether it will come again.
        """
        if error_class_of(error) not in _TIME_MAY_MEND:
            return False
        attempt = attempts_failed(message, parcel) + 1
        delays = self._queue.delays_seconds
        most = message.max_retries if isinstance(message, TaskMessage) else len(delays)
        left = message.seconds_left(self._clock.now())
        in_time = left is None or left > delays[min(attempt, len(delays)) - 1]
        if attempt > most or not in_time:
            return False
        if isinstance(message, TaskMessage):
            try:
                parcel = replace(parcel, body=self._codec.encode(self._messages.retry(message)))
            except OversizeMessage:  # just short enough before
                return False
        await self._courier.put(self._queue.delay_queue(attempt), parcel, {RETRY_COUNT: attempt})
        return True

    async def bury(self, parcel: Parcel, error: Exception) -> None:
        """Put *parcel* to the dead letters, with the reason."""
        reason = _reason(error)
        logger.warning("%s goes to the dead letters: %s", parcel.message_id, reason)
        await self._courier.put(
            DEAD_LETTERS,
            parcel,
            {
                REASON: reason,
                ERROR_CLASS: error_class_of(error).value,
                FROM_QUEUE: self._queue.name,
            },
        )


def _reason(error: Exception) -> str:
    return ": ".join(part for part in (type(error).__name__, told_of(error)) if part)


def attempts_failed(message: Message, parcel: Parcel) -> int:
    """
    How often it was tried before. Only tasks say so themselves; for others a header does.

    A header that is no such number was not written by us, and says nothing.
    """
    if isinstance(message, TaskMessage):
        return message.retry_count
    count = parcel.headers.get(RETRY_COUNT)
    return count if isinstance(count, int) and count > 0 else 0
