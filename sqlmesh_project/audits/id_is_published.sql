-- The id of @name is not @id: ids changed, and every saved query of every user with them.
-- It blocks: nothing may be published under other ids.
AUDIT (name id_is_published);

SELECT @id_column AS id
FROM @this_model
WHERE @name_column = @name AND @id_column <> @id
