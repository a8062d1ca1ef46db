"""
A local Amazon Personalize, on moto: the control plane, events and recommendations.

Importing this package replaces moto's own Personalize: ``with mock_aws():`` and moto's server use it from then on.
``emulator.server.Server`` serves it, with all of moto, at an address of its own.

``clock`` is the service's time, ``faults`` injects faults, ``quotas`` limits it, ``calls`` logs what it was asked,
``bill`` says what that would have cost, and ``assumptions`` holds what does not follow from AWS's documentation.
Resources, faults, calls and bill are new in each ``mock_aws``; the clock, the quotas, the prices and the assumptions
stay as set, until their ``reset()``.

All of it is one object, ``control.state.state``. The modules are grouped: ``control`` holds what a user sets and reads,
``service`` the resources and their rules, ``engine`` what is trained, ``http`` how requests arrive, and ``cli`` the
commands.
"""

from __future__ import annotations

import re
import sys

try:
    import moto.backend_index
    import moto.personalize
    import moto.personalize.models
except ModuleNotFoundError:
    if sys.argv[:1] == ["-m"]:  # the command line, which is still being looked for
        sys.exit("There is no moto: pip install 'airflow-provider-personalize[emulator]'")
    raise

from airflow_provider_personalize.emulator.control import transitions
from airflow_provider_personalize.emulator.control.state import state
from airflow_provider_personalize.emulator.http.models import personalize_backends

__all__ = ["assumptions", "bill", "calls", "clock", "faults", "quotas"]

assumptions, bill, calls = state.assumptions, state.bill, state.calls
clock, faults, quotas = state.clock, state.faults, state.quotas

# moto asks the package for its backends, and these for their URLs
moto.personalize.personalize_backends = personalize_backends
moto.personalize.models.personalize_backends = personalize_backends
transitions.register()
# in the same process, moto finds a service by its host
_HOSTS = re.compile(r"https?://personalize-(events|runtime)\.(.+)\.amazonaws\.com")
moto.backend_index.backend_url_patterns.append(("personalize", _HOSTS))
