package tradewind.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The five queries of the comparison workload in one Kafka Streams application: each input is read and decoded
 * once, only the fields that a query needs, and only the value it needs goes through its repartition topic.
 *
 * <p>Arguments: APPLICATION SERVERS STATE-FOLDER VIEWS-TOPIC ORDERS-TOPIC RESULT-PREFIX SCHEMA-ID,SCHEMA-ID,... Standard output
 * tells "running" and "first record".
 */
public final class FiveQueries {
  private static final AtomicBoolean FIRST = new AtomicBoolean(true);
  private static final long GRACE_MINUTES = 30; // less loses events of a backlog behind repartition topics

  record View(String type, String product) {}

  record Line(String product, String category, int quantity, long price) {}

  record Order(long total, List<Line> lines) {}

  record Sum(long count, long sum) {}

  /** A walk over an Avro body behind Confluent's five bytes. */
  private static final class Body {
    private final byte[] bytes;
    private int at = 5;

    Body(byte[] bytes) {
      this.bytes = bytes;
    }

    long number() {
      long raw = 0;
      for (int shift = 0; ; shift += 7) {
        byte next = bytes[at++];
        raw |= (long) (next & 0x7f) << shift;
        if (next >= 0) return (raw >>> 1) ^ -(raw & 1);
      }
    }

    void skipText() {
      int size = (int) number();
      at += size;
    }

    void skipOptional() {
      if (number() == 1) skipText();
    }

    String text() {
      int size = (int) number();
      String text = new String(bytes, at, size, StandardCharsets.ISO_8859_1);
      at += size;
      return text;
    }

    long money() {
      int size = (int) number();
      long value = bytes[at] < 0 ? -1 : 0;
      for (int i = 0; i < size; ++i) value = value << 8 | (bytes[at++] & 0xff);
      return value;
    }
  }

  private static final String[] TYPES = {
    "UNKNOWN", "PAGE_VIEWED", "PRODUCT_VIEWED", "PRODUCT_ADDED", "CART_VIEWED", "CHECKOUT_STARTED", "ORDER_COMPLETED"
  };

  private static void tellFirst() {
    if (FIRST.get() && FIRST.getAndSet(false)) {
      System.out.println("first record");
      System.out.flush();
    }
  }

  private static View view(byte[] bytes) {
    tellFirst();
    Body body = new Body(bytes);
    body.skipText(); // event_id
    String type = TYPES[(int) body.number()];
    body.number(); // event_time
    body.skipText(); // visitor_id
    body.skipOptional(); // customer_id
    body.skipText(); // session_id
    return new View(type, body.text());
  }

  private static Order order(byte[] bytes) {
    tellFirst();
    Body body = new Body(bytes);
    body.skipText(); // event_id
    body.number(); // event_type
    body.number(); // event_time
    body.skipText(); // order_id
    body.skipText(); // customer_id, which is the key too
    body.skipOptional(); // visitor_id
    body.skipOptional(); // session_id
    body.number(); // channel
    body.skipText(); // currency
    body.skipText(); // country
    body.number(); // payment_method
    body.skipOptional(); // card_bin
    body.skipText(); // subtotal
    body.skipText(); // shipping_total
    body.skipText(); // tax_total
    long total = body.money();
    List<Line> lines = new ArrayList<>(4);
    for (long count = body.number(); count != 0; count = body.number()) {
      if (count < 0) { // a block that tells its size
        count = -count;
        body.number();
      }
      for (long i = 0; i < count; ++i) {
        String product = body.text();
        String category = body.text();
        int quantity = (int) body.number();
        lines.add(new Line(product, category, quantity, body.money()));
        body.skipText(); // discount
      }
    }
    return new Order(total, lines);
  }

  private static <T> Serde<T> only(Deserializer<T> read) {
    return Serdes.serdeFrom((topic, value) -> { throw new IllegalStateException("inputs are not written"); }, read);
  }

  /** As it lies in stores: two longs. */
  private static final Serde<Sum> SUM =
      Serdes.serdeFrom(
          (topic, sum) -> sum == null ? null : ByteBuffer.allocate(16).putLong(sum.count).putLong(sum.sum).array(),
          (topic, bytes) -> {
            if (bytes == null) return null;
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return new Sum(buffer.getLong(), buffer.getLong());
          });

  private static void putNumber(ByteBuffer out, long value) {
    long raw = value << 1 ^ value >> 63;
    while ((raw & ~0x7fL) != 0) {
      out.put((byte) (raw & 0x7f | 0x80));
      raw >>>= 7;
    }
    out.put((byte) raw);
  }

  private static void putMoney(ByteBuffer out, long value) {
    int size = 1;
    while (size < 8 && value >> (8 * size - 1) != 0 && value >> (8 * size - 1) != -1) ++size;
    putNumber(out, size);
    for (int i = size - 1; i >= 0; --i) out.put((byte) (value >> 8 * i));
  }

  private static byte[] framed(int schema, long count, Long sum) {
    ByteBuffer out = ByteBuffer.allocate(32);
    out.put((byte) 0).putInt(schema);
    putNumber(out, count);
    if (sum != null) putMoney(out, sum);
    byte[] bytes = new byte[out.position()];
    out.flip();
    out.get(bytes);
    return bytes;
  }

  private static <T> Serde<T> writes(Serializer<T> write) {
    return Serdes.serdeFrom(write, (topic, bytes) -> { throw new IllegalStateException("results are not read"); });
  }

