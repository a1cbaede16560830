MODEL (
  name intermediate.int_grant_events,
  kind FULL,
  description 'Grants as universal events. The receiver is the project itself as an artifact, so its artifact id is its project id; the giver is the funder, an artifact of OSS_FUNDING. A grant whose project OSS Funding does not know keeps its giver and has no receiver.',
  owner 'team:data',
  grain (event_source, event_source_id),
  depends_on (intermediate.int_projects), -- the audits read them
  audits (
    unique_combination_of_columns(columns := (event_source, event_source_id)),
    not_null(columns := (time, from_artifact_id, event_type, event_source, event_source_id, amount)),
    every_grant_is_an_event,
    grants_name_known_projects
  )
);

SELECT
  CAST(FROM_ISO8601_TIMESTAMP(CAST(funded_on AS VARCHAR) || 'T00:00:00Z') AS TIMESTAMP(6) WITH TIME ZONE) AS time, -- Day of the grant, at midnight UTC
  CAST(@entity_id('OSS_DIRECTORY', 'oso', project_name) AS VARCHAR) AS to_artifact_id, -- Project that received it; empty when not known
  CAST(@entity_id('OSS_FUNDING', '', funder_name) AS VARCHAR) AS from_artifact_id, -- Funder that gave it
  CAST('GRANT_RECEIVED_USD' AS VARCHAR) AS event_type, -- Always GRANT_RECEIVED_USD
  CAST('OSS_FUNDING' AS VARCHAR) AS event_source, -- Source that the event was read from
  CAST(funding_id AS VARCHAR) AS event_source_id, -- Id of the grant at the source
  CAST(amount_usd AS DOUBLE) AS amount, -- Amount in US dollars at the time of the grant
  CAST(project_name AS VARCHAR) AS to_project_name, -- Name of the project; empty when not known
  CAST(funder_name AS VARCHAR) AS from_funder_name -- Name of the funder
FROM staging.stg_oss_funding__grants
