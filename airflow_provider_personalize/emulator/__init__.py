"""
A local Amazon Personalize, on moto: the control plane, events and recommendations.

Importing this package puts it in the place of moto's own: ``with mock_aws():`` and moto's server serve it from then on.
``emulator.server.Server`` serves it, with all of moto, at an address of its own.

What does not follow from AWS's documentation is in ``assumptions`` and can be changed there. ``clock`` is the service's
time, ``faults`` tells it to fail, ``quotas`` limits it, ``calls`` says what it was asked, ``bill`` what that would have
cost. State, faults, calls and bill are fresh in each ``mock_aws``; the clock, the quotas, the prices and the
assumptions stay as set, until their ``reset()``.
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

from airflow_provider_personalize.emulator.control import bill, faults
from airflow_provider_personalize.emulator.control.assumptions import assumptions
from airflow_provider_personalize.emulator.control.calls import calls
from airflow_provider_personalize.emulator.control.clock import clock
from airflow_provider_personalize.emulator.control.quotas import quotas
from airflow_provider_personalize.emulator.http.models import personalize_backends
from airflow_provider_personalize.emulator.service import progress

__all__ = ["assumptions", "bill", "calls", "clock", "faults", "quotas"]

# moto asks the package for its backends, and these for their URLs
moto.personalize.personalize_backends = personalize_backends
moto.personalize.models.personalize_backends = personalize_backends
progress.register()
# in the same process, moto finds a service by its host
_HOSTS = re.compile(r"https?://personalize-(events|runtime)\.(.+)\.amazonaws\.com")
moto.backend_index.backend_url_patterns.append(("personalize", _HOSTS))
