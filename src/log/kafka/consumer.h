#pragma once
// Readers: the clients that fetch, shared by all consumers of a log. A client reads a partition at one place
// only, so there are as many clients as there are places where one partition is read at a time.
//
// Threads: shared freely; a Consumer belongs to one thread. Errors: not_found, unavailable.

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "log/kafka/catalog.h"
#include "log/kafka/client.h"
#include "log/kafka/marks.h"

namespace tradewind::log::kafka {

class Readers {
 public:
  // `written`: also what was not committed, and what never will be.
  Readers(const KafkaOptions& options, std::shared_ptr<Catalog> catalog, std::shared_ptr<Marks> marks,
          Visibility visibility = Visibility::durable)
      : options_(options), catalog_(std::move(catalog)), marks_(std::move(marks)), visibility_(visibility) {}

  std::unique_ptr<Consumer> consumer(const std::shared_ptr<Readers>& self);

  // When the first record at or behind `from` was written; see Log.
  Result<std::optional<Timestamp>> appended(const std::shared_ptr<Readers>& self, const Position& position,
                                            Offset from);

  // A client that does not read `position` yet, and does from now on, until release().
  Result<std::shared_ptr<Client>> take(const Position& position);
  void release(const std::shared_ptr<Client>& client, const Position& position);

  const KafkaOptions& options() const { return options_; }
  Catalog& catalog() { return *catalog_; }
  Marks& marks() { return *marks_; }
  // Readers of the same log that see also what is not committed.
  std::shared_ptr<Readers> of_everything() const {
    return std::make_shared<Readers>(options_, catalog_, marks_, Visibility::written);
  }

 private:
  struct Reader {
    std::shared_ptr<Client> client;
    std::set<Position> positions;
  };
  const KafkaOptions options_;
  const std::shared_ptr<Catalog> catalog_;
  const std::shared_ptr<Marks> marks_;
  const Visibility visibility_;
  std::mutex mutex_;
  std::vector<Reader> readers_;
};

}  // namespace tradewind::log::kafka
