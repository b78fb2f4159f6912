#pragma once
// Quota: events a second for each client, with a reserve that fills while it is quiet.
//
// A client is whoever the caller says: a key's name or an address. Threads: shared freely. Memory: at most
// kMostClients are known; who has its whole reserve is forgotten first.

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tradewind::ingest {

inline constexpr size_t kMostClients = 100'000;

class Quota {
 public:
  // `rate` events a second, 0: no limit; `reserve` events at once.
  Quota(int64_t rate, int64_t reserve) : rate_(rate), reserve_(reserve) {}

  bool unlimited() const { return rate_ == 0; }
  // Nothing when the client may send now; else after how many milliseconds it may. Who may, may send any
  // number: what is more than it has is a debt.
  int64_t wait_ms(const std::string& client, int64_t now_ms);
  void take(const std::string& client, int64_t events, int64_t now_ms);

 private:
  struct Bucket {
    double events = 0;
    int64_t filled_ms = 0;
  };
  Bucket& filled(const std::string& client, int64_t now_ms);
  void forget_full(int64_t now_ms);

  const int64_t rate_;
  const int64_t reserve_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace tradewind::ingest
