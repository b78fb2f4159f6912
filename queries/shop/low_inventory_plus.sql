-- Tells once that a product runs low at a place, and again only after it was restocked by a fifth above the line, six
-- hours later at the earliest.
CREATE STREAM stock_alerts WITH (KEY_FORMAT = 'JSON') AS
  SELECT product_id,
         location_id,
         LATEST_BY_OFFSET(available) AS available,
         LATEST_BY_OFFSET(reorder_point) AS reorder_point
  FROM inventory
  GROUP BY product_id, location_id
  ON ENTER (available <= reorder_point, CLEAR available * 10 > reorder_point * 12, COOLDOWN 6 HOURS)
  EMIT CHANGES;

-- Sales a day, where older days weigh less (half after two weeks): what is there lasts available / units_a_day days. As of
-- the newest movement; a doubled event counts twice.
CREATE TABLE stock_cover WITH (KEY_FORMAT = 'JSON') AS
  SELECT product_id,
         location_id,
         LATEST_BY_OFFSET(available) AS available,
         DECAY_SUM(CASE WHEN event_type = 'SALE' THEN -delta ELSE 0 END, '14 DAYS') * LN(2) / 14 AS units_a_day
  FROM inventory
  GROUP BY product_id, location_id
  EMIT CHANGES;
