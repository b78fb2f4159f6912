-- What is in stock, by product and place, as last told; and every movement that leaves too little. Each further sale
-- below the line tells it again, and so does a doubled event; low_inventory_plus.sql tells it once.

CREATE TABLE stock WITH (KEY_FORMAT = 'JSON') AS
  SELECT product_id,
         location_id,
         LATEST_BY_OFFSET(available) AS available,
         LATEST_BY_OFFSET(reorder_point) AS reorder_point
  FROM inventory
  GROUP BY product_id, location_id
  EMIT CHANGES;

CREATE STREAM low_stock AS
  SELECT product_key, location_id, available, reorder_point
  FROM inventory
  WHERE available <= reorder_point
  EMIT CHANGES;
