-- A real shop's year: what replay makes of its invoices, as tables.
--
-- Sales: lines with quantity > 0 and price > 0. Net: all lines. Returned: lines with quantity < 0. Times are UTC; a line
-- without a customer counts for no customer.

CREATE STREAM retail_orders (
  customer_key STRING KEY,
  event_time TIMESTAMP,
  order_id STRING,
  customer_id STRING,
  is_guest BOOLEAN,
  attributes MAP<STRING, STRING>,
  items ARRAY<STRUCT<sku STRING, quantity INTEGER, unit_price DECIMAL(18, 4)>>
) WITH (KAFKA_TOPIC = 'orders', VALUE_FORMAT = 'AVRO', TIMESTAMP = 'EVENT_TIME');

CREATE STREAM retail_lines AS
  SELECT customer_key,
         event_time,
         order_id,
         CASE WHEN is_guest THEN CAST(NULL AS STRING) ELSE customer_id END AS customer,
         attributes['country'] AS country,
         EXPLODE(items) AS line
  FROM retail_orders
  EMIT CHANGES;

CREATE STREAM retail_amounts AS
  SELECT customer_key,
         event_time,
         order_id,
         customer,
         country,
         line->sku AS sku,
         line->quantity AS quantity,
         line->quantity * line->unit_price AS amount,
         line->quantity > 0 AND line->unit_price > 0 AS is_sale
  FROM retail_lines
  EMIT CHANGES;

CREATE TABLE retail_totals AS
  SELECT 'all' AS all_key,
         SUM(CASE WHEN is_sale THEN amount ELSE 0 END) AS sales,
         SUM(amount) AS net,
         SUM(CASE WHEN quantity < 0 THEN amount ELSE 0 END) AS returned,
         SUM(CASE WHEN is_sale THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END) AS sale_lines,
         COUNT_DISTINCT(CASE WHEN is_sale THEN order_id END) AS sale_invoices,
         COUNT_DISTINCT(CASE WHEN is_sale THEN customer END) AS sale_customers,
         COUNT_DISTINCT(CASE WHEN is_sale THEN sku END) AS sale_skus
  FROM retail_amounts
  GROUP BY 'all'
  EMIT CHANGES;

CREATE TABLE retail_by_month AS
  SELECT FORMAT_TIMESTAMP(event_time, 'yyyy-MM') AS month,
         SUM(CASE WHEN is_sale THEN amount ELSE 0 END) AS sales,
         SUM(amount) AS net
  FROM retail_amounts
  GROUP BY FORMAT_TIMESTAMP(event_time, 'yyyy-MM')
  EMIT CHANGES;

CREATE TABLE retail_by_country AS
  SELECT country,
         SUM(CASE WHEN is_sale THEN amount ELSE 0 END) AS sales,
         SUM(amount) AS net
  FROM retail_amounts
  GROUP BY country
  EMIT CHANGES;

CREATE TABLE retail_by_sku AS
  SELECT sku,
         SUM(CASE WHEN is_sale THEN CAST(quantity AS BIGINT) ELSE CAST(0 AS BIGINT) END) AS units_sold,
         SUM(CAST(quantity AS BIGINT)) AS units_net,
         SUM(CASE WHEN is_sale THEN amount ELSE 0 END) AS sales
  FROM retail_amounts
  GROUP BY sku
  EMIT CHANGES;

CREATE TABLE retail_by_day AS
  SELECT FORMAT_TIMESTAMP(event_time, 'yyyy-MM-dd') AS day,
         SUM(amount) AS sales
  FROM retail_amounts
  WHERE is_sale
  GROUP BY FORMAT_TIMESTAMP(event_time, 'yyyy-MM-dd')
  EMIT CHANGES;

CREATE TABLE retail_by_hour AS
  SELECT country,
         SUM(amount) AS sales,
         COUNT(*) AS lines
  FROM retail_amounts
  WINDOW TUMBLING (SIZE 1 HOUR, RETENTION 3650 DAYS, GRACE PERIOD 365 DAYS)
  WHERE is_sale
  GROUP BY country
  EMIT CHANGES;