  private static Serde<Sum> sums(int schema) {
    return writes((topic, sum) -> sum == null ? null : framed(schema, sum.count, sum.sum));
  }

  private static Serde<Long> counts(int schema) {
    return writes((topic, count) -> count == null ? null : framed(schema, count, null));
  }

  /** The key as UTF-8 and the start of its window as eight bytes, big endian. */
  private static final Serde<Windowed<String>> KEY =
      writes(
          (topic, key) -> {
            byte[] text = key.key().getBytes(StandardCharsets.ISO_8859_1);
            return ByteBuffer.allocate(text.length + 8).put(text).putLong(key.window().start()).array();
          });

  private static TimeWindows minutes(long size) {
    return TimeWindows.ofSizeAndGrace(Duration.ofMinutes(size), Duration.ofMinutes(GRACE_MINUTES));
  }

  private static KTable<Windowed<String>, Long> counted(KGroupedStream<String, ?> rows, long size) {
    return rows.windowedBy(minutes(size))
        .count(Materialized.<String, Long, WindowStore<Bytes, byte[]>>with(Serdes.String(), Serdes.Long()));
  }

  private static <V> KTable<Windowed<String>, Sum> summed(
      KGroupedStream<String, V> rows, long size, java.util.function.ToLongFunction<V> amount) {
    return rows.windowedBy(minutes(size))
        .aggregate(
            () -> new Sum(0, 0),
            (key, value, sum) -> new Sum(sum.count + 1, sum.sum + amount.applyAsLong(value)),
            Materialized.<String, Sum, WindowStore<Bytes, byte[]>>with(Serdes.String(), SUM));
  }

  private static StreamsBuilder topology(String viewsTopic, String ordersTopic, String prefix, int[] schemas) {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, View> views =
        builder.stream(viewsTopic, Consumed.with(Serdes.String(), only((topic, bytes) -> view(bytes))));
    KStream<String, Order> orders =
        builder.stream(ordersTopic, Consumed.with(Serdes.String(), only((topic, bytes) -> order(bytes))));
    KStream<String, Long> revenue =
        orders.flatMap(
            (key, order) -> {
              List<KeyValue<String, Long>> all = new ArrayList<>(order.lines.size());
              for (Line line : order.lines) all.add(KeyValue.pair(line.category, line.price * line.quantity));
              return all;
            });
    summed(revenue.groupByKey(Grouped.with("q1", Serdes.String(), Serdes.Long())), 1, Long::longValue)
        .toStream()
        .to(prefix + 1, Produced.with(KEY, sums(schemas[0])));
    counted(
            views
                .map((key, view) -> KeyValue.pair(view.product, (short) 1))
                .groupByKey(Grouped.with("q2", Serdes.String(), Serdes.Short())),
            1)
        .toStream()
        .to(prefix + 2, Produced.with(KEY, counts(schemas[1])));
    counted(
            views
                .map((key, view) -> KeyValue.pair(view.type, (short) 1))
                .groupByKey(Grouped.with("q3", Serdes.String(), Serdes.Short())),
            1)
        .toStream()
        .to(prefix + 3, Produced.with(KEY, counts(schemas[2])));
    summed(
            orders.mapValues(order -> order.total).groupByKey(Grouped.with("q4", Serdes.String(), Serdes.Long())),
            5,
            Long::longValue)
        .toStream()
        .to(prefix + 4, Produced.with(KEY, sums(schemas[3])));
    KStream<String, Integer> units =
        orders.flatMap(
            (key, order) -> {
              List<KeyValue<String, Integer>> all = new ArrayList<>(order.lines.size());
              for (Line line : order.lines) all.add(KeyValue.pair(line.product, line.quantity));
              return all;
            });
    units
        .groupByKey(Grouped.with("q5", Serdes.String(), Serdes.Integer()))
        .windowedBy(minutes(5))
        .aggregate(
            () -> 0L,
            (key, quantity, sum) -> sum + quantity,
            Materialized.<String, Long, WindowStore<Bytes, byte[]>>with(Serdes.String(), Serdes.Long()))
        .toStream()
        .to(prefix + 5, Produced.with(KEY, counts(schemas[4])));
    return builder;
  }

  private static Properties settings(String application, String servers, String state) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, state);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    settings.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 256L << 20);
    settings.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, -1);
    settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
    return settings;
  }

  public static void main(String[] words) throws InterruptedException {
    if (words.length != 7) {
      System.err.println("FiveQueries APPLICATION SERVERS STATE-FOLDER VIEWS-TOPIC ORDERS-TOPIC RESULT-PREFIX SCHEMA-IDS");
      System.exit(2);
    }
    String[] ids = words[6].split(",");
    int[] schemas = new int[ids.length];
    for (int i = 0; i < ids.length; ++i) schemas[i] = Integer.parseInt(ids[i]);
    Properties settings = settings(words[0], words[1], words[2]);
    KafkaStreams streams =
        new KafkaStreams(topology(words[3], words[4], words[5], schemas).build(settings), settings);
    streams.setStateListener(
        (now, before) -> {
          if (now != KafkaStreams.State.RUNNING) return;
          System.out.println("running");
          System.out.flush();
        });
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  streams.close(Duration.ofSeconds(30));
                  ended.countDown();
                }));
    streams.start();
    ended.await();
  }

  private FiveQueries() {}
}
