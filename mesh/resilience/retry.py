"""When do we try again, and when do we stop? tenacity runs the loop; the answers are here.

Worth another try: an idempotent method, a status its policy lists, and a server that did not say no.
Then a wait: as long as the server said, else full jitter (AWS, "Exponential Backoff And Jitter").
Then the reasons to stop after all, in order; the budget is asked last because asking spends it.

tenacity is engaged only once an attempt has failed: its loop costs more than all other layers together,
and nearly all calls never need it. It is then given that failure as its first outcome. One AsyncRetrying
per call: a shared one mixes the attempts of its callers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from grpc.aio import AioRpcError
from tenacity import AsyncRetrying, Future, RetryCallState, retry_if_exception, wait_random_exponential

from mesh.resilience.errors import NotAttempted
from mesh.resilience.events import RetryRefused, RetryScheduled
from mesh.resilience.guard import Guard
from mesh.resilience.policy import MethodPolicy
from mesh.resilience.pushback import NOT_AT_ALL, pushback
from mesh.resilience.verdicts import VERDICTS, Retry

T = TypeVar("T")


def worth_another(error: BaseException, policy: MethodPolicy, *, cut_short: bool) -> bool:
    """Whether another try could help and can do no harm. A local cancel is no RPC error, so never.

    `cut_short`: the per-try timeout, not the deadline, bounded the attempt that failed.
    """
    if policy.most_attempts == 1 or not isinstance(error, AioRpcError):
        return False
    if isinstance(error, NotAttempted):
        return False  # it carries "do not retry" as a server's error would; this is quicker than reading it
    if error.code() not in policy.retry_on or (told := pushback(error)) == NOT_AT_ALL:
        return False
    match VERDICTS[error.code()].retry:
        case Retry.IF_TOLD:
            return told is not None
        case Retry.IF_CUT_SHORT:
            return cut_short
        case _:
            return True


class Retries:
    """The further attempts of one call, which must be over at `until`."""

    def __init__(self, guard: Guard, *, until: float, worth: Callable[[BaseException], bool]) -> None:
        self._guard, self._until, self._worth = guard, until, worth
        self._jitter = wait_random_exponential(multiplier=guard.policy.backoff, max=guard.policy.backoff_limit)

    async def resume(self, failure: AioRpcError, attempt: Callable[[], Awaitable[T]]) -> T:
        """The answer of a later attempt, after the first failed. Raises the last attempt's own error."""
        known = [failure]

        async def next_attempt() -> T:
            if known:
                raise known.pop()
            return await attempt()

        engine = AsyncRetrying(
            retry=retry_if_exception(self._worth),
            wait=self._wait,
            stop=self._stop,
            before_sleep=self._announce,
            sleep=self._guard.sleep,
            reraise=True,
        )
        return await engine(next_attempt)

    def _wait(self, state: RetryCallState) -> float:
        told = pushback(_error(state))
        return self._jitter(state) if told is None else told

    def _stop(self, state: RetryCallState) -> bool:
        reason = self._reason_to_stop(state.attempt_number, state.upcoming_sleep)
        if reason is not None:
            self._guard.listeners.publish(RetryRefused(self._guard.peer, self._guard.method, reason))
        return reason is not None

    def _reason_to_stop(self, attempts: int, wait: float) -> str | None:
        guard, now = self._guard, self._guard.clock()
        if attempts >= guard.policy.most_attempts:
            return "attempts"
        if now + wait + guard.policy.fair > self._until:
            return "deadline"  # it could not finish, so it is not begun
        if guard.breaker.rejects_at(now + wait):
            return "circuit"
        if not guard.budget.withdraw(now):
            return "budget"
        return None

    def _announce(self, state: RetryCallState) -> None:
        code, wait = _error(state).code(), state.upcoming_sleep
        self._guard.listeners.publish(
            RetryScheduled(self._guard.peer, self._guard.method, state.attempt_number, code, wait)
        )


def _error(state: RetryCallState) -> AioRpcError:
    # tenacity asks how long to wait only about an outcome that worth_another() accepted: an AioRpcError
    return cast("AioRpcError", cast("Future", state.outcome).exception())
