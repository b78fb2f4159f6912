#include "data/column.h"

#include <algorithm>
#include <cstring>

namespace tradewind {
namespace {

constexpr size_t kArenaChunk = 16 * 1024;

template <typename T>
void gather_values(const T* from, T* to, const uint32_t* rows, size_t count) {
  for (size_t i = 0; i < count; ++i) to[i] = from[rows[i]];
}

}  // namespace

size_t width_of(Layout layout) {
  switch (layout) {
    case Layout::u8: return 1;
    case Layout::i32: return 4;
    case Layout::i64:
    case Layout::f64: return 8;
    case Layout::i128:
    case Layout::view: return 16;
    case Layout::list:
    case Layout::record: return 0;
  }
  return 0;
}

Column::Column(Type type, size_t rows) : type_(std::move(type)), width_(width_of(type_.layout())) {
  if (type_.layout() == Layout::list) {
    offsets_.push_back(0);
    children_.resize(type_.kind() == Kind::map ? 2 : 1);
  }
  if (type_.layout() == Layout::record) children_.resize(type_.fields().size());
  resize(rows);
}

uint8_t* Column::make_valid() {
  if (valid_.empty()) valid_.assign(std::max<size_t>(rows_, 1), 1);
  return valid_.data();
}

void Column::resize(size_t rows) {
  if (width_ != 0 && rows > capacity_) {
    const size_t capacity = std::max(rows, capacity_ * 2);
    auto* fresh = static_cast<char*>(::operator new[](capacity* width_));
    if (rows_ != 0) std::memcpy(fresh, data_.get(), rows_ * width_);
    data_.reset(fresh);
    capacity_ = capacity;
  }
  if (type_.layout() == Layout::list) offsets_.resize(rows + 1, offsets_.back());
  if (!valid_.empty()) valid_.resize(std::max<size_t>(rows, 1), 1);
  rows_ = rows;
}

BytesView Column::store(BytesView bytes) {
  if (bytes.empty()) return {};
  if (bytes.size() > arena_left_) {
    if (arena_ == nullptr) {
      arena_ = std::make_shared<std::vector<std::unique_ptr<char[]>>>();
      keep(arena_);
    }
    const size_t size = std::max(kArenaChunk, bytes.size());
    arena_->push_back(std::make_unique<char[]>(size));
    arena_at_ = arena_->back().get();
    arena_left_ = size;
  }
  char* at = arena_at_;
  std::memcpy(at, bytes.data(), bytes.size());
  arena_at_ += bytes.size();
  arena_left_ -= bytes.size();
  return {at, bytes.size()};
}

ColumnPtr Column::gather(const uint32_t* rows, size_t count) const {
  auto result = std::make_shared<Column>(type_, count);
  if (!valid_.empty()) gather_values(valid_.data(), result->make_valid(), rows, count);
  result->owners_ = owners_;
  switch (type_.layout()) {
    case Layout::u8: gather_values(data<uint8_t>(), result->data<uint8_t>(), rows, count); break;
    case Layout::i32: gather_values(data<int32_t>(), result->data<int32_t>(), rows, count); break;
    case Layout::i64:
    case Layout::f64: gather_values(data<int64_t>(), result->data<int64_t>(), rows, count); break;
    case Layout::i128: gather_values(data<Int128>(), result->data<Int128>(), rows, count); break;
    case Layout::view: gather_values(data<BytesView>(), result->data<BytesView>(), rows, count); break;
    case Layout::record:
      for (size_t i = 0; i < children_.size(); ++i) {
        if (children_[i] != nullptr) result->children_[i] = children_[i]->gather(rows, count);
      }
      break;
    case Layout::list: {
      std::vector<uint32_t> elements;
      for (size_t i = 0; i < count; ++i) {
        for (uint32_t at = offsets_[rows[i]]; at < offsets_[rows[i] + 1]; ++at) elements.push_back(at);
        result->offsets_[i + 1] = static_cast<uint32_t>(elements.size());
      }
      for (size_t i = 0; i < children_.size(); ++i) {
        if (children_[i] != nullptr)
          result->children_[i] = children_[i]->gather(elements.data(), elements.size());
      }
      break;
    }
  }
  return result;
}

}  // namespace tradewind
