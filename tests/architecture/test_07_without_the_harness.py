"""The platform is production code: a short script runs it on real servers, with no harness."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest

from umt_sim.errors import WorldUnavailable
from umt_sim.servers.capacity import Instant
from umt_sim.servers.http import APPLICATIONS, HttpUpstream
from umt_sim.worlds.base import Endpoint
from umt_sim.worlds.live.servers import private_servers

pytestmark = pytest.mark.live

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "platform" / "run_platform.py"
AND_THEN_TELL = """\
import runpy, sys
runpy.run_path(sys.argv[1], run_name="__main__")
print(sorted(m for m in sys.modules if m.startswith("umt_sim.") and m.count(".") == 1))
"""


@pytest.fixture(scope="module")
def endpoints() -> Iterator[Mapping[str, Endpoint]]:
    """Private servers on free ports."""
    try:
        with private_servers("rabbitmq", "postgres", "redis") as found:
            yield found
    except WorldUnavailable as missing:
        pytest.skip(str(missing))


def test_a_script_of_thirty_lines_runs_the_platform(endpoints: Mapping[str, Endpoint]) -> None:
    """It creates content on real servers, and imports nothing of ours but the platform."""
    assert len([line for line in SCRIPT.read_text().splitlines() if line]) <= 30

    async def main() -> str:
        llm = HttpUpstream(
            application=APPLICATIONS["llm"](Random(1)), capacity=Instant(), stream=Random(2)
        )
        await llm.start("127.0.0.1", 0)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            AND_THEN_TELL,
            str(SCRIPT),
            env={
                **os.environ,
                "UMT_RABBITMQ": endpoints["rabbitmq"].url,
                "UMT_POSTGRES": endpoints["postgres"].url,
                "UMT_REDIS": endpoints["redis"].url,
                "UMT_UPSTREAM_LLM": f"http://127.0.0.1:{llm.port}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        await llm.stop()
        return printed.decode()

    created, imported = asyncio.run(main()).splitlines()
    assert created.startswith("{'content_id': '")
    assert "['umt_sim.platform']" == imported
