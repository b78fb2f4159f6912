-- From the first look to the order, by the device of the first look: in order, within half an hour of it, in the 5 minutes in
-- which it began. Doubled and late events change nothing; f[1]->RATE is the share that went on, f[2]->P50_MS how long it took.
CREATE TABLE checkout_funnel AS
  SELECT COALESCE(device->type, 'UNKNOWN') AS device_type,
         FUNNEL(visitor_id, event_time, '30 MINUTES', 'ORDERED', 'BEST',
                event_type = 'PRODUCT_VIEWED',
                event_type = 'PRODUCT_ADDED',
                event_type = 'CHECKOUT_STARTED',
                event_type = 'ORDER_COMPLETED') AS f
  FROM customer_events
  WINDOW TUMBLING (SIZE 5 MINUTES, RETENTION 1 DAY, GRACE PERIOD 10 MINUTES)
  GROUP BY COALESCE(device->type, 'UNKNOWN')
  EMIT CHANGES;
