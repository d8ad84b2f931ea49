"""The budgets of most tests of attacks, one of each norm."""

import pytest

from mtrbench.benchmark.protocol.threat import ThreatModel

linf, l2 = ThreatModel("linf", 4 / 255), ThreatModel("l2", 0.3)
both_norms = pytest.mark.parametrize("threat", [linf, l2], ids=lambda threat: threat.norm)
