"""The simulator's settings. The simulator declares them itself: it is a program of its own and does not know ours."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jobs.simulator.settings import VARIABLES, Variable
from portal.configuration.setting import Group, Setting, WrongValue


@dataclass(frozen=True)
class SimulatorValue:
    """A kind of values that the simulator declares."""

    described: str
    parse_text: Callable[[str], Any]

    def parse(self, text: str) -> Any:
        """Return the value."""
        try:
            return self.parse_text(text)
        except ValueError as error:
            raise WrongValue("cannot be used", str(error)) from None


def _setting(variable: Variable) -> Setting:
    kind = SimulatorValue(variable.values, variable.parse)
    return Setting(variable.name, kind, variable.default, variable.meaning, variable.default_shown)


SIMULATOR = Group("Simulator", tuple(map(_setting, VARIABLES)))
