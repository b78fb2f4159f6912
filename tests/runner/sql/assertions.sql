--@test: totals follow the orders
CREATE STREAM orders (id INT KEY, amount DECIMAL(6, 2)) WITH (kafka_topic='orders', value_format='JSON');
CREATE TABLE totals AS SELECT id, SUM(amount) AS total FROM orders GROUP BY id;
INSERT INTO orders VALUES (1, 2.50);
INSERT INTO orders VALUES (1, 1.00);
ASSERT VALUES totals (id, total) VALUES (1, 2.50);
ASSERT VALUES totals (id, total) VALUES (1, 3.50);
ASSERT TABLE totals (id INT PRIMARY KEY, total DECIMAL(6, 2)) WITH (kafka_topic='TOTALS');

--@test: a row that stops matching goes
CREATE TABLE stock (sku STRING PRIMARY KEY, n INT) WITH (kafka_topic='stock', value_format='AVRO');
CREATE TABLE low AS SELECT sku, n FROM stock WHERE n < 5;
INSERT INTO stock (ROWTIME, sku, n) VALUES (10, 'a', 3);
INSERT INTO stock (ROWTIME, sku, n) VALUES (20, 'a', 9);
ASSERT VALUES low (ROWTIME, sku, n) VALUES (10, 'a', 3);
ASSERT NULL VALUES low (sku) KEY ('a');

--@test: windows can be asked for
CREATE STREAM clicks (who STRING KEY, page STRING) WITH (kafka_topic='clicks', value_format='DELIMITED');
CREATE TABLE counts AS SELECT who, COUNT(*) AS n FROM clicks WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY who;
INSERT INTO clicks (ROWTIME, who, page) VALUES (12000, 'x', 'home');
ASSERT VALUES counts (who, WINDOWSTART, WINDOWEND, n) VALUES ('x', 10000, 20000, 1);

--@test: what is not grouped by is refused
--@expected.error:
--@expected.message: is neither grouped by nor inside an aggregate
CREATE STREAM orders (id INT KEY, amount INT) WITH (kafka_topic='orders', value_format='JSON');
CREATE TABLE totals AS SELECT id, amount, COUNT(*) AS n FROM orders GROUP BY id;
