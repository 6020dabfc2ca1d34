"""Pages in a headless browser, where there is one: what it complains of and what it asks for."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ITSELF = "not an origin"  # who asks where it is the browser and not a page
SETTINGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--dump-dom",
)


def opened(folder, name):
    """The console's lines and the addresses asked for while a page of a folder was opened."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("needs Chromium")
    log = Path(folder) / "network.json"
    profile = Path(folder) / "profile"
    own = (f"--user-data-dir={profile}", f"--log-net-log={log}")
    page = Path(folder).absolute() / name
    done = subprocess.run(
        [program, *SETTINGS, *own, page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    found = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    requests = [params for params in found if "url" in params and "initiator" in params]
    return console, {one["url"] for one in requests if one["initiator"] != ITSELF}
