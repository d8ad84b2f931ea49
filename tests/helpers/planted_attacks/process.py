"""Attacks that end, block or misuse their process."""

from __future__ import annotations

import os
import pickle
import signal
import stat
import sys
import time

from .honest import after


@after("calls exit(0)")
def exits(model, batch, threat, x):
    sys.exit(0)


@after("with exit code 0")
def ends_the_process(model, batch, threat, x):
    os._exit(0)


@after("killed by SIGABRT")
def crashes(model, batch, threat, x):
    os.kill(os.getpid(), signal.SIGABRT)


@after("killed by SIGKILL")
def is_killed(model, batch, threat, x):
    os.kill(os.getpid(), signal.SIGKILL)


@after("LookupError: nothing there")
def raises(model, batch, threat, x):
    raise LookupError("nothing\nthere")


@after("KeyboardInterrupt")
def interrupts(model, batch, threat, x):
    raise KeyboardInterrupt


@after("no answer within")
def forever(model, batch, threat, x):
    time.sleep(600)


@after("closed its connection")
def closes(model, batch, threat, x):
    os.closerange(3, 200)
    time.sleep(600)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("bombed",)


@after("something that is no answer")
def talks_for_itself(model, batch, threat, x):
    """Writes a pickle into every socket that it finds."""
    content = pickle.dumps(Bomb())
    for place in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(place).st_mode):
                os.write(place, len(content).to_bytes(4, "big") + content)
        except OSError:
            continue
