-- How much each topic takes. Every few seconds the platform tells of each topic that took something how many records
-- and bytes that were since it told last (SPAN_MS ago) and how many records it has ever taken.

CREATE STREAM topic_figures (
    topic_name VARCHAR KEY,
    records BIGINT,
    payload_bytes BIGINT,
    span_ms BIGINT,
    total_records BIGINT,
    held_bytes BIGINT
  ) WITH (KAFKA_TOPIC = 'tw.metrics.topics', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');

-- By topic and minute. A minute's mean counts the whole minute, so that of the running one still rises; the busiest
-- stretch is the fastest of those of a second and more between two records.
CREATE TABLE topic_throughput AS
  SELECT topic_name,
         SUM(records) AS records,
         SUM(payload_bytes) AS payload_bytes,
         CAST(SUM(records) AS DOUBLE) / 60 AS records_a_second,
         MAX(CASE WHEN span_ms >= 1000 THEN CAST(records AS DOUBLE) * 1000 / span_ms END) AS busiest_a_second,
         MAX(total_records) AS total_records
  FROM topic_figures
  WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 6 HOURS, GRACE PERIOD 1 MINUTE)
  GROUP BY topic_name
  EMIT CHANGES;
