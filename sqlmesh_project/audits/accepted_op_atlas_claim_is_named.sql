-- An entry of OP Atlas that is neither an artifact nor rejected with a reason. It blocks: such an entry would vanish without a reason.
AUDIT (name accepted_op_atlas_claim_is_named);

SELECT project_name, kind, entry, chain_id
FROM @this_model
WHERE reason IS NULL AND artifact_id IS NULL
