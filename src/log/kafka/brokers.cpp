#include "log/kafka/brokers.h"

#include <algorithm>
#include <vector>

#include "log/kafka/sasl.h"

namespace tradewind::log::kafka {
namespace {

constexpr int kFindVersion = 1;
constexpr int kMetadataVersion = 4;
constexpr Duration kMostWait(5'000);      // for an answer; then the connection is given up
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

Wire* Brokers::connection(Wires& wires, const std::string& address) {
  if (const auto known = wires.find(address); known != wires.end()) {
    const bool over = options_.clock->monotonic_ns() >= known->second.until_ns;
    if (!over && known->second.wire->open()) return known->second.wire.get();
    wires.erase(known);
    if (!over) ++breaks_;
  }
  auto made = connect(address);
  if (!made.ok()) {
    trouble_ = made.error().message;
    ++breaks_;
    return nullptr;
  }
  return wires.emplace(address, std::move(*made)).first->second.wire.get();
}

Result<Brokers::Link> Brokers::connect(const std::string& address) {
  Link link{.wire = TRY(Wire::connect(address, options_)), .until_ns = INT64_MAX};
  if (options_.security.has_tls()) TRY(link.wire->secure());
  link.wire->patience(std::min(options_.patience, kMostWait));
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

int Brokers::send(const std::string& address, Api api, int version, const Asked& body) {
  Wire* wire = connection(records_, address);
  if (wire == nullptr) return kGone;
  const auto sent = wire->ask(static_cast<int>(api), version, body.body());
  return sent.ok() ? 0 : hang_up(records_, address, sent.error());
}

int Brokers::hear(const std::string& address, Bytes& answer) {
  const auto link = records_.find(address);
  if (link == records_.end()) return kGone;
  auto told = link->second.wire->answer();
  if (!told.ok()) return hang_up(records_, address, told.error());
  answer = std::move(*told);
  return 0;
}

int Brokers::ask(const std::string& address, Api api, int version, const Asked& body, Bytes& answer) {
  Wire* wire = connection(asking_, address);
  if (wire == nullptr) return kGone;
  const auto sent = wire->ask(static_cast<int>(api), version, body.body());
  if (!sent.ok()) return hang_up(asking_, address, sent.error());
  auto told = wire->answer();
  if (!told.ok()) return hang_up(asking_, address, told.error());
  answer = std::move(*told);
  return 0;
}

int Brokers::ask_any(Api api, int version, const Asked& body, Bytes& answer) {
  std::vector<std::string> addresses = listed(options_.servers);
  addresses.insert(addresses.end(), known_.begin(), known_.end());
  int code = kGone;
  if (!asking_.empty()) addresses.insert(addresses.begin(), asking_.begin()->first);  // answers soonest
  for (size_t i = 0; i < addresses.size() && code != 0; ++i)
    code = ask(addresses[i], api, version, body, answer);
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

int Brokers::locate(const std::set<std::string>& topics) {
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
  told.text();      // the cluster's id
  told.number32();  // the controller
  int worst = 0;
  for (int32_t left = told.count(kLeastListed); left > 0; --left) {
    const int code = told.number16();
    const std::string topic = told.text();
    told.number8();
    if (code != 0) worst = code;
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
