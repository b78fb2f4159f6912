-- How far each query is behind. Every few seconds the platform tells of each query of which something changed, and as
-- long as it is behind, how many records it has not committed the results of and how long ago the oldest of them
-- was appended.

CREATE STREAM query_figures (
    query_id VARCHAR KEY,
    state VARCHAR,
    lag_records BIGINT,
    lag_seconds DOUBLE,
    rows_in BIGINT,
    rows_out BIGINT,
    late_rows BIGINT,
    bad_rows BIGINT,
    state_bytes BIGINT,
    span_ms BIGINT
  ) WITH (KAFKA_TOPIC = 'tw.metrics.queries', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'JSON');

-- As it was told last.
CREATE TABLE consumer_lag AS
  SELECT query_id,
         LATEST_BY_OFFSET(state) AS state,
         LATEST_BY_OFFSET(lag_records) AS lag_records,
         LATEST_BY_OFFSET(lag_seconds) AS lag_seconds,
         LATEST_BY_OFFSET(state_bytes) AS state_bytes,
         SUM(rows_in) AS rows_in,
         SUM(rows_out) AS rows_out,
         SUM(late_rows) AS late_rows,
         SUM(bad_rows) AS bad_rows
  FROM query_figures
  GROUP BY query_id
  EMIT CHANGES;

-- The worst of each minute, and what was done in it.
CREATE TABLE consumer_lag_by_minute AS
  SELECT query_id,
         MAX(lag_records) AS worst_records,
         MAX(lag_seconds) AS worst_seconds,
         SUM(rows_in) AS rows_in,
         SUM(rows_out) AS rows_out
  FROM query_figures
  WINDOW TUMBLING (SIZE 1 MINUTE, RETENTION 6 HOURS, GRACE PERIOD 1 MINUTE)
  GROUP BY query_id
  EMIT CHANGES;
