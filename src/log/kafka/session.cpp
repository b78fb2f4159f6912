#include "log/kafka/session.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <utility>

namespace tradewind::log::kafka {
namespace {

// The versions before lengths became varints.
constexpr int kProduceVersion = 7;
constexpr int kInitVersion = 1;
constexpr int kTxnVersion = 2;  // of all that speak of transactions
constexpr int16_t kAllReplicas = -1;
constexpr size_t kMostRequest = 32 << 20;  // bytes of batches; brokers take 100 MB by default
constexpr size_t kLeastRequest = 1;        // one batch
constexpr size_t kOneRequest = 2 << 20;    // while brokers look through one, the next is packed
constexpr int32_t kProduceMs = 4'000;      // what a broker waits for replicas at most
constexpr int64_t kFirstPauseMs = 1;
constexpr int64_t kMostPauseMs = 50;
constexpr size_t kLeastListed = 2;

// Lists positions by topic, each partition with what `also` puts behind its number.
template <typename Each, typename Also>
void put_by_topic(Asked& body, const Each& sorted, const Also& also) {
  int32_t topics = 0;
  for (auto at = sorted.begin(); at != sorted.end(); ++at) {
    if (at == sorted.begin() || std::prev(at)->first.topic != at->first.topic) ++topics;
  }
  body.number32(topics);
  for (auto at = sorted.begin(); at != sorted.end();) {
    const std::string& topic = at->first.topic;
    const auto end =
        std::find_if(at, sorted.end(), [&](const auto& one) { return one.first.topic != topic; });
    body.text(topic).number32(static_cast<int32_t>(std::distance(at, end)));
    for (; at != end; ++at) {
      body.number32(at->first.partition);
      also(at->second);
    }
  }
}

// What waiting mends: leaders and coordinators move, markers of the transaction before are being written,
// connections end.
bool passing(int code) {
  switch (code) {
    case kGone:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR: return true;
    default: return false;
  }
}

// Batches of many records become smaller.
bool size_refused(int code) {
  return code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE || code == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;
}

// Of two codes the one to go by: what waiting does not mend.
int worse(int one, int other) {
  if (one == 0 || other == 0) return one == 0 ? other : one;
  return passing(one) ? other : one;
}

// The worst of the codes that are told by topic and partition.
int worst_of(Told& told, size_t asked, std::string& topic) {
  int worst = 0;
  for (int32_t topics = told.count(kLeastListed); topics > 0; --topics) {
    const std::string name = told.text();
    for (int32_t partitions = told.count(kLeastListed); partitions > 0; --partitions) {
      told.number32();
      const int code = told.number16();
      --asked;
      const bool follows = code == RD_KAFKA_RESP_ERR_OPERATION_NOT_ATTEMPTED;  // from another's code
      if (code == 0 || (follows && worst != 0)) continue;
      worst = code;
      topic = name;
    }
  }
  return worst == 0 && asked != 0 ? kGone : worst;
}

int after_throttle(Told& told) {
  told.number32();  // throttled for so long
  return told.number16();
}

}  // namespace

Session::Session(const KafkaOptions& options, std::string id)
    : options_(options),
      id_(std::move(id)),
      packing_(packing_of(options.compression).value_or(Packing::none)),
      brokers_(options) {}

void Session::pause(int64_t& pause_ms) const {
  options_.clock->sleep(Duration(pause_ms));
  pause_ms = std::min(2 * pause_ms, kMostPauseMs);
}

Asked Session::begun() const {
  Asked body;
  body.text(id_).number64(writer_.id).number16(writer_.epoch);
  return body;
}

int Session::ask_coordinator(Brokers::Role role, const std::string& key, Api api, int version,
                             const Asked& body, int64_t until_ns, const std::function<int(Told&)>& code_of) {
  for (int64_t pause_ms = kFirstPauseMs;; pause(pause_ms)) {
    std::string address;
    int code = brokers_.coordinator(role, key, address);
    if (code == 0) {
      Bytes answer;
      code = brokers_.ask(address, api, version, body, answer);
      if (code == 0) {
        Told told(answer);
        code = code_of(told);
        if (told.broken()) code = kGone;
      }
      const bool stays = code == 0 || code == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
      if (!stays) brokers_.forget_coordinator(role, key);
    }
    if (code == 0 || !passing(code) || now_ns() >= until_ns) return code;
  }
}

// A taking has no epoch that could be old: that of another taking, which was under way, was.
int Session::take(int64_t until_ns) {
  brokers_.until(until_ns);
  Asked body;
  body.text(id_).number32(static_cast<int32_t>(2 * options_.patience.count()));
  Writer taken;
  const int code = ask_coordinator(Brokers::Role::transactions, id_, Api::init_producer_id, kInitVersion,
                                   body, until_ns, [&](Told& told) {
                                     const int refused = after_throttle(told);
                                     taken.id = told.number64();
                                     taken.epoch = told.number16();
                                     const bool old = refused == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH ||
                                                      refused == RD_KAFKA_RESP_ERR_PRODUCER_FENCED;
                                     return old ? RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS : refused;
                                   });
  if (code != 0) return code;
  writer_ = taken;
  sequences_.clear();
  added_.clear();
  offsets_added_ = false;
  unsure_ = false;
  breaks_before_ = brokers_.breaks();
  return 0;
}

// Records of one position go together; where several parts are for it, they are listed in `together`.
std::vector<Session::Part> Session::by_position(std::span<const Appending> given,
                                                std::deque<Deliveries::Slot>& slots,
                                                std::map<Position, std::vector<RecordView>>& together) {
  std::map<Position, Part> found;
  for (const Appending& appending : given) {
    if (appending.records.empty()) continue;
    Part& part = found[appending.position];
    if (part.records.empty()) {
      part.records = appending.records;
      continue;
    }
    std::vector<RecordView>& all = together[appending.position];
    if (all.empty()) all.assign(part.records.begin(), part.records.end());
    all.insert(all.end(), appending.records.begin(), appending.records.end());
    part.records = all;
  }
  std::vector<Part> parts;
  for (auto& [position, part] : found) {
    part.position = position;
    part.slot = &slots.emplace_back();
    part.slot->position = position;
    parts.push_back(std::move(part));
  }
  return parts;
}

int Session::write(std::span<const Appending> given, const Places& places,
                   std::deque<Deliveries::Slot>& slots, int64_t until_ns) {
  brokers_.until(until_ns);
  if (added_.empty() && !offsets_added_) breaks_before_ = brokers_.breaks();
  std::map<Position, std::vector<RecordView>> together;
  std::vector<Part> parts = by_position(given, slots, together);
  too_large_.clear();
  // Before anything is begun: partitions without a leader are waited for.
  if (const int code = find_leaders(parts, until_ns); code != 0) return code;
  if (const int code = add_partitions(parts, until_ns); code != 0) return code;
  int code = write_parts(parts, places, until_ns);
  if (code == 0 && !too_large_.empty()) {
    topic_ = too_large_.front().position.topic;
    code = too_large_.front().code;
  }
  const auto unsure = [](const Part& part) { return part.unsure; };
  unsure_ = unsure_ || std::any_of(parts.begin(), parts.end(), unsure);
  return code;
}

int Session::write_parts(std::vector<Part>& parts, const Places& places, int64_t until_ns) {
  bool places_sent = places.offsets.empty();
  size_t room = kMostRequest;
  for (int64_t pause_ms = kFirstPauseMs;;) {
    std::vector<Underway> underway;
    const int unsent = send_round(parts, room, underway);
    // While the brokers write.
    const int unplaced = places_sent ? 0 : send_offsets(places, until_ns);
    places_sent = true;
    const int code = worse(hear(underway), unsent);
    if (unplaced != 0) return unplaced;
    const bool done = std::all_of(parts.begin(), parts.end(),
                                  [](const Part& part) { return part.written == part.records.size(); });
    if (done) return 0;
    if (code == 0) continue;  // the next batches
    if (!passing(code) || now_ns() >= until_ns) return code;
    // Brokers end connections whose requests are too large for them, and slow ones take long over them.
    if (code == kGone) room = std::max(room / 2, kLeastRequest);
    pause(pause_ms);
    if (const int found = find_leaders(parts, until_ns); found != 0) return found;
  }
}

// Asks the brokers where some leader is not known or not connected, until all are.
int Session::find_leaders(const std::vector<Part>& parts, int64_t until_ns) {
  for (int64_t pause_ms = kFirstPauseMs;; pause(pause_ms)) {
    std::set<std::string> wanted;
    std::map<std::string, bool> connected;  // each is tried once
    int code = 0;
    for (const Part& part : parts) {
      const std::string* leader = brokers_.leader(part.position);
      if (leader != nullptr && !connected.contains(*leader)) connected[*leader] = brokers_.connected(*leader);
      if (leader != nullptr && connected[*leader]) continue;
      code = leader == nullptr ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE : kGone;
      topic_ = part.position.topic;
      wanted.insert(topic_);
    }
    if (wanted.empty()) return 0;
    const int told = brokers_.locate(wanted, topic_);
    if (told != 0) code = told;
    if (!passing(code) || now_ns() >= until_ns) return code;
  }
}

int Session::add_partitions(const std::vector<Part>& parts, int64_t until_ns) {
  std::map<Position, bool> fresh;
  for (const Part& part : parts) {
    if (!added_.contains(part.position)) fresh.emplace(part.position, true);
  }
  if (fresh.empty()) return 0;
  Asked body = begun();
  put_by_topic(body, fresh, [](bool) {});
  const int code = ask_coordinator(Brokers::Role::transactions, id_, Api::add_partitions_to_txn, kTxnVersion,
                                   body, until_ns, [&](Told& told) {
                                     told.number32();
                                     return worst_of(told, fresh.size(), topic_);
                                   });
  if (code != 0) return code;
  for (const auto& [position, is] : fresh) added_.insert(position);
  return 0;
}

// One batch of each part that has more is sent to the brokers, `room` bytes or one batch more. 0: none of
// them is gone.
int Session::send_round(std::vector<Part>& parts, size_t room, std::vector<Underway>& underway) {
  struct Gathered {
    Parts parts;
    size_t bytes = 0;
  };
  std::map<std::string, Gathered> by_leader;
  size_t bytes = 0;
  int code = 0;
  std::set<std::string> gone;  // on a new connection the answers of the old one would be waited for
  const auto send = [&](const std::string& leader, Gathered& gathered) {
    const Parts sent = std::exchange(gathered, {}).parts;
    if (gone.contains(leader)) {
      for (Part* part : sent) part->sent = 0;
      return;
    }
    underway.push_back({leader, sent});
    if (brokers_.send(leader, Api::produce, kProduceVersion, produce_request(sent)) == 0) return;
    gone.insert(leader);
    code = kGone;
  };
  for (Part& part : parts) {
    const auto left = part.records.subspan(part.written);
    if (left.empty() || bytes >= room) continue;
    const std::string* leader = brokers_.leader(part.position);
    if (leader == nullptr) {
      code = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
      continue;
    }
    Gathered& gathered = by_leader[*leader];
    const size_t before = bytes;
    part.sent = batch_size(left.first(std::min(left.size(), part.most)), bytes);
    gathered.parts.push_back(&part);
    gathered.bytes += bytes - before;
    if (gathered.bytes >= kOneRequest) send(*leader, gathered);
  }
  for (auto& [leader, gathered] : by_leader) {
    if (!gathered.parts.empty()) send(leader, gathered);
  }
  return code;
}

// The worst code of the answers; 0: all was taken.
int Session::hear(const std::vector<Underway>& underway) {
  int worst = 0;
  for (const Underway& one : underway) {
    Bytes answer;
    int code = brokers_.hear(one.address, answer);
    if (code == 0) {
      Told told(answer);
      code = take_answer(one.parts, told);
    }
    for (Part* part : one.parts) {
      if (part->sent == 0) continue;
      part->unsure = true;
      code = worse(code, kGone);
    }
    worst = worse(worst, code);
  }
  return worst;
}

Asked Session::produce_request(const Parts& parts) {
  std::map<Position, const Part*> sorted;
  for (const Part* part : parts) sorted.emplace(part->position, part);
  Asked body;
  body.text(id_).number16(kAllReplicas).number32(kProduceMs);
  put_by_topic(body, sorted, [&](const Part* part) {
    Writer writer = writer_;
    writer.sequence = sequences_[part->position];
    body.bytes(batch_of(part->records.subspan(part->written, part->sent), writer, packing_));
  });
  return body;
}

int Session::take_answer(const Parts& parts, Told& told) {
  int worst = 0;
  for (int32_t topics = told.count(kLeastListed); topics > 0; --topics) {
    const std::string topic = told.text();
    for (int32_t partitions = told.count(kLeastListed); partitions > 0; --partitions) {
      const Position position{topic, told.number32()};
      const int code = told.number16();
      const Offset first = told.number64();
      told.number64();  // when it was appended
      told.number64();  // where the partition begins
      const auto at = std::find_if(parts.begin(), parts.end(), [&](const Part* part) {
        return part->position == position && part->sent > 0;
      });
      if (at == parts.end() || told.broken()) return kGone;
      worst = worse(worst, take_answer(**at, code, first));
    }
  }
  return worst;
}

int Session::take_answer(Part& part, int code, Offset first) {
  const auto count = static_cast<int64_t>(std::exchange(part.sent, 0));
  if (size_refused(code)) {
    part.most = std::max<size_t>(static_cast<size_t>(count) / 2, 1);
    if (count == 1) too_large_.push_back({part.position, part.written++, code});
    return 0;
  }
  if (code == 0 && first < 0) code = RD_KAFKA_RESP_ERR_UNKNOWN;
  if (code != 0) {
    topic_ = part.position.topic;
    // A leader may have written it, and then lost its followers or its place.
    part.unsure = part.unsure || passing(code) || code == RD_KAFKA_RESP_ERR_UNKNOWN;
    if (passing(code)) brokers_.forget_leader(part.position);
    return code;
  }
  part.unsure = false;
  if (part.slot->first < 0) part.slot->first = first;
  part.slot->last = first + count - 1;
  part.written += static_cast<size_t>(count);
  int32_t& sequence = sequences_[part.position];
  sequence = static_cast<int32_t>((sequence + count) & INT32_MAX);  // begins anew behind the greatest
  return 0;
}

int Session::send_offsets(const Places& places, int64_t until_ns) {
  if (!offsets_added_) {
    Asked body = begun();
    body.text(places.group);
    const int code = ask_coordinator(Brokers::Role::transactions, id_, Api::add_offsets_to_txn, kTxnVersion,
                                     body, until_ns, after_throttle);
    if (code != 0) return code;
    offsets_added_ = true;
  }
  Asked body;
  body.text(id_).text(places.group).number64(writer_.id).number16(writer_.epoch);
  put_by_topic(body, places.offsets, [&](Offset offset) { body.number64(offset).number32(-1).text(""); });
  return ask_coordinator(Brokers::Role::group, places.group, Api::txn_offset_commit, kTxnVersion, body,
                         until_ns, [&](Told& told) {
                           told.number32();
                           return worst_of(told, places.offsets.size(), topic_);
                         });
}

int Session::end(bool commit, int64_t until_ns) {
  if (added_.empty() && !offsets_added_) return 0;
  brokers_.until(until_ns);
  Asked body = begun();
  body.number8(commit ? 1 : 0);
  const int code = ask_coordinator(Brokers::Role::transactions, id_, Api::end_txn, kTxnVersion, body,
                                   until_ns, after_throttle);
  if (code != 0) return code;
  added_.clear();
  offsets_added_ = false;
  return 0;
}

}  // namespace tradewind::log::kafka
