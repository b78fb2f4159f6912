#pragma once
// Inbox: what other threads hand to the loop of a front, connections and answers. The loop is woken only
// where it sleeps.
//
// Threads: adopt(), reply() and wake() from any; the rest by the loop.

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "net/wire/front_client.h"

namespace tradewind::net {

class Inbox {
 public:
  Inbox();
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Readable when the loop is to look here; -1: there was none to be had.
  int descriptor() const { return descriptor_; }

  // False, and `client` stays: the loop is over.
  bool adopt(std::unique_ptr<Client>& client);
  // An answer to the request at hand of a client that the loop has.
  void reply(Client* client, Response response);
  void wake() const;

  // What came since the last time, in the place of what is given. False: nothing.
  bool take(std::vector<Answered>& answered, std::vector<std::unique_ptr<Client>>& adopted);
  // True: nothing is here, and from now until awake() whatever comes wakes the loop.
  bool may_sleep();
  void awake() { asleep_ = false; }
  void drain() const;
  // True: no client is here, and none is taken any more.
  bool close();

 private:
  void wake_if_asleep();

  int descriptor_ = -1;
  std::atomic<bool> asleep_{false};
  std::mutex mutex_;  // over what follows
  std::vector<Answered> answered_;
  std::vector<std::unique_ptr<Client>> adopted_;
  bool closed_ = false;
};

}  // namespace tradewind::net
