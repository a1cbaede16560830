-- Rows of a source that are neither events nor counted with the reason why not, or whose amounts changed on the way. It blocks: what is
-- wrong is a model here, not the data.
AUDIT (name no_row_lost);

SELECT raw_table, category, held_rows, event_rows, unnamed_rows, unusable_rows, held_amount, event_amount
FROM @this_model
WHERE held_rows <> event_rows + unnamed_rows + unusable_rows OR ABS(held_amount - event_amount) > 1e-9 * GREATEST(ABS(held_amount), 1)
