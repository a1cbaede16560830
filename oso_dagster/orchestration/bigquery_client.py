"""BigQuery's client, from dagster-gcp's resource: the only place that knows how one is opened and with whose credentials.

Imported when an asset that needs it runs: dagster-gcp and Google's libraries cost more than half of what Dagster does.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from dagster_gcp import BigQueryResource
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from oso_dagster.connectors.http.google_http import WholeAnswers
from oso_dagster.settings import SettingsError

_OPENING = threading.Lock()
"""dagster-gcp hands credentials on in the process's environment: one client at a time is opened."""


class LoopbackBigQuery(BigQueryResource):
    """BigQuery's protocol at another address, which is asked without credentials: the sandbox's, or an emulator's."""

    endpoint: str

    @contextmanager
    def get_client(self) -> Iterator[bigquery.Client]:
        """A client of that address."""
        nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]  # Google types its libraries in part
        yield bigquery.Client(self.project, credentials=nobody, client_options={"api_endpoint": self.endpoint})


def open_client(name: str, values: Mapping[str, str]) -> bigquery.Client:
    """The client of a source that declares `url`, `project`, `credentials` and `timeout_seconds`. Raises SettingsError.

    No credentials are sent over plain http: an address without TLS is asked anonymously.
    """
    endpoint, project = values["url"].rstrip("/"), values.get("project")
    if urlsplit(endpoint).scheme == "http":
        resource: BigQueryResource = LoopbackBigQuery(project=project or "sandbox", endpoint=endpoint)
    else:
        resource = BigQueryResource(project=project, gcp_credentials=values.get("credentials"))
    try:
        with _OPENING, resource.get_client() as client:
            # The session is Google's own, with its credentials; there is no public way to it.
            client._http.mount(f"{urlsplit(endpoint).scheme}://", WholeAnswers(float(values["timeout_seconds"])))  # noqa: SLF001
            return client
    except (GoogleAuthError, OSError, ValueError) as error:
        prefix = f"OSO_{name.upper()}"
        raise SettingsError(
            f"no BigQuery client can be opened ({type(error).__name__}): set {prefix}_PROJECT, and {prefix}_CREDENTIALS to a "
            "service account's key in base64 unless the machine has credentials of its own"
        ) from None
