"""What is left of the shop's processes when the tests that started them are killed? Nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from mesh.local.process_identity import identify
from tests.node.waiting import until

CHECKOUT = Path(__file__).parents[2]
TESTS = """
import asyncio, sys
from pathlib import Path
from tests.browser.whole_shop import SOLD, Service

async def main():
    folder = Path(sys.argv[1])
    told = {"POD_NAME": "catalog-1", "DATABASE_URL": f"sqlite+aiosqlite:///{folder}/catalog.db", "SEED_FILE": str(SOLD)}
    service = Service("catalog", folder / "log", told)
    await service.start()
    print(service.process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.processes
async def test_a_service_dies_with_tests_that_are_killed(tmp_path: Path) -> None:
    tests = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", TESTS, str(tmp_path)), cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE
    )
    assert tests.stdout
    service = identify(int(await tests.stdout.readline()))
    assert service
    tests.kill()
    await tests.wait()
    await until(lambda: not service.alive())
