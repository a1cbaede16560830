MODEL (
  name staging.seed_event_types,
  kind SEED (path '../../seeds/event_types.csv'),
  description 'Types of universal events.',
  owner 'team:data',
  grain event_type,
  columns (event_type VARCHAR, description VARCHAR, unit VARCHAR),
  column_descriptions (event_type = 'Type of the event', description = 'What happened', unit = 'Unit of its amount'),
  audits (unique_values(columns := event_type), not_null(columns := (event_type, description, unit)))
);
