"""A headless Chromium, driven over the pipe of its DevTools protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEYS = {"Enter": 13, "Tab": 9, " ": 32, "Escape": 27}
START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""
# The browser reads from descriptor 3 and writes to 4; which ones the pipes have here is up to the system.


class Browser:
    """One page of one browser; `requests` and `complaints` are what it asked for and wrote to the console."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
        quiet = [
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
        ]
        arguments = [CHROMIUM, *flags, *quiet, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"]
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", START, str(theirs), str(ours), *arguments],
            pass_fds=(theirs, ours),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(ours)
        self._count, self._session, self._rest = 0, "", b""
        self._events: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._session = ""
        self.call("Browser.close")
        self._process.wait(60)
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """The answer to a method of the protocol; what happens meanwhile is kept."""
        self._count += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._count, "method": method, "params": parameters, **session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._read()
            if found.get("id") == self._count:
                assert "error" not in found, found
                return found["result"]
            self._keep(found)

    def open(self, path: Path) -> None:
        """Load a page and wait until everything that belongs to it is there."""
        self._load("Page.navigate", url=path.as_uri())

    def resize(self, width: int, height: int) -> None:
        """What size the window has; below 500 it is a phone's."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def reload(self) -> None:
        """Load the page again."""
        self._load("Page.reload")

    def _load(self, method: str, **parameters: object) -> None:
        self._events.clear()
        self.call(method, **parameters)
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._keep(self._read())

    def run(self, code: str) -> Any:
        """The value of an expression on the page."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def comes(self, condition: str) -> bool:
        """Whether an expression on the page becomes true, for which the page has ten seconds."""
        look = f"if ({condition}) done(true); else if (Date.now() > end) done(false); else setTimeout(look, 20);"
        return bool(
            self.run(f"new Promise(done => {{ const end = Date.now() + 10000; (function look() {{ {look} }})(); }})")
        )

    def press(self, key: str) -> None:
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            named = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
            self.call("Input.dispatchKeyEvent", type=kind, **named, **more)

    def click(self, element: str) -> None:
        """Press the mouse in the middle of an element, which is an expression on the page."""
        x, y = self.run(
            f"(e => {{e.scrollIntoView({{block: 'center', behavior: 'instant'}}); const r = e.getBoundingClientRect();"
            f"return [r.x + r.width / 2, r.y + r.height / 2]}})({element})"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def _keep(self, found: dict[str, Any]) -> None:
        self._events.append(found)
        match found.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(found["params"]["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.complaints.append(json.dumps(found["params"]))

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            part = os.read(self._from, 1 << 16)
            assert part, "the browser ended"
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        return json.loads(text)
