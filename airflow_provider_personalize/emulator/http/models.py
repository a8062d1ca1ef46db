"""moto's backend for Personalize, one per account and region: the service, reset with the rest of moto."""

from __future__ import annotations

from typing import Final

from moto.core.base_backend import BackendDict, BaseBackend

from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.service.personalize import Personalize


class PersonalizeBackend(Personalize, BaseBackend):
    """What exists in an account and region. moto finds its URLs in the module ``urls`` beside this one."""

    def __init__(self, region_name: str, account_id: str) -> None:
        BaseBackend.__init__(self, region_name, account_id)
        Personalize.__init__(self, region_name, account_id, self.partition)

    def reset(self) -> None:
        """Forget all resources, the faults, the log of calls and the bill."""
        super().reset()
        state.clear()


personalize_backends: Final = BackendDict(PersonalizeBackend, "personalize")


def all_backends() -> list[Personalize]:
    """Return the backends of all accounts and regions that were used."""
    return [backend for account in list(personalize_backends.values()) for backend in list(account.values())]
