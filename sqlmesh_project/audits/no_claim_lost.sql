-- A list whose entries are not all accounted for: each must be an artifact, an organisation or a named rejection.
-- It blocks: what is lost is lost by a model here.
AUDIT (name no_claim_lost);

SELECT kind, raw_claims, artifact_claims, organization_claims, rejected_claims
FROM @this_model
WHERE raw_claims <> artifact_claims + organization_claims + rejected_claims
