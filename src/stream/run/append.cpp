// What goes into the transaction of a commit, and what does not for its size: a result is told in the
// processing log and left out; a frame of state is cut; a topic of our own that takes too little is waited
// for.
#include <algorithm>

#include "base/coding.h"
#include "stream/run/processing_log.h"
#include "stream/run/worker.h"

namespace tradewind::stream {

Result<> Worker::ensure_transaction() {
  if (transaction_ == nullptr) transaction_ = TRY(producer_->begin());
  return {};
}

Result<> Worker::append(const log::Position& position, std::span<const log::RecordView> records) {
  TRY(ensure_transaction());
  return transaction_->append(position, records);
}

// What went wrong with a row is a record of the processing log, in the same transaction as what went right.
void Worker::note(RowNote note) {
  if (note.kind == RowNote::Kind::deserialization) ++figures_.bad_records;
  if (note.kind == RowNote::Kind::too_large) ++figures_.too_large;
  const auto most = static_cast<size_t>(std::max(log_.most_record_bytes(), kLeastRecordBytes));
  const Bytes value = processing_log_value(note, clock_.now(), most);
  const log::RecordView record{.value = value, .time = clock_.now()};
  work_since_commit_ = true;
  (void)append({kProcessingLogTopic, 0}, {&record, 1}).ok();  // a full transaction shows at the commit
}

// A value that goes into no record goes into several, key "+<key>", value: varint of how many come behind
// it, varint of its number from 0, and its bytes.
Result<> Worker::append_state(int32_t partition, BytesView key, BytesView value) {
  const log::Position position{state_topic(options_.application), partition};
  const auto put = [&](BytesView name, BytesView bytes) {
    const log::RecordView record{.key = name, .value = bytes, .time = clock_.now()};
    frame_bytes_ += static_cast<int64_t>(name.size() + bytes.size()) + 16;
    return transaction_->append(position, {&record, 1});
  };
  const auto most = static_cast<size_t>(std::max(log_.most_record_bytes(), kLeastRecordBytes));
  if (key.size() + value.size() <= most) return put(key, value);
  constexpr size_t kNumbers = 21;  // their bytes at most, and the key's '+'
  const size_t room = std::max(most - std::min(most, key.size() + kNumbers), kNumbers);
  const size_t pieces = (value.size() + room - 1) / room;
  Bytes name = "+";
  name.append(key);
  for (size_t i = 0; i < pieces; ++i) {
    Bytes piece;
    put_varint(piece, pieces - 1 - i);
    put_varint(piece, i);
    piece.append(value.substr(i * room, room));
    TRY(put(name, piece));
  }
  return {};
}

Result<> Worker::restore_piece(const std::string& key, BytesView piece, int32_t partition,
                               RestoredLanes& lanes) {
  uint64_t behind = 0;
  uint64_t number = 0;
  Pieces& pieces = restored_pieces_[key];
  if (!get_varint(piece, behind) || !get_varint(piece, number) || number != pieces.next)
    return Error{Code::corrupt, "a piece of " + key + " is missing"};
  pieces.value.append(piece);
  ++pieces.next;
  if (behind > 0) return {};
  const Bytes whole = std::move(pieces.value);
  restored_pieces_.erase(key);
  return restore_record({.key = key, .value = whole}, partition, lanes);
}

// Commits what is prepared. Results whose topics do not take them for their size are left out, and told.
Result<log::Offsets> Worker::write() {
  while (true) {
    auto first = transaction_->commit(options_.application, consumed_);
    if (first.ok() || transaction_->too_large().empty()) return first;
    TRY(leave_out_too_large());
  }
}

// unavailable: a topic that nothing may be left out of takes too little; somebody has to change that.
Result<> Worker::leave_out_too_large() {
  const std::vector<log::TooLarge> refused = transaction_->too_large();
  for (const log::TooLarge& one : refused) {
    const std::string& topic = one.position.topic;
    if (!holds_state(topic)) continue;
    return Error{Code::unavailable, "topic " + topic + " takes no record of " + std::to_string(one.bytes) +
                                        " bytes, which holds state of queries; " + one.remedy};
  }
  transaction_->leave_out_too_large();
  for (const log::TooLarge& one : refused) {
    if (one.position.topic == kProcessingLogTopic) continue;  // would be told there
    RowNote told = too_large_note(one.position, one.key, one.bytes, "topic " + one.position.topic,
                                  one.remedy + ", or make the result smaller");
    told.query = writers_of(one.position.topic);
    note(std::move(told));
  }
  return {};
}

bool Worker::holds_state(const std::string& topic) const {
  if (topic == state_topic(options_.application)) return true;
  const auto all = queries();
  return std::any_of(all.begin(), all.end(), [&](const std::shared_ptr<Query>& known) {
    return partials_topic(known->topology->name) == topic;
  });
}

// The queries whose results go there; mostly one.
std::string Worker::writers_of(const std::string& topic) const {
  std::string names;
  for (const std::shared_ptr<Query>& known : queries()) {
    const Topology& topology = *known->topology;
    const bool writes =
        (topology.sink && topology.sink->topic == topic) || late_topic(topology.name) == topic;
    if (writes) names += (names.empty() ? "" : ",") + topology.name;
  }
  return names;
}

}  // namespace tradewind::stream
