#include "log/kafka/fake_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "base/check.h"

namespace tradewind::log::kafka {
namespace {

constexpr int16_t kOutOfOrder = 45;
constexpr int16_t kOldEpoch = 47;
constexpr int16_t kInvalidState = 48;
constexpr int32_t kPartitions = 64;  // of each topic
constexpr int64_t kWriter = 7;
constexpr const char* kHost = "127.0.0.1";

bool known(Api api) {
  switch (api) {
    case Api::produce:
    case Api::fetch:
    case Api::metadata:
    case Api::find_coordinator:
    case Api::init_producer_id:
    case Api::add_partitions_to_txn:
    case Api::add_offsets_to_txn:
    case Api::end_txn:
    case Api::txn_offset_commit: return true;
    default: return false;
  }
}

// A code, and where the records lie.
std::pair<int16_t, Offset> append(FakeCluster& cluster, const Position& position, BytesView bytes) {
  Told told(bytes);
  constexpr int kBeforeCount = 23;  // offset, length, leader epoch, magic, CRC, attributes
  for (int i = 0; i < kBeforeCount; ++i) told.number8();
  FakeCluster::Batch batch{.count = told.number32() + 1};
  for (int left = 3; left > 0; --left) told.number64();  // two times and the writer's id
  batch.epoch = told.number16();
  batch.sequence = told.number32();
  CHECK(!told.broken());
  if (batch.epoch != cluster.epoch) return {kOldEpoch, -1};
  std::vector<FakeCluster::Batch>& all = cluster.held[position];
  int32_t expected = 0;
  for (const FakeCluster::Batch& one : all) {
    batch.first = one.first + one.count;
    if (one.epoch != batch.epoch) continue;
    if (one.sequence == batch.sequence && one.count == batch.count) return {0, one.first};
    expected = one.sequence + one.count;
  }
  if (batch.sequence != expected) return {kOutOfOrder, -1};
  all.push_back(batch);
  return {0, batch.first};
}

int16_t end(FakeCluster& cluster, bool commit) {
  const bool again = !cluster.open && !cluster.ended.empty() && cluster.ended.back() == commit;
  if (!cluster.open) return again ? int16_t{0} : kInvalidState;
  cluster.open = false;
  cluster.ended.push_back(commit);
  return 0;
}

// Answers a list of partitions by topic: `each` reads the rest of one and tells what is answered.
template <typename Each>
void list(Told& told, Asked& answer, const Each& each) {
  const int32_t topics = told.number32();
  answer.number32(topics);
  for (int32_t i = 0; i < topics; ++i) {
    const std::string topic = told.text();
    const int32_t partitions = told.number32();
    answer.text(topic).number32(partitions);
    for (int32_t j = 0; j < partitions; ++j) {
      const Position position{topic, told.number32()};
      answer.number32(position.partition);
      each(position);
    }
  }
}

// The transactional id, the writer's id and its epoch, with which most begin.
void skip_writer(Told& told) {
  told.text();
  told.number64();
  told.number16();
}

void take_places(Told& told, Asked& answer, const FakeBroker::CodeAt& code_at) {
  told.text();
  skip_writer(told);
  list(told, answer, [&](const Position& position) {
    told.number64();
    told.number32();
    told.text();
    answer.number16(code_at(position));
  });
}

}  // namespace

FakeBroker::FakeBroker(FakeCluster& cluster)
    : cluster_(cluster), listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof where;
  auto* any = reinterpret_cast<sockaddr*>(&where);
  constexpr int kWaiting = 64;
  CHECK(::bind(listening_, any, size) == 0 && ::listen(listening_, kWaiting) == 0);
  CHECK(::getsockname(listening_, any, &size) == 0);
  port_ = ntohs(where.sin_port);
  if (cluster.leader_port == 0) cluster.leader_port = port_;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

FakeBroker::~FakeBroker() {
  thread_.request_stop();
  thread_.join();
  for (const Talk& talk : talks_) ::close(talk.socket);
  ::close(listening_);
}

void FakeBroker::next(Api api, Fault fault) {
  const std::lock_guard lock(cluster_.mutex);
  faults_[api].push_back(std::move(fault));
}

void FakeBroker::always(Api api, Fault fault) {
  const std::lock_guard lock(cluster_.mutex);
  always_[api] = std::move(fault);
}

void FakeBroker::most_request(size_t bytes) {
  const std::lock_guard lock(cluster_.mutex);
  most_request_ = bytes;
}

std::vector<Bytes> FakeBroker::asked(Api api) {
  const std::lock_guard lock(cluster_.mutex);
  return asked_[api];
}

void FakeBroker::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<pollfd> ready{{.fd = listening_, .events = POLLIN, .revents = 0}};
    for (Talk& talk : talks_) {
      const auto wanted = static_cast<int16_t>(now < talk.quiet_until ? 0 : POLLIN);
      ready.push_back({.fd = talk.socket, .events = wanted, .revents = 0});
      if (talk.to_dribble.empty()) continue;
      write(talk, BytesView(talk.to_dribble).substr(0, 1));
      talk.to_dribble.erase(0, 1);
    }
    constexpr int kRoundMs = 5;
    ::poll(ready.data(), ready.size(), kRoundMs);
    const std::lock_guard lock(cluster_.mutex);
    for (size_t i = 1; i < ready.size(); ++i) {
      if ((ready[i].revents & POLLIN) != 0) hear(talks_[i - 1]);
      if ((ready[i].revents & (POLLERR | POLLHUP)) != 0) talks_[i - 1].over = true;
    }
    if ((ready[0].revents & POLLIN) != 0)
      talks_.push_back({.socket = ::accept(listening_, nullptr, nullptr)});
    for (const Talk& talk : talks_) {
      if (talk.over) ::close(talk.socket);
    }
    std::erase_if(talks_, [](const Talk& talk) { return talk.over; });
  }
}

