-- What was asked and stored before there was a tolerance wanted the least period and nothing less. `json_insert` leaves
-- what is there. What is no JSON is left as it is, to be told of when it is read.

UPDATE jobs SET options = json_insert(options, '$.solver.tolerance', 0)
    WHERE CASE WHEN json_valid(options) THEN json_type(options) = 'object' ELSE FALSE END;
UPDATE placements SET options = json_insert(options, '$.solver.tolerance', 0)
    WHERE CASE WHEN json_valid(options) THEN json_type(options) = 'object' ELSE FALSE END;
