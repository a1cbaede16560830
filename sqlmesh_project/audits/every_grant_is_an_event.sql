-- A grant without an event, or an event without its grant. It blocks: sums of funding would be wrong.
AUDIT (name every_grant_is_an_event);

SELECT COALESCE(grants.funding_id, events.event_source_id) AS funding_id
FROM staging.stg_oss_funding__grants AS grants
FULL OUTER JOIN @this_model AS events ON grants.funding_id = events.event_source_id
WHERE grants.funding_id IS NULL OR events.event_source_id IS NULL
