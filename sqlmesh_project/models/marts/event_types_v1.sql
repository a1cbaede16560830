MODEL (
  name marts.event_types_v1,
  kind FULL,
  description 'Types of universal events, with the unit of their amount.',
  owner 'team:data',
  grain event_type,
  audits (
    unique_values(columns := (event_type)),
    not_null(columns := (event_type, description, unit))
  )
);

SELECT
  CAST(event_type AS VARCHAR) AS event_type, -- Type of the event
  CAST(description AS VARCHAR) AS description, -- What happened
  CAST(unit AS VARCHAR) AS unit -- Unit of its amount
FROM staging.seed_event_types
