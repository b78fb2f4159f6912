#pragma once
// Rows: the columns a decoder is filling, flattened into slots: one for each column and each wanted part of
// one.
//
// Slots are fixed per decoder; Rows live for one call of decode and belong to one thread. Elements of lists
// may arrive in any order (a list row knows its stretches); finish() brings them into the order of the rows.

#include <memory>
#include <vector>

#include "data/column.h"
#include "data/value.h"
#include "schema/serde.h"

namespace tradewind::schema::avro {

struct Slot {
  Type type;
  std::vector<int> children;  // per child column its slot; -1: not wanted
};

// The slots of columns and of what is wanted of them.
class Slots {
 public:
  // REQUIRES `wanted` to be empty or to have one entry per column.
  Slots(const std::vector<Field>& columns, const std::vector<Wanted>& wanted);

  const Slot& operator[](int slot) const { return slots_[static_cast<size_t>(slot)]; }
  size_t size() const { return slots_.size(); }
  const std::vector<Field>& columns() const { return columns_; }
  // Per column its slot; -1: not wanted.
  const std::vector<int>& tops() const { return tops_; }

 private:
  int add(const Type& type, const Wanted& wanted);

  std::vector<Field> columns_;
  std::vector<Slot> slots_;
  std::vector<int> tops_;
};

class Rows {
 public:
  // `expected`, if any, says per slot how many elements its lists may have, from sizes() of earlier rows.
  Rows(const Slots& slots, size_t rows, const std::vector<size_t>& expected = {});

  Column& column(int slot) { return *columns_[static_cast<size_t>(slot)]; }

  // Room for `count` more elements of a list slot; the number of the first. Columns may move.
  uint32_t add_elements(int slot, size_t count);
  // Says that the list at `row` goes on with `count` elements from `start`.
  void add_stretch(int slot, uint32_t row, uint32_t start, uint32_t count) {
    List& list = lists_[static_cast<size_t>(slot)];
    if (__builtin_expect(list.counts[row] != 0, 0)) return list.more.push_back({row, start, count});
    list.starts[row] = start;
    list.counts[row] = count;
  }
  size_t elements(int slot) const { return lists_[static_cast<size_t>(slot)].elements; }

  // Per slot the elements its lists have so far; 0 for others.
  std::vector<size_t> sizes() const;

  // Makes the row null, and everything inside it.
  void blank(int slot, uint32_t row);
  // Writes a constant; strings are views into `value`.
  void fill(int slot, uint32_t row, const Value& value);

  // One column per column of the slots (null: not wanted). Views point into what `owners` keep alive.
  std::vector<ColumnPtr> finish(const std::vector<std::shared_ptr<const void>>& owners);

 private:
  struct Stretch {
    uint32_t row;
    uint32_t start;
    uint32_t count;
  };
  struct List {
    std::vector<uint32_t> starts;  // per row its first stretch
    std::vector<uint32_t> counts;
    std::vector<Stretch> more;  // further stretches, in order for each row
    size_t elements = 0;
  };

  void grow(int slot, size_t rows);
  void fill_list(int slot, uint32_t row, const std::vector<Value>& parts);
  ColumnPtr finish(int slot, const std::vector<std::shared_ptr<const void>>& owners);
  void finish_list(Column& column, List& list);

  const Slots& slots_;
  std::vector<std::shared_ptr<Column>> columns_;
  std::vector<List> lists_;
};

}  // namespace tradewind::schema::avro