void FakeBroker::hear(Talk& talk) {
  Bytes bytes(size_t{1} << 20, '\0');
  const auto got = ::recv(talk.socket, bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) {
    talk.over = true;
    return;
  }
  talk.read.append(bytes, 0, static_cast<size_t>(got));
  constexpr size_t kSize = 4;
  while (!talk.over && talk.read.size() >= kSize) {
    const auto size = static_cast<size_t>(Told(talk.read).number32());
    if (size > most_request_) talk.over = true;
    if (talk.over || talk.read.size() < kSize + size) return;
    const Bytes request = talk.read.substr(kSize, size);
    talk.read.erase(0, kSize + size);
    meet(talk, request);
  }
}

void FakeBroker::meet(Talk& talk, BytesView request) {
  Told told(request);
  const Api api{told.number16()};
  talk.over = !known(api);  // somebody who takes this port for what was there before
  if (talk.over) return;
  told.number16();  // its version
  const int32_t number = told.number32();
  constexpr size_t kBeforeClient = 10;
  const BytesView body = request.substr(kBeforeClient + told.text().size());
  asked_[api].emplace_back(body);
  std::optional<Fault> fault;
  if (auto& waiting = faults_[api]; !waiting.empty()) {
    fault = std::move(waiting.front());
    waiting.pop_front();
  } else if (always_.contains(api)) {
    fault = always_[api];
  }
  const auto does = [&](Does what) { return fault && fault->does == what; };
  talk.over = does(Does::cuts_before);
  if (talk.over) return;
  const bool wrong = does(Does::refuses) || does(Does::half);
  const Duration quiet = does(Does::throttles) ? fault->wait : Duration(0);
  Bytes answer = answer_to(api, body, wrong ? &*fault : nullptr, quiet);
  if (does(Does::babbles)) answer = fault->bytes;
  talk.over = does(Does::cuts_after);
  if (talk.over || does(Does::is_silent)) return;
  Asked framed;
  framed.number32(static_cast<int32_t>(sizeof number + answer.size())).number32(number).raw(answer);
  talk.quiet_until = std::chrono::steady_clock::now() + quiet;
  if (does(Does::dribbles))
    talk.to_dribble = framed.body();
  else
    write(talk, framed.body());
}

