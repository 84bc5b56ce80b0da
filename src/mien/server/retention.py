"""Nothing is kept for longer than the preferences say."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.concurrency import run_in_threadpool

from mien.server.log import log
from mien.server.service import Service
from mien.server.state import idempotency
from mien.server.state.database import SECOND
from mien.server.state.leases import Lease

EVERY_SECONDS: Final = 600.0
DAY: Final = 24 * 3600 * SECOND


async def sweep_for_ever(service: Service) -> None:
    """Now and every ten minutes; of several processes, one does it."""
    lease = Lease(service.state, "retention")
    while True:
        try:
            if await run_in_threadpool(lease.hold):
                await run_in_threadpool(sweep, service)
        except Exception as error:  # noqa: BLE001 - a full disk today must not keep everything for ever
            log.error("sweep failed", exc_info=error)
        await asyncio.sleep(EVERY_SECONDS)


def sweep(service: Service) -> None:
    """Delete what has run out."""
    service.jobs.forgetting.sweep()
    service.sessions.sweep()
    service.lockout.sweep()
    idempotency.sweep(service.state)
    longest = max((one.audit_days for one in service.preferences.by_tenant().values()), default=None)
    if longest is not None:
        service.audit.cut(service.state.now() - longest * DAY)
