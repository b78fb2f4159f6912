#include "stream/run/reader.h"

#include <algorithm>

#include "base/coding.h"
#include "data/value.h"

namespace tradewind::stream {
namespace {

schema::SerdeSpec spec_of(const SourceSpec& source, bool key) {
  schema::SerdeSpec spec = serde_spec(source, key);
  if (!source.wanted.empty()) {
    const auto first = source.wanted.begin() + (key ? 0 : static_cast<ptrdiff_t>(source.key_columns.size()));
    spec.wanted.assign(first, first + static_cast<ptrdiff_t>(spec.columns.size()));
  }
  return spec;
}

bool wants_any(const schema::SerdeSpec& spec) {
  if (spec.wanted.empty()) return !spec.columns.empty();
  return std::any_of(spec.wanted.begin(), spec.wanted.end(),
                     [](const schema::Wanted& wanted) { return wanted.any; });
}

schema::Wanted merge(const schema::Wanted& a, const schema::Wanted& b) {
  if (!a.any) return b;
  if (!b.any) return a;
  if (a.parts.empty() || b.parts.empty()) return {};  // one of them wants all of it
  schema::Wanted both;
  for (size_t i = 0; i < a.parts.size(); ++i) both.parts.push_back(merge(a.parts[i], b.parts[i]));
  return both;
}

}  // namespace

bool Reader::alike(const SourceSpec& a, const SourceSpec& b) {
  return a.topic == b.topic && a.table == b.table && a.key_format == b.key_format &&
         a.value_format == b.value_format && a.key_columns == b.key_columns &&
         a.value_columns == b.value_columns && a.window_size == b.window_size && a.sessions == b.sessions &&
         a.timestamp_column == b.timestamp_column && a.timestamp_format == b.timestamp_format &&
         a.header_columns == b.header_columns && a.key_detail == b.key_detail &&
         a.value_detail == b.value_detail;
}

std::vector<schema::Wanted> Reader::either(const SourceSpec& a, const SourceSpec& b) {
  if (a.wanted.empty() || b.wanted.empty()) return {};
  std::vector<schema::Wanted> wanted;
  for (size_t i = 0; i < a.wanted.size(); ++i) wanted.push_back(merge(a.wanted[i], b.wanted[i]));
  return wanted;
}

Reader::Reader(SourceSpec source)
    : source_(std::move(source)), schema_(std::make_shared<const Schema>(source_schema(source_))) {}

Result<std::unique_ptr<Reader>> Reader::make(SourceSpec source, schema::Registry& registry) {
  std::unique_ptr<Reader> reader(new Reader(std::move(source)));
  if (!reader->source_.timestamp_column.empty()) {
    reader->time_column_ = reader->schema_->find(reader->source_.timestamp_column);
    if (!reader->time_column_) {
      return Error{Code::invalid, "no column is called " + reader->source_.timestamp_column + " (TIMESTAMP)"};
    }
    if (!reader->source_.wanted.empty()) reader->source_.wanted[*reader->time_column_].any = true;
    reader->record_time_ = TRY(
        RecordTime::make((*reader->schema_)[*reader->time_column_].type, reader->source_.timestamp_format));
  }
  const schema::SerdeSpec key = spec_of(reader->source_, true);
  const schema::SerdeSpec value = spec_of(reader->source_, false);
  if (wants_any(key) && key.format != schema::Format::none) {
    reader->key_decoder_ = TRY(schema::make_decoder(key, &registry));
  }
  if (wants_any(value)) reader->value_decoder_ = TRY(schema::make_decoder(value, &registry));
  return reader;
}

void Reader::split(std::span<const log::RecordView> records) {
  values_.resize(records.size());
  for (size_t i = 0; i < records.size(); ++i) values_[i] = records[i].value;
  keys_.clear();
  window_starts_.clear();
  window_ends_.clear();
  if (key_decoder_ == nullptr && !source_.windowed()) return;
  for (const log::RecordView& record : records) {
    std::optional<BytesView> key = record.key;
    if (source_.windowed()) {
      const size_t width = source_.sessions ? 16 : 8;
      uint64_t start = 0;
      uint64_t end = 0;
      if (key && key->size() >= width) {
        BytesView tail = key->substr(key->size() - width);
        if (source_.sessions) get_big64(tail, end);
        get_big64(tail, start);
        key->remove_suffix(width);
      }
      window_starts_.push_back(static_cast<int64_t>(start));
      if (source_.sessions) window_ends_.push_back(static_cast<int64_t>(end));
    }
    keys_.push_back(key);
  }
}

Result<> Reader::decode_into(schema::Decoder* decoder, const std::vector<std::optional<BytesView>>& payloads,
                             size_t first, const std::shared_ptr<const void>& buffer,
                             std::vector<ColumnPtr>& columns) {
  if (decoder == nullptr) return {};
  schema::Decoded decoded = TRY(decoder->decode(payloads, buffer));
  for (size_t i = 0; i < decoded.columns.size(); ++i) columns[first + i] = std::move(decoded.columns[i]);
  bad_.insert(bad_.end(), decoded.bad.begin(), decoded.bad.end());
  return {};
}

std::vector<int64_t> Reader::times_of(std::span<const log::RecordView> records,
                                      const std::vector<ColumnPtr>& columns) {
  std::vector<int64_t> times(records.size());
  if (!time_column_) {
    for (size_t i = 0; i < records.size(); ++i) times[i] = records[i].time.ms;
    return times;
  }
  const auto read = record_time_.read(columns[*time_column_]);
  for (size_t i = 0; i < records.size(); ++i) {
    times[i] = read[i].value_or(records[i].time.ms);
    if (!read[i] && records[i].value) {
      bad_.push_back(
          {static_cast<uint32_t>(i), "column " + source_.timestamp_column + " holds no time of an event"});
    }
  }
  return times;
}

// The headers of all records as a column; null when none has any.
ColumnPtr Reader::headers_of(std::span<const log::RecordView> records) const {
  const bool any = std::any_of(records.begin(), records.end(),
                               [](const log::RecordView& record) { return record.header_count > 0; });
  if (!any) return nullptr;
  ColumnBuilder builder(headers_type());
  for (const log::RecordView& record : records) {
    std::vector<Value> list;
    for (uint32_t i = 0; i < record.header_count; ++i) {
      const log::HeaderView& header = record.headers[i];
      list.emplace_back(std::vector<Value>{Value(std::string(header.name)),
                                           header.value ? Value(std::string(*header.value)) : Value()});
    }
    builder.append(Value(std::move(list)));
  }
  return builder.finish();
}

void Reader::header_columns(std::span<const log::RecordView> records, const ColumnPtr& headers,
                            std::vector<ColumnPtr>& columns) const {
  const size_t first = source_.key_columns.size() + source_.value_columns.size();
  for (size_t c = 0; c < source_.header_columns.size(); ++c) {
    if (!wants(first + c)) continue;
    const HeaderColumn& wanted = source_.header_columns[c];
    if (!wanted.key) {
      columns[first + c] = headers != nullptr
                               ? headers
                               : constant_column(headers_type(), Value(std::vector<Value>()), records.size());
      continue;
    }
    ColumnBuilder builder(Kind::bytes);
    for (const log::RecordView& record : records) {
      Value last;
      for (uint32_t i = 0; i < record.header_count; ++i) {
        const log::HeaderView& header = record.headers[i];
        if (header.name == *wanted.key) last = header.value ? Value(std::string(*header.value)) : Value();
      }
      builder.append(last);
    }
    columns[first + c] = builder.finish();
  }
}

void Reader::pseudo_columns(std::span<const log::RecordView> records, int32_t partition,
                            const std::vector<int64_t>& times, std::vector<ColumnPtr>& columns) const {
  const size_t count = records.size();
  size_t at = first_pseudo_column(source_);
  const auto bigints = [&](auto value_of) {
    if (wants(at)) {
      auto column = std::make_shared<Column>(Kind::bigint, count);
      for (size_t i = 0; i < count; ++i) column->data<int64_t>()[i] = value_of(i);
      columns[at] = std::move(column);
    }
    ++at;
  };
  if (source_.windowed()) {
    bigints([&](size_t i) { return window_starts_[i]; });
    bigints([&](size_t i) {
      return source_.sessions ? window_ends_[i] : window_starts_[i] + source_.window_size->count();
    });
  }
  bigints([&](size_t i) { return times[i]; });
  if (wants(at)) {
    auto column = std::make_shared<Column>(Kind::integer, count);
    std::fill_n(column->data<int32_t>(), count, partition);
    columns[at] = std::move(column);
  }
  ++at;
  bigints([&](size_t i) { return records[i].offset; });
}

Result<Batch> Reader::read(std::span<const log::RecordView> records, int32_t partition,
                           const std::shared_ptr<const void>& buffer,
                           const std::function<void(RowNote)>& note) {
  split(records);
  bad_.clear();
  std::vector<ColumnPtr> columns(schema_->size());
  TRY(decode_into(key_decoder_.get(), keys_, 0, buffer, columns));
  TRY(decode_into(value_decoder_.get(), values_, source_.key_columns.size(), buffer, columns));
  const ColumnPtr headers = headers_of(records);
  if (!source_.header_columns.empty()) header_columns(records, headers, columns);
  std::vector<int64_t> times = times_of(records, columns);
  pseudo_columns(records, partition, times, columns);
  Batch batch(schema_, std::move(columns), std::move(times));
  batch.with_origin({partition, records.empty() ? 0 : records[0].offset});
  batch.with_headers(headers);

  const bool tombstones =
      std::any_of(values_.begin(), values_.end(), [](const auto& value) { return !value; });
  if (tombstones) {
    std::vector<Change> changes(records.size(), Change::insert);
    for (size_t i = 0; i < records.size(); ++i) changes[i] = values_[i] ? Change::insert : Change::retract;
    batch.with_changes(std::move(changes));
  }
  if (bad_.empty()) return batch;

  std::vector<uint8_t> left(records.size(), 1);
  for (const schema::BadRow& bad : bad_) {
    if (left[bad.row] == 0) continue;
    left[bad.row] = 0;
    const log::RecordView& record = records[bad.row];
    RowNote told;
    told.kind = RowNote::Kind::deserialization;
    told.reason = bad.reason;
    told.topic = source_.topic;
    told.partition = partition;
    told.offset = record.offset;
    if (record.value) told.record = Bytes(*record.value);
    note(std::move(told));
  }
  std::vector<uint32_t> rows;
  for (uint32_t i = 0; i < left.size(); ++i) {
    if (left[i] != 0) rows.push_back(i);
  }
  return batch.filtered(std::move(rows));
}

}  // namespace tradewind::stream
