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
