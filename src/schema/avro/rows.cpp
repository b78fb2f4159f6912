#include "schema/avro/rows.h"

#include <algorithm>
#include <cstring>

namespace tradewind::schema::avro {

Slots::Slots(const std::vector<Field>& columns, const std::vector<Wanted>& wanted) : columns_(columns) {
  CHECK(wanted.empty() || wanted.size() == columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    tops_.push_back(add(columns[i].type, wanted.empty() ? Wanted() : wanted[i]));
  }
}

int Slots::add(const Type& type, const Wanted& wanted) {
  if (!wanted.any) return -1;
  const auto own = slots_.size();
  slots_.push_back({type, {}});
  std::vector<int> children;
  const auto child = [&](size_t i, const Type& part) {
    CHECK(wanted.parts.empty() || i < wanted.parts.size());
    children.push_back(add(part, wanted.parts.empty() ? Wanted() : wanted.parts[i]));
  };
  if (type.kind() == Kind::array) child(0, type.element());
  if (type.kind() == Kind::map) {
    child(0, type.key());
    child(1, type.element());
  }
  if (type.kind() == Kind::structure) {
    for (size_t i = 0; i < type.fields().size(); ++i) child(i, type.fields()[i].type);
  }
  slots_[own].children = std::move(children);
  return static_cast<int>(own);
}

Rows::Rows(const Slots& slots, size_t rows, const std::vector<size_t>& expected)
    : slots_(slots), columns_(slots.size()), lists_(slots.size()) {
  for (size_t i = 0; i < slots.size(); ++i) {
    columns_[i] = std::make_shared<Column>(slots[static_cast<int>(i)].type);
  }
  for (const int top : slots.tops()) grow(top, rows);
  for (size_t i = 0; i < expected.size(); ++i) {
    for (const int child : slots[static_cast<int>(i)].children) {
      if (expected[i] == 0 || child < 0) continue;
      grow(child, expected[i] + expected[i] / 8);
      grow(child, 0);
    }
  }
}

std::vector<size_t> Rows::sizes() const {
  std::vector<size_t> sizes;
  for (const List& list : lists_) sizes.push_back(list.elements);
  return sizes;
}

void Rows::grow(int slot, size_t rows) {
  if (slot < 0) return;
  column(slot).resize(rows);
  const Slot& shape = slots_[slot];
  if (shape.type.layout() == Layout::record) {
    for (const int child : shape.children) grow(child, rows);
  }
  if (shape.type.layout() == Layout::list) {
    lists_[static_cast<size_t>(slot)].starts.resize(rows);
    lists_[static_cast<size_t>(slot)].counts.resize(rows);
  }
}

uint32_t Rows::add_elements(int slot, size_t count) {
  List& list = lists_[static_cast<size_t>(slot)];
  const size_t first = list.elements;
  list.elements += count;
  CHECK(list.elements <= UINT32_MAX);
  for (const int child : slots_[slot].children) grow(child, list.elements);
  return static_cast<uint32_t>(first);
}

void Rows::blank(int slot, uint32_t row) {
  if (slot < 0) return;
  const Slot& shape = slots_[slot];
  Column& target = column(slot);
  target.set_null(row);
  switch (shape.type.layout()) {
    case Layout::u8: target.data<uint8_t>()[row] = 0; return;
    case Layout::i32: target.data<int32_t>()[row] = 0; return;
    case Layout::i64: target.data<int64_t>()[row] = 0; return;
    case Layout::i128: target.data<Int128>()[row] = 0; return;
    case Layout::f64: target.data<double>()[row] = 0; return;
    case Layout::view: target.data<BytesView>()[row] = {}; return;
    case Layout::record:
      for (const int child : shape.children) blank(child, row);
      return;
    case Layout::list: break;
  }
  List& list = lists_[static_cast<size_t>(slot)];
  list.counts[row] = 0;
  std::erase_if(list.more, [row](const Stretch& stretch) { return stretch.row == row; });
}

void Rows::fill(int slot, uint32_t row, const Value& value) {
  if (slot < 0) return;
  if (value.is_null()) return blank(slot, row);
  const Slot& shape = slots_[slot];
  Column& target = column(slot);
  switch (shape.type.layout()) {
    case Layout::u8: target.data<uint8_t>()[row] = value.number() != 0; return;
    case Layout::i32: target.data<int32_t>()[row] = static_cast<int32_t>(value.number()); return;
    case Layout::i64:
      target.data<int64_t>()[row] =
          shape.type.kind() == Kind::decimal ? static_cast<int64_t>(value.decimal()) : value.number();
      return;
    case Layout::i128: target.data<Int128>()[row] = value.decimal(); return;
    case Layout::f64: target.data<double>()[row] = value.real(); return;
    case Layout::view: target.data<BytesView>()[row] = value.text(); return;
    case Layout::record:
      for (size_t i = 0; i < shape.children.size(); ++i) fill(shape.children[i], row, value.parts()[i]);
      return;
    case Layout::list: break;
  }
  fill_list(slot, row, value.parts());
}

void Rows::fill_list(int slot, uint32_t row, const std::vector<Value>& parts) {
  const std::vector<int>& children = slots_[slot].children;
  const size_t count = parts.size() / children.size();
  const uint32_t start = add_elements(slot, count);
  add_stretch(slot, row, start, static_cast<uint32_t>(count));
  for (size_t i = 0; i < parts.size(); ++i) {
    fill(children[i % children.size()], start + static_cast<uint32_t>(i / children.size()), parts[i]);
  }
}

std::vector<ColumnPtr> Rows::finish(const std::vector<std::shared_ptr<const void>>& owners) {
  std::vector<ColumnPtr> done;
  for (const int top : slots_.tops()) done.push_back(top < 0 ? nullptr : finish(top, owners));
  return done;
}

ColumnPtr Rows::finish(int slot, const std::vector<std::shared_ptr<const void>>& owners) {
  Column& target = column(slot);
  const uint8_t* valid = target.valid();
  if (valid != nullptr && std::memchr(valid, 0, target.size()) == nullptr) target.drop_valid();
  const Slot& shape = slots_[slot];
  if (shape.type.layout() == Layout::view) {
    for (const auto& owner : owners) target.keep(owner);
  }
  for (size_t i = 0; i < shape.children.size(); ++i) {
    if (shape.children[i] >= 0) target.children()[i] = finish(shape.children[i], owners);
  }
  if (shape.type.layout() == Layout::list) finish_list(target, lists_[static_cast<size_t>(slot)]);
  return columns_[static_cast<size_t>(slot)];
}

void Rows::finish_list(Column& column, List& list) {
  uint32_t* offsets = column.offsets();
  const size_t rows = column.size();
  uint32_t at = 0;
  bool in_order = list.more.empty();
  for (size_t row = 0; row < rows; ++row) {
    in_order &= list.counts[row] == 0 || list.starts[row] == at;
    at += list.counts[row];
    offsets[row + 1] = at;
  }
  if (in_order && at == list.elements) return;
  std::stable_sort(list.more.begin(), list.more.end(),
                   [](const Stretch& a, const Stretch& b) { return a.row < b.row; });
  std::vector<uint32_t> order;
  const auto take = [&](uint32_t start, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) order.push_back(start + i);
  };
  auto more = list.more.begin();
  for (size_t row = 0; row < rows; ++row) {
    take(list.starts[row], list.counts[row]);
    for (; more != list.more.end() && more->row == row; ++more) take(more->start, more->count);
    offsets[row + 1] = static_cast<uint32_t>(order.size());
  }
  for (ColumnPtr& child : column.children()) {
    if (child != nullptr) child = child->gather(order.data(), order.size());
  }
}

}  // namespace tradewind::schema::avro
