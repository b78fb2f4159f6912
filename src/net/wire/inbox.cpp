#include "net/wire/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace tradewind::net {
namespace {

constexpr size_t kMostKeptAnswers = 1024;  // room for so many is kept

}  // namespace

Inbox::Inbox() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Inbox::~Inbox() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Inbox::wake() const {
  const uint64_t one = 1;
  (void)!::write(descriptor_, &one, sizeof one);
}

void Inbox::drain() const {
  uint64_t count = 0;
  (void)!::read(descriptor_, &count, sizeof count);
}

// REQUIRES mutex_, also while it wakes: once the loop has what it wakes for, this may be over.
void Inbox::wake_if_asleep() {
  if (asleep_.exchange(false)) wake();
}

bool Inbox::adopt(std::unique_ptr<Client>& client) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  adopted_.push_back(std::move(client));
  wake_if_asleep();
  return true;
}

void Inbox::reply(Client* client, Response response) {
  const std::lock_guard lock(mutex_);
  answered_.push_back({client, std::move(response)});
  wake_if_asleep();
}

bool Inbox::take(std::vector<Answered>& answered, std::vector<std::unique_ptr<Client>>& adopted) {
  answered.clear();
  if (answered.capacity() > kMostKeptAnswers) answered.shrink_to_fit();
  adopted.clear();
  const std::lock_guard lock(mutex_);
  answered.swap(answered_);
  adopted.swap(adopted_);
  return !answered.empty() || !adopted.empty();
}

bool Inbox::may_sleep() {
  const std::lock_guard lock(mutex_);
  const bool empty = answered_.empty() && adopted_.empty();
  asleep_ = empty;
  return empty;
}

bool Inbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = adopted_.empty();
  return closed_;
}

}  // namespace tradewind::net
