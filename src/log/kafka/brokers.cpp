#include "log/kafka/brokers.h"

#include <algorithm>
#include <vector>

#include "log/kafka/sasl.h"

namespace tradewind::log::kafka {
namespace {

constexpr int kFindVersion = 1;
constexpr int kMetadataVersion = 4;
constexpr Duration kMostWait(5'000);     // for an answer; then the connection is given up
constexpr Duration kLeastWait(20);       // for what may be there already
constexpr Duration kMostQuiet(300'000);  // that a broker is believed to throttle
constexpr int64_t kMsNs = 1'000'000;
constexpr size_t kLeastListed = 2;        // bytes of one of a list
constexpr int64_t kUsedOfLife = 800'000;  // ns of each ms that a broker takes a user for: four fifths

std::string address_of(const std::string& host, int32_t port) {
  const bool number6 = host.find(':') != std::string::npos;
  return (number6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::vector<std::string> listed(const std::string& servers) {
  std::vector<std::string> all;
  for (size_t from = 0; from <= servers.size();) {
    const size_t comma = std::min(servers.find(',', from), servers.size());
    if (comma > from) all.push_back(servers.substr(from, comma - from));
    from = comma + 1;
  }
  return all;
}

void skip_numbers(Told& told) {
  for (int32_t left = told.count(4); left > 0; --left) told.number32();
}

}  // namespace

Wire::Limits Brokers::limits(int64_t since_ns) const {
  const int64_t gone_ms = (options_.clock->monotonic_ns() - since_ns) / kMsNs;
  const Duration left = std::min(options_.patience, kMostWait) - Duration(gone_ms);
  return {.wait = std::max(left, kLeastWait), .until_ns = until_ns_};
}

Brokers::Link* Brokers::connection(Wires& wires, const std::string& address) {
  const int64_t now_ns = options_.clock->monotonic_ns();
  if (const auto known = wires.find(address); known != wires.end()) {
    const bool over = now_ns >= known->second.until_ns;
    if (!over && known->second.wire->open()) return &known->second;
    wires.erase(known);
    if (!over) ++breaks_;
  }
  if (now_ns >= until_ns_) return nullptr;
  auto made = connect(address);
  if (!made.ok()) {
    trouble_ = made.error().message;
    ++breaks_;
    failed_ns_[address] = options_.clock->monotonic_ns();
    return nullptr;
  }
  failed_ns_.erase(address);
  return &wires.emplace(address, std::move(*made)).first->second;
}

Result<Brokers::Link> Brokers::connect(const std::string& address) {
  const int64_t now_ns = options_.clock->monotonic_ns();
  Link link{.wire = TRY(Wire::connect(address, options_, limits(now_ns))), .until_ns = INT64_MAX};
  if (options_.security.has_tls()) TRY(link.wire->secure());
  if (!options_.security.has_sasl()) return link;
  const Duration life = TRY(sign_in(*link.wire, options_));
  if (life > Duration(0)) link.until_ns = options_.clock->monotonic_ns() + life.count() * kUsedOfLife;
  return link;
}

int Brokers::hang_up(Wires& wires, const std::string& address, const Error& why) {
  trouble_ = why.message.empty() ? address + " ends the connection" : why.message;
  wires.erase(address);
  ++breaks_;
  return kGone;
}

int Brokers::ask(Wires& wires, const std::string& address, Api api, int version, const Asked& body) {
  Link* link = connection(wires, address);
  if (link == nullptr) return kGone;
  const auto from_ns = [&] { return std::max(options_.clock->monotonic_ns(), link->quiet_ns); };
  link->wire->limit(limits(from_ns()));
  const auto sent = link->wire->ask(static_cast<int>(api), version, body.body());
  if (!sent.ok()) return hang_up(wires, address, sent.error());
  link->asked_ns = from_ns();
  return 0;
}

int Brokers::hear(Wires& wires, const std::string& address, Bytes& answer) {
  const auto link = wires.find(address);
  if (link == wires.end()) return kGone;
  link->second.wire->limit(limits(link->second.asked_ns));
  auto told = link->second.wire->answer();
  if (!told.ok()) return hang_up(wires, address, told.error());
  answer = std::move(*told);
  return 0;
}

// Brokers that throttle answer at once, and leave what comes next lying for so long.
void Brokers::throttled(Wires& wires, const std::string& address, int32_t wait_ms) {
  const int64_t most_ms = kMostQuiet.count();
  const int64_t quiet_ms = std::clamp<int64_t>(wait_ms, 0, most_ms);
  if (quiet_ms > 0) wires[address].quiet_ns = options_.clock->monotonic_ns() + quiet_ms * kMsNs;
}

int Brokers::send(const std::string& address, Api api, int version, const Asked& body) {
  return ask(records_, address, api, version, body);
}

int Brokers::hear(const std::string& address, Bytes& answer) {
  if (const int code = hear(records_, address, answer); code != 0) return code;
  const BytesView all = answer;
  if (all.size() >= sizeof(int32_t))  // it stands last in answers about records
    throttled(records_, address, Told(all.substr(all.size() - sizeof(int32_t))).number32());
  return 0;
}

int Brokers::hear_so_far(const std::string& address, Duration kept, Buffer& answer) {
  const auto found = records_.find(address);
  if (found == records_.end()) return kGone;
  Link& link = found->second;
  link.wire->limit({.wait = Duration(0)});
  const size_t heard = link.wire->heard();
  auto told = link.wire->answer_so_far(answer);
  if (!told.ok()) return hang_up(records_, address, told.error());
  const int64_t now_ns = options_.clock->monotonic_ns();
  if (*told) {
    throttled(records_, address, Told(answer.view()).number32());  // it stands first
    return 0;
  }
  if (link.wire->heard() != heard) link.asked_ns = std::max(link.asked_ns, now_ns);
  const Duration most = kept + std::min(options_.patience, kMostWait);
  if (now_ns - link.asked_ns > most.count() * kMsNs)
    return hang_up(records_, address, {Code::unavailable, address + " does not answer"});
  return kLater;
}

int Brokers::socket(const std::string& address) const {
  const auto found = records_.find(address);
  return found == records_.end() ? -1 : found->second.wire->socket();
}

int Brokers::ask(const std::string& address, Api api, int version, const Asked& body, Bytes& answer) {
  if (const int code = ask(asking_, address, api, version, body); code != 0) return code;
  if (const int code = hear(asking_, address, answer); code != 0) return code;
  throttled(asking_, address, Told(answer).number32());  // it stands first in all others
  return 0;
}

// The addresses that anything may be asked of, first those that likely answer soonest.
std::vector<std::string> Brokers::by_hope() const {
  std::vector<std::string> all;
  const auto add = [&](const std::string& address) {
    if (std::find(all.begin(), all.end(), address) == all.end()) all.push_back(address);
  };
  for (const auto& [address, link] : asking_) add(address);
  for (const std::string& address : listed(options_.servers)) add(address);
  for (const std::string& address : known_) add(address);
  const auto failed_ns = [&](const std::string& address) {
    const auto failed = failed_ns_.find(address);
    return failed == failed_ns_.end() ? INT64_MIN : failed->second;
  };
  std::ranges::stable_sort(all, {}, failed_ns);
  return all;
}

int Brokers::ask_any(Api api, int version, const Asked& body, Bytes& answer) {
  int code = kGone;
  for (const std::string& address : by_hope()) {
    code = ask(address, api, version, body, answer);
    if (code == 0 || options_.clock->monotonic_ns() >= until_ns_) break;
  }
  return code;
}

int Brokers::coordinator(Role role, const std::string& key, std::string& address) {
  if (const auto known = coordinators_.find({role, key}); known != coordinators_.end()) {
    address = known->second;
    return 0;
  }
  Asked body;
  body.text(key).number8(static_cast<int8_t>(role));
  Bytes answer;
  if (const int code = ask_any(Api::find_coordinator, kFindVersion, body, answer); code != 0) return code;
  Told told(answer);
  told.number32();  // throttled for so long
  const int code = told.number16();
  told.text();      // the error in words
  told.number32();  // the broker's number
  const std::string host = told.text();
  const int32_t port = told.number32();
  if (told.broken()) return kGone;
  if (code != 0) return code;
  address = coordinators_[{role, key}] = address_of(host, port);
  return 0;
}

int Brokers::locate(const std::set<std::string>& topics, std::string& about) {
  Asked body;
  body.number32(static_cast<int32_t>(topics.size()));
  for (const std::string& topic : topics) body.text(topic);
  body.number8(0);  // none is made
  Bytes answer;
  if (const int code = ask_any(Api::metadata, kMetadataVersion, body, answer); code != 0) return code;
  Told told(answer);
  told.number32();  // throttled for so long
  std::map<int32_t, std::string> brokers;
  known_.clear();
  for (int32_t left = told.count(kLeastListed); left > 0; --left) {
    const int32_t number = told.number32();
    const std::string host = told.text();
    known_.insert(brokers[number] = address_of(host, told.number32()));
    told.text();  // its rack
  }
  // Those that are gone from the cluster have nothing more to hear.
  std::erase_if(records_, [&](const auto& link) { return !known_.contains(link.first); });
  told.text();      // the cluster's id
  told.number32();  // the controller
  int worst = 0;
  for (int32_t left = told.count(kLeastListed); left > 0; --left) {
    const int code = told.number16();
    const std::string topic = told.text();
    told.number8();
    if (code != 0) {
      worst = code;
      about = topic;
    }
    for (int32_t partitions = told.count(kLeastListed); partitions > 0; --partitions) {
      told.number16();  // what ails it shows in its leader
      const Position position{topic, told.number32()};
      const auto leads = brokers.find(told.number32());
      skip_numbers(told);
      skip_numbers(told);
      if (leads == brokers.end())
        leaders_.erase(position);
      else
        leaders_[position] = leads->second;
    }
  }
  return told.broken() ? kGone : worst;
}

const std::string* Brokers::leader(const Position& position) const {
  const auto found = leaders_.find(position);
  return found == leaders_.end() ? nullptr : &found->second;
}

}  // namespace tradewind::log::kafka
