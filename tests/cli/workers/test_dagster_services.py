"""What runs Dagster's services says why it ends, in words that `oso dev` shows."""

import signal
import subprocess
import sys
from io import StringIO
from threading import Event

import pytest
from dagster._utils.log import configure_loggers

from oso_dagster.cli.dev import _logged, worth_showing
from oso_dagster.cli.workers.dagster_services import _end_with

HIDDEN = "2026-11-30 09:00:03 +0000 - dagster.daemon.EventLogConsumerDaemon - WARNING - No cursor for event type X"


def test_the_end_of_the_web_server_is_shown_behind_what_is_hidden_of_a_new_instance(capfd, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored where the tests run in the background
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    configure_loggers(log_level="WARNING")
    webserver, lost = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]), Event()
    with pytest.raises(KeyboardInterrupt):
        _end_with(webserver, Event(), lost)
    output = capfd.readouterr()
    (line,) = worth_showing(_logged([HIDDEN, *output.out.splitlines(), *output.err.splitlines()], StringIO()))
    assert line.endswith("Dagster's web server ended with 3: all of it is ended")
    assert lost.is_set()
