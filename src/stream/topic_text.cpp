#include "stream/topic_text.h"

#include <algorithm>
#include <functional>
#include <map>

#include "base/coding.h"
#include "data/cell_text.h"
#include "log/partitioner.h"

namespace tradewind::stream {
namespace {

constexpr const char* kTombstone = "tombstone";

Error wrong(size_t line, const std::string& what) {
  return {Code::invalid, "line " + std::to_string(line + 1) + ": " + what};
}

size_t window_cells(const SourceSpec& source) {
  return source.sessions ? 2 : source.windowed() ? 1 : 0;
}

// Cells of one line -> bytes.
class LineEncoder {
 public:
  static Result<LineEncoder> make(const SourceSpec& source, schema::Registry& registry) {
    LineEncoder made(source);
    if (source.key_format != schema::Format::none && !source.key_columns.empty()) {
      made.key_ = TRY(schema::make_encoder(serde_spec(source, true), &registry));
    }
    if (!source.value_columns.empty()) {
      made.value_ = TRY(schema::make_encoder(serde_spec(source, false), &registry));
    }
    return made;
  }

  Result<TextRecord> record(const std::vector<std::string>& cells) {
    TextRecord record;
    const auto time = time_of_cell(cells[0]);
    if (!time) return Error{Code::invalid, "'" + cells[0] + "' is no time such as 00:01:00"};
    record.time = *time;
    const size_t keys = source_.key_columns.size();
    const size_t window = window_cells(source_);
    const bool tombstone = cells.size() == keys + window + 2 && cells.back() == kTombstone;
    if (!tombstone && cells.size() != 1 + keys + window + source_.value_columns.size()) {
      return Error{Code::invalid, std::to_string(cells.size()) + " cells; there must be a time and " +
                                      std::to_string(keys + window + source_.value_columns.size()) +
                                      " columns"};
    }
    const bool no_key = keys == 1 && cells[1] == "null";
    if (key_ != nullptr && !no_key) record.key = TRY(encode(*key_, source_.key_columns, cells, 1));
    if (window > 0 && record.key) {
      const auto start = time_of_cell(cells[1 + keys]);
      if (!start) return Error{Code::invalid, "'" + cells[1 + keys] + "' is no start of a window"};
      if (source_.sessions) {
        const auto end = time_of_cell(cells[2 + keys]);
        if (!end) return Error{Code::invalid, "'" + cells[2 + keys] + "' is no end of a session"};
        put_big64(*record.key, static_cast<uint64_t>(end->ms));
      }
      put_big64(*record.key, static_cast<uint64_t>(start->ms));
    }
    if (tombstone || value_ == nullptr) return record;
    record.value = TRY(encode(*value_, source_.value_columns, cells, 1 + keys + window));
    return record;
  }

 private:
  explicit LineEncoder(const SourceSpec& source) : source_(source) {}

  static Result<Bytes> encode(schema::Encoder& encoder, const std::vector<Field>& fields,
                              const std::vector<std::string>& cells, size_t first) {
    std::vector<ColumnPtr> columns;
    for (size_t i = 0; i < fields.size(); ++i) {
      const auto value = value_of_cell(fields[i].type, cells[first + i]);
      if (!value) {
        return Error{Code::invalid, "'" + cells[first + i] + "' is no " + fields[i].type.text() +
                                        " for the column " + fields[i].name};
      }
      columns.push_back(constant_column(fields[i].type, *value, 1));
    }
    schema::Encoded encoded;
    TRY(encoder.encode(columns, 1, encoded));
    return Bytes(encoded[0]);
  }

  const SourceSpec& source_;
  std::unique_ptr<schema::Encoder> key_;
  std::unique_ptr<schema::Encoder> value_;
};

// The partition of a record: by its key (without the window), or in turn.
int32_t partition_for(const TextRecord& record, size_t line, size_t window_bytes, int32_t partitions) {
  if (!record.key) return static_cast<int32_t>(line % static_cast<size_t>(partitions));
  BytesView key = *record.key;
  key.remove_suffix(window_bytes);
  return log::partition_of(key, partitions);
}

// Every record of a topic, partition by partition.
Result<> each_batch(log::Log& log, const std::string& topic,
                    const std::function<Result<>(const log::FetchedBatch&)>& each) {
  const auto spec = TRY(log.topic(topic));
  for (int32_t p = 0; p < spec.partitions; ++p) {
    const auto bounds = TRY(log.bounds({topic, p}, log::Visibility::durable));
    auto consumer = TRY(log.consumer(log::Visibility::durable));
    TRY(consumer->assign({topic, p}, bounds.begin));
    for (log::Offset next = bounds.begin; next < bounds.end;) {
      const auto batches = TRY(consumer->poll(Duration(0), 1000));
      if (batches.empty()) break;
      for (const log::FetchedBatch& batch : batches) {
        TRY(each(batch));
        next = batch.next;
      }
    }
  }
  return {};
}

// The rows of one batch as cells; `gone` tells which have no value.
class BatchReader {
 public:
  static Result<BatchReader> make(const SourceSpec& source, schema::Registry& registry) {
    BatchReader made(source);
    if (source.key_format != schema::Format::none && !source.key_columns.empty()) {
      made.key_ = TRY(schema::make_decoder(serde_spec(source, true), &registry));
    }
    if (!source.value_columns.empty()) {
      made.value_ = TRY(schema::make_decoder(serde_spec(source, false), &registry));
    }
    return made;
  }

