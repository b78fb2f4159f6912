#include "stream/ops/join_row.h"

#include <cstring>

#include "base/check.h"

namespace tradewind::stream {
namespace {

bool nested(const Type& type) {
  return type.layout() == Layout::list || type.layout() == Layout::record;
}

void put_sized(BytesView bytes, Bytes& out) {
  const auto size = static_cast<uint32_t>(bytes.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out.append(bytes);
}

BytesView take_sized(const char*& at) {
  uint32_t size = 0;
  std::memcpy(&size, at, sizeof(size));
  const BytesView bytes(at + sizeof(size), size);
  at += sizeof(size) + size;
  return bytes;
}

const char* data_of(const Column& column) {
  return column.data<char>();
}

}  // namespace

RowBytes::RowBytes(BytesView bytes)
    : data_(new char[bytes.size()]), size_(static_cast<uint32_t>(bytes.size())) {
  std::memcpy(data_.get(), bytes.data(), bytes.size());
}

RowCodec::RowCodec(const Schema& schema, std::vector<bool> kept) : kept_(std::move(kept)) {
  CHECK(kept_.size() == schema.size());
  for (const Field& field : schema.fields()) {
    types_.push_back(field.type);
    nested_.emplace_back(std::vector<Type>{field.type});
  }
}

void RowCodec::begin(const Batch& rows) {
  batch_ = rows;
  columns_.assign(types_.size(), nullptr);
  for (size_t i = 0; i < types_.size(); ++i) {
    if (kept_[i]) columns_[i] = batch_.column(i);
  }
}

void RowCodec::append(const Column& column, size_t row) {
  if (column.is_null(row)) {
    scratch_ += '\0';
    return;
  }
  scratch_ += '\1';
  if (column.type().layout() == Layout::view) return put_sized(column.data<BytesView>()[row], scratch_);
  const size_t width = width_of(column.type().layout());
  scratch_.append(data_of(column) + row * width, width);
}

RowBytes RowCodec::encode(size_t row) {
  scratch_.clear();
  scratch_.append(reinterpret_cast<const char*>(&batch_.times_ms()[row]), sizeof(int64_t));
  for (size_t i = 0; i < types_.size(); ++i) {
    if (columns_[i] == nullptr) continue;
    if (!nested(types_[i])) {
      append(*columns_[i], row);
      continue;
    }
    const bool null = columns_[i]->is_null(row);
    scratch_ += null ? '\0' : '\1';
    if (null) continue;
    Bytes value;
    nested_[i].encode({columns_[i]}, row, value);
    put_sized(value, scratch_);
  }
  return RowBytes(scratch_);
}

int64_t RowCodec::time_of(BytesView row) {
  int64_t time = 0;
  CHECK(row.size() >= sizeof(time));
  std::memcpy(&time, row.data(), sizeof(time));
  return time;
}

ColumnPtr RowCodec::flat_column(const Type& type, Cursors& at) const {
  auto column = std::make_shared<Column>(type, at.size());
  const bool text = type.layout() == Layout::view;
  const size_t width = width_of(type.layout());
  char* data = column->data<char>();
  for (size_t row = 0; row < at.size(); ++row) {
    if (at[row] == nullptr || *at[row]++ == '\0') {
      column->set_null(row);
      if (text)
        column->data<BytesView>()[row] = BytesView();
      else
        std::memset(data + row * width, 0, width);
      continue;
    }
    if (text) {
      column->data<BytesView>()[row] = column->store(take_sized(at[row]));
      continue;
    }
    std::memcpy(data + row * width, at[row], width);
    at[row] += width;
  }
  return column;
}

ColumnPtr RowCodec::nested_column(const Type& type, const RowKey& key, Cursors& at) const {
  ColumnBuilder builder(type);
  for (const char*& cursor : at) {
    if (cursor == nullptr || *cursor++ == '\0') {
      builder.append_null();
      continue;
    }
    const auto values = key.decode(take_sized(cursor));
    CHECK(values.has_value());
    builder.append((*values)[0]);
  }
  return builder.finish();
}

void RowCodec::columns(std::span<const BytesView> rows, std::vector<ColumnPtr>& out) const {
  Cursors at;
  at.reserve(rows.size());
  for (const BytesView row : rows) at.push_back(row.empty() ? nullptr : row.data() + sizeof(int64_t));
  for (size_t i = 0; i < types_.size(); ++i) {
    if (!kept_[i])
      out.push_back(nullptr);
    else
      out.push_back(nested(types_[i]) ? nested_column(types_[i], nested_[i], at)
                                      : flat_column(types_[i], at));
  }
}

}  // namespace tradewind::stream
