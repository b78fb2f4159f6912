-- How many events and visitors each step to an order had, by hour. Counts side by side, not a funnel: nobody knows who
-- came from where, and a doubled event counts twice in `events`; funnel_plus.sql follows each visitor.

CREATE TABLE funnel_steps AS
  SELECT event_type,
         COUNT(*) AS events,
         COUNT_DISTINCT(visitor_id) AS visitors
  FROM customer_events
  WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  WHERE event_type IN ('PRODUCT_VIEWED', 'PRODUCT_ADDED', 'CHECKOUT_STARTED', 'ORDER_COMPLETED')
  GROUP BY event_type
  EMIT CHANGES;

-- Of each visitor and hour the first time of each step. Whoever had them before the step before it, or in the next hour,
-- looks like somebody who did not go on.
CREATE TABLE visitor_steps AS
  SELECT visitor_id,
         MIN(CASE WHEN event_type = 'PRODUCT_VIEWED' THEN UNIX_TIMESTAMP(event_time) END) AS viewed,
         MIN(CASE WHEN event_type = 'PRODUCT_ADDED' THEN UNIX_TIMESTAMP(event_time) END) AS added,
         MIN(CASE WHEN event_type = 'CHECKOUT_STARTED' THEN UNIX_TIMESTAMP(event_time) END) AS began,
         MIN(CASE WHEN event_type = 'ORDER_COMPLETED' THEN UNIX_TIMESTAMP(event_time) END) AS ordered
  FROM customer_events
  WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  GROUP BY visitor_id
  EMIT CHANGES;