  Result<Cells> read(const log::FetchedBatch& batch) {
    Cells rows(batch.records.size());
    std::vector<std::optional<BytesView>> keys;
    std::vector<std::optional<BytesView>> values;
    std::vector<int64_t> starts;
    std::vector<int64_t> ends;
    const size_t width = 8 * window_cells(source_);
    for (const log::RecordView& record : batch.records) {
      values.push_back(record.value);
      keys.push_back(record.key);
      uint64_t start = 0;
      uint64_t end = 0;
      if (width > 0 && record.key && record.key->size() >= width) {
        BytesView tail = record.key->substr(record.key->size() - width);
        if (source_.sessions) (void)get_big64(tail, end);
        (void)get_big64(tail, start);
        keys.back()->remove_suffix(width);
      }
      starts.push_back(static_cast<int64_t>(start));
      ends.push_back(static_cast<int64_t>(end));
    }
    for (size_t i = 0; i < rows.size(); ++i) rows[i].push_back(time_cell(batch.records[i].time.ms));
    TRY(add(key_.get(), source_.key_columns, keys, batch.buffer, rows));
    for (size_t i = 0; i < rows.size() && source_.windowed(); ++i) rows[i].push_back(time_cell(starts[i]));
    for (size_t i = 0; i < rows.size() && source_.sessions; ++i) rows[i].push_back(time_cell(ends[i]));
    TRY(add(value_.get(), source_.value_columns, values, batch.buffer, rows));
    const size_t keep = 1 + source_.key_columns.size() + window_cells(source_);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (batch.records[i].value) continue;
      rows[i].resize(keep);
      rows[i].emplace_back(kTombstone);
    }
    return rows;
  }

 private:
  explicit BatchReader(const SourceSpec& source) : source_(source) {}

  static std::string time_cell(int64_t ms) {
    const std::string iso = to_iso({ms});
    return ms >= 0 && ms < 86'400'000 ? iso.substr(11, iso.ends_with(".000Z") ? 8 : 12) : iso;
  }

  static Result<> add(schema::Decoder* decoder, const std::vector<Field>& fields,
                      const std::vector<std::optional<BytesView>>& payloads,
                      const std::shared_ptr<const void>& buffer, Cells& rows) {
    if (decoder == nullptr) return {};
    const schema::Decoded decoded = TRY(decoder->decode(payloads, buffer));
    for (size_t i = 0; i < fields.size(); ++i) {
      for (size_t row = 0; row < rows.size(); ++row) {
        rows[row].push_back(cell_text(fields[i].type, value_at(*decoded.columns[i], row)));
      }
    }
    for (const schema::BadRow& bad : decoded.bad) rows[bad.row].push_back("unreadable: " + bad.reason);
    return {};
  }

  const SourceSpec& source_;
  std::unique_ptr<schema::Decoder> key_;
  std::unique_ptr<schema::Decoder> value_;
};

std::string plain(const std::optional<BytesView>& bytes) {
  return bytes ? std::string(*bytes) : "null";
}

}  // namespace

Result<std::vector<TextRecord>> records_of(const std::vector<std::string>& lines, const SourceSpec& source,
                                           int32_t partitions, schema::Registry& registry) {
  LineEncoder encoder = TRY(LineEncoder::make(source, registry));
  std::vector<TextRecord> records;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string> cells = cells_of(lines[i]);
    if (cells.empty()) continue;
    auto record = encoder.record(cells);
    if (!record.ok()) return wrong(i, record.error().message);
    record->partition = partition_for(*record, i, 8 * window_cells(source), partitions);
    records.push_back(std::move(*record));
  }
  return records;
}

Result<std::vector<TextRecord>> raw_records_of(const std::vector<std::string>& lines, int32_t partitions) {
  std::vector<TextRecord> records;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::vector<std::string> cells = cells_of(lines[i]);
    if (cells.empty()) continue;
    const auto time = time_of_cell(cells[0]);
    if (!time || cells.size() != 3) return wrong(i, "there must be a time, a key and a value");
    TextRecord record{.time = *time};
    const auto part = [](const std::string& cell) -> std::optional<Bytes> {
      const auto value = value_of_cell(Kind::string, cell);
      if (!value || value->is_null()) return std::nullopt;
      return value->text();
    };
    record.key = part(cells[1]);
    record.value = part(cells[2]);
    record.partition = partition_for(record, i, 0, partitions);
    records.push_back(std::move(record));
  }
  return records;
}

Result<> append(log::Log& log, const std::string& topic, const std::vector<TextRecord>& records) {
  const auto producer = TRY(log.producer({}));
  for (const TextRecord& record : records) {
    log::RecordView view{.time = record.time};
    if (record.key) view.key = *record.key;
    if (record.value) view.value = *record.value;
    TRY(producer->append({topic, record.partition}, {&view, 1}));
  }
  return {};
}

Result<Cells> rows_in(log::Log& log, schema::Registry& registry, const SourceSpec& source) {
  BatchReader reader = TRY(BatchReader::make(source, registry));
  Cells stream;
  std::map<std::string, std::vector<std::string>> table;
  TRY(each_batch(log, source.topic, [&](const log::FetchedBatch& batch) -> Result<> {
    Cells rows = TRY(reader.read(batch));
    for (size_t i = 0; i < rows.size(); ++i) {
      const std::string key(batch.records[i].key.value_or(""));
      if (!source.table)
        stream.push_back(std::move(rows[i]));
      else if (batch.records[i].value)
        table[key] = std::move(rows[i]);
      else
        table.erase(key);
    }
    return {};
  }));
  for (auto& [key, row] : table) stream.push_back(std::move(row));
  return stream;
}

Result<Cells> raw_rows_in(log::Log& log, const std::string& topic) {
  Cells rows;
  TRY(each_batch(log, topic, [&](const log::FetchedBatch& batch) -> Result<> {
    for (const log::RecordView& record : batch.records) {
      rows.push_back({plain(record.key), plain(record.value)});
    }
    return {};
  }));
  return rows;
}

}  // namespace tradewind::stream
