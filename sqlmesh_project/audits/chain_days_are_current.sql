-- Days whose transactions changed after they were computed: loaded late, corrected, or of an address that was named since. The job
-- sqlmesh_restate computes int_events__onchain again for them. It does not block: the other days are right, and these are as they were.
AUDIT (name chain_days_are_current, blocking false);

WITH landed AS (
  SELECT transactions.day, SUM(transactions.transactions) AS transactions
  FROM staging.stg_superchain__transactions AS transactions
  INNER JOIN intermediate.int_artifacts AS artifacts
    ON UPPER(transactions.network) = artifacts.artifact_source AND artifacts.artifact_namespace = '' AND transactions.to_address = artifacts.artifact_name
  GROUP BY transactions.day
), computed AS (
  SELECT bucket_day AS day, SUM(amount) AS transactions
  FROM @this_model
  WHERE event_type = 'CONTRACT_INVOCATION'
  GROUP BY bucket_day
)
SELECT COALESCE(landed.day, computed.day) AS day, landed.transactions AS landed, computed.transactions AS computed
FROM landed
FULL OUTER JOIN computed ON landed.day = computed.day
WHERE COALESCE(landed.transactions, 0) <> COALESCE(computed.transactions, 0) AND COALESCE(landed.day, computed.day) < CAST(@execution_ds AS DATE)
