"""What GitHub's answers without a repository mean: 403 is a limit, a policy of an organisation, or a block, as its message says.

The messages are those of GitHub's REST API as recorded in hub4j/github-api 1805 and 2009 (secondary limits without headers),
aquasecurity/trivy 10567, renovatebot/renovate 20253 and git-town 4609 (policies), read up to November 2026.
"""

from __future__ import annotations

import re

from oso_dagster.connectors.http.absence import AbsenceRule
from oso_dagster.domain.catalogue.truth import Absence

_FORBIDDEN = frozenset({403})

GITHUB_RULES = (
    AbsenceRule(
        Absence.LIMITED,
        frozenset({403, 429}),
        re.compile(r"rate limit|abuse detection|secondary limit|wait a few minutes", re.IGNORECASE),
    ),
    AbsenceRule(
        Absence.GONE,
        frozenset({403, 451}),
        re.compile(r"repository access blocked|access to this repository has been disabled|\bDMCA\b|\btos\b", re.IGNORECASE),
    ),
    AbsenceRule(
        Absence.HIDDEN,
        _FORBIDDEN,
        re.compile(
            r"IP allow list|SAML|single sign-on|personal access token|token.{0,20}lifetime|not accessible by|"
            r"organization (?:has|forbids)|OAuth App access restrictions|must have admin",
            re.IGNORECASE,
        ),
    ),
    AbsenceRule(Absence.GONE, frozenset({404, 410, 451})),
    AbsenceRule(Absence.UNKNOWN, _FORBIDDEN),
)
"""In this order; a 403 that says none of this says nothing of the repository."""
