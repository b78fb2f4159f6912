-- The shop's topics as streams: the columns come from the registered schemas, event time is when it happened at the source.

CREATE STREAM customer_events (visitor_key VARCHAR KEY)
  WITH (KAFKA_TOPIC = 'customer-events', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'event_time');

CREATE STREAM orders (customer_key VARCHAR KEY)
  WITH (KAFKA_TOPIC = 'orders', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'event_time');

CREATE STREAM inventory (product_key VARCHAR KEY)
  WITH (KAFKA_TOPIC = 'inventory', KEY_FORMAT = 'KAFKA', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'event_time');
