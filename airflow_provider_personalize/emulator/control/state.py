"""All that the emulator keeps between calls, but for the resources: these are in moto's backends."""

from __future__ import annotations

from typing import Final

from moto.core.base_backend import BackendDict

from airflow_provider_personalize.emulator.control import transitions
from airflow_provider_personalize.emulator.control.assumptions import Assumptions
from airflow_provider_personalize.emulator.control.bill import Bill
from airflow_provider_personalize.emulator.control.calls import Calls
from airflow_provider_personalize.emulator.control.clock import Clock
from airflow_provider_personalize.emulator.control.faults import Faults
from airflow_provider_personalize.emulator.control.quotas import Quotas


class State:
    """The controls of the emulator and its records, each described in the module of its name."""

    def __init__(self) -> None:
        self.clock: Final = Clock()
        self.assumptions: Final = Assumptions()
        self.quotas: Final = Quotas()
        self.faults: Final = Faults(self.clock)
        self.calls: Final = Calls()
        self.bill: Final = Bill(self.clock)

    def clear(self) -> None:
        """Clear what each reset of moto's state clears: the faults, the log of calls and the bill."""
        self.faults.clear()
        self.calls.clear()
        self.bill.clear()

    def forget(self) -> None:
        """Forget all resources, with the rest of moto, and what :meth:`clear` clears."""
        BackendDict.reset()
        self.clear()

    def reset(self) -> None:
        """Restore everything to the state of a new process."""
        self.forget()
        self.clock.reset()
        self.assumptions.reset()
        self.quotas.reset()
        self.bill.prices.reset()
        transitions.reset()


#: The state of this process, as moto's own is.
state: Final = State()