void FakeBroker::write(Talk& talk, BytesView bytes) {
  if (::send(talk.socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) talk.over = true;
}

// `wrong`: it is answered with its code.
Bytes FakeBroker::answer_to(Api api, BytesView body, const Fault* wrong, Duration throttled) {
  const auto code_at = [&](const Position& position) -> int16_t {
    const bool named = wrong != nullptr && (wrong->topic.empty() || wrong->topic == position.topic);
    return named ? wrong->code : int16_t{0};
  };
  const bool half = wrong != nullptr && wrong->does == Does::half;
  const bool does = wrong == nullptr || half;
  const auto throttle = static_cast<int32_t>(throttled.count());
  Told told(body);
  Asked answer;
  if (api == Api::produce) {
    produce(told, answer, half, code_at);
    return answer.number32(throttle).body();
  }
  answer.number32(throttle);
  if (api == Api::fetch) {
    fetch(told, answer, code_at);
    return answer.body();
  }
  if (api == Api::metadata) {
    tell_leaders(told, answer, code_at);
    return answer.body();
  }
  if (api == Api::txn_offset_commit) {
    take_places(told, answer, code_at);
    return answer.body();
  }
  skip_writer(told);
  const int16_t code = wrong == nullptr ? int16_t{0} : wrong->code;
  if (does && (api == Api::add_partitions_to_txn || api == Api::add_offsets_to_txn)) cluster_.open = true;
  switch (api) {
    case Api::find_coordinator: answer.number16(code).text("").number32(1).text(kHost).number32(port_); break;
    case Api::init_producer_id:
      if (does) cluster_.open = false;
      answer.number16(code).number64(kWriter).number16(does ? ++cluster_.epoch : int16_t{-1});
      break;
    case Api::add_partitions_to_txn:
      list(told, answer, [&](const Position& position) { answer.number16(code_at(position)); });
      break;
    case Api::add_offsets_to_txn: answer.number16(code); break;
    case Api::end_txn: {
      const int16_t done = does ? end(cluster_, told.number8() != 0) : code;
      answer.number16(half ? code : done);
      break;
    }
    default: CHECK(false);
  }
  return answer.body();
}

void FakeBroker::tell_leaders(Told& told, Asked& answer, const CodeAt& code_at) const {
  answer.number32(1).number32(1).text(kHost).number32(cluster_.leader_port).text("").text("").number32(1);
  const int32_t topics = told.number32();
  answer.number32(topics);
  for (int32_t i = 0; i < topics; ++i) {
    const std::string topic = told.text();
    answer.number16(code_at({topic, 0})).text(topic).number8(0).number32(kPartitions);
    for (int32_t j = 0; j < kPartitions; ++j)
      answer.number16(0).number32(j).number32(1).number32(0).number32(0);
  }
}

// Batches are cut off where a partition's share ends, but for the first of all.
void FakeBroker::fetch(Told& told, Asked& answer, const CodeAt& code_at) {
  for (int left = 4; left > 0; --left) told.number32();  // who asks, how long, how much at least and at most
  const bool committed_only = told.number8() == 1;
  told.number32();                 // session
  told.number32();                 // its epoch
  answer.number16(0).number32(0);  // well, no session
  bool first = true;
  list(told, answer, [&](const Position& position) {
    told.number32();  // leader's epoch
    const Offset from = told.number64();
    told.number64();  // where a replica begins
    const auto share = static_cast<size_t>(told.number32());
    constexpr int16_t kOutOfRange = 1;
    const FakeCluster::Stored& all = cluster_.stored[position];
    const Offset written = all.batches.empty() ? all.begin : all.batches.back().first;
    int16_t code = code_at(position);
    if (code == 0 && (from < all.begin || from > written)) code = kOutOfRange;
    answer.number16(code).number64(code == 0 ? written : -1).number64(code == 0 ? all.committed : -1);
    answer.number64(all.begin).number32(committed_only ? static_cast<int32_t>(all.given_up.size()) : -1);
    if (committed_only)
      for (const auto& [writer, began] : all.given_up) answer.number64(writer).number64(began);
    Bytes bytes;
    size_t room = share;
    for (const auto& [next, batch] : all.batches) {
      if (code != 0 || next <= from || (committed_only && next > all.committed)) continue;
      room = first ? std::max(room, batch.size()) : room;
      first = false;
      bytes += batch.substr(0, room - bytes.size());
    }
    answer.number32(-1).bytes(bytes);
  });
}

// `half`: also what is refused is written.
void FakeBroker::produce(Told& told, Asked& answer, bool half, const CodeAt& code_at) {
  told.text();
  told.number16();
  told.number32();
  list(told, answer, [&](const Position& position) {
    const Bytes batch = told.bytes();
    const int16_t refused = code_at(position);
    std::pair<int16_t, Offset> done(refused, -1);
    if (refused == 0 || half) done = append(cluster_, position, batch);
    const bool well = refused == 0 && done.first == 0;
    answer.number16(refused != 0 ? refused : done.first)
        .number64(well ? done.second : -1)
        .number64(-1)
        .number64(0);
  });
}

}  // namespace tradewind::log::kafka
