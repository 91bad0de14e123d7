-- Placements name their pipelines, one so far: stages, period, rate, latency and bottleneck go into it. `->` keeps numbers as
-- they are written, and json_patch drops what is null. What is no JSON is left as it is, to be told of when it is read.

UPDATE placements SET document = json_remove(
        json_set(document, '$.pipelines', json_array(json_patch('{}', json_object(
            'period_s', json(document -> '$.period_s'),
            'rate_per_s', json(document -> '$.throughput_per_s'),
            'latency_s', json(document -> '$.latency_s'),
            'bottleneck', json(document -> '$.bottleneck'),
            'stages', json(document -> '$.stages'))))),
        '$.stages', '$.bottleneck')
    WHERE CASE WHEN json_valid(document) THEN json_array_length(document, '$.stages') > 0 ELSE FALSE END;

-- The best so far of jobs that have not ended.
UPDATE incumbents SET document = json_remove(
        json_set(document, '$.pipelines', json_array(json_patch('{}', json_object(
            'period_s', json(document -> '$.period_s'),
            'rate_per_s', json(document -> '$.throughput_per_s'),
            'latency_s', json(document -> '$.latency_s'),
            'bottleneck', json(document -> '$.bottleneck'),
            'stages', json(document -> '$.stages'))))),
        '$.stages', '$.bottleneck')
    WHERE CASE WHEN json_valid(document) THEN json_array_length(document, '$.stages') > 0 ELSE FALSE END;
