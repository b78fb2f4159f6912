#pragma once
// Reader: the records of one topic as batches of rows, decoded once for all queries that read the topic
// alike: only the columns that one of them wants.
//
// Threads: one.

#include <functional>
#include <memory>
#include <vector>

#include "data/batch.h"
#include "log/record.h"
#include "schema/serde.h"
#include "stream/operator.h"
#include "stream/record_time.h"
#include "stream/topology.h"

namespace tradewind::stream {

class Reader {
 public:
  // `source.wanted` says what is decoded.
  static Result<std::unique_ptr<Reader>> make(SourceSpec source, schema::Registry& registry);

  const SourceSpec& source() const { return source_; }
  // Rows of records of one partition. Bad records are told to `note` and left out. A stream's records without
  // a value are left out, a table's become retracts.
  Result<Batch> read(std::span<const log::RecordView> records, int32_t partition,
                     const std::shared_ptr<const void>& buffer, const std::function<void(RowNote)>& note);

  // True when both read a topic with the same eyes, whatever they want to see of it.
  static bool alike(const SourceSpec& a, const SourceSpec& b);
  // What either wants.
  static std::vector<schema::Wanted> either(const SourceSpec& a, const SourceSpec& b);

 private:
  explicit Reader(SourceSpec source);
  void split(std::span<const log::RecordView> records);
  Result<> decode_into(schema::Decoder* decoder, const std::vector<std::optional<BytesView>>& payloads,
                       size_t first, const std::shared_ptr<const void>& buffer,
                       std::vector<ColumnPtr>& columns);
  void pseudo_columns(std::span<const log::RecordView> records, int32_t partition,
                      const std::vector<int64_t>& times, std::vector<ColumnPtr>& columns) const;
  ColumnPtr headers_of(std::span<const log::RecordView> records) const;
  void header_columns(std::span<const log::RecordView> records, const ColumnPtr& headers,
                      std::vector<ColumnPtr>& columns) const;
  std::vector<int64_t> times_of(std::span<const log::RecordView> records,
                                const std::vector<ColumnPtr>& columns);
  bool wants(size_t column) const { return source_.wanted.empty() || source_.wanted[column].any; }

  SourceSpec source_;
  SchemaPtr schema_;
  std::unique_ptr<schema::Decoder> key_decoder_;    // null: no key column wanted
  std::unique_ptr<schema::Decoder> value_decoder_;  // null: no value column wanted
  std::optional<size_t> time_column_;
  RecordTime record_time_;  // of that column
  std::vector<std::optional<BytesView>> keys_;
  std::vector<std::optional<BytesView>> values_;
  std::vector<int64_t> window_starts_;
  std::vector<int64_t> window_ends_;  // of sessions
  std::vector<schema::BadRow> bad_;
};

}  // namespace tradewind::stream
