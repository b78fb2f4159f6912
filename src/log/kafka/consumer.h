#pragma once
// Readers: what all consumers of a log share: connections that are not in use, and the ears that hear when
// something comes in at any of them.
//
// Threads: shared freely; a Consumer belongs to one thread. Errors: not_found, unavailable, invalid (it may
// not be read).

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "log/kafka/catalog.h"
#include "log/kafka/ears.h"
#include "log/kafka/fetcher.h"
#include "log/kafka/marks.h"

namespace tradewind::log::kafka {

class Readers {
 public:
  Readers(const KafkaOptions& options, std::shared_ptr<Catalog> catalog, std::shared_ptr<Marks> marks)
      : Readers(options, std::move(catalog), marks, std::make_shared<Ears>(marks->bell),
                Visibility::durable) {}

  std::unique_ptr<Consumer> consumer(const std::shared_ptr<Readers>& self);

  // When the first record at or behind `from` was written; see Log.
  Result<std::optional<Timestamp>> appended(const std::shared_ptr<Readers>& self, const Position& position,
                                            Offset from);

  // One that fetches nothing yet, and what becomes of it when it is needed no more.
  std::unique_ptr<Fetcher> take();
  void give_back(std::unique_ptr<Fetcher> fetcher);

  const KafkaOptions& options() const { return options_; }
  Catalog& catalog() { return *catalog_; }
  Marks& marks() { return *marks_; }
  const Ears& ears() const { return *ears_; }
  // Readers of the same log that see also what is not committed.
  std::shared_ptr<Readers> of_everything() const {
    return std::shared_ptr<Readers>(new Readers(options_, catalog_, marks_, ears_, Visibility::written));
  }

 private:
  Readers(const KafkaOptions& options, std::shared_ptr<Catalog> catalog, std::shared_ptr<Marks> marks,
          std::shared_ptr<Ears> ears, Visibility visibility)
      : options_(options),
        catalog_(std::move(catalog)),
        marks_(std::move(marks)),
        ears_(std::move(ears)),
        visibility_(visibility) {}

  const KafkaOptions options_;
  const std::shared_ptr<Catalog> catalog_;
  const std::shared_ptr<Marks> marks_;
  const std::shared_ptr<Ears> ears_;
  const Visibility visibility_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Fetcher>> free_;
};

}  // namespace tradewind::log::kafka
