// PRINT: the records of a topic as text.
#include "engine/engine.h"
#include "engine/record_text.h"

namespace tradewind::engine {
namespace {

// "2024/01/31 10:00:00.000 Z"
std::string time_text(Timestamp time) {
  std::string text = to_iso(time);
  for (char& c : text) c = c == '-' ? '/' : c == 'T' ? ' ' : c;
  if (!text.empty() && text.back() == 'Z') text.insert(text.size() - 1, " ");
  return text;
}

class PrintedTopic final : public LineStream {
 public:
  PrintedTopic(sql::Print asked, std::unique_ptr<log::Consumer> consumer, schema::Registry& registry)
      : asked_(std::move(asked)), consumer_(std::move(consumer)), text_(registry) {}

  Result<std::optional<std::string>> next(Duration wait) override {
    if (asked_.limit && given_ >= *asked_.limit) return std::optional<std::string>();
    std::string text;
    for (const log::FetchedBatch& batch : TRY(consumer_->poll(wait, 1000))) {
      for (const log::RecordView& record : batch.records) {
        if (seen_++ % asked_.interval != 0) continue;
        if (asked_.limit && given_ >= *asked_.limit) break;
        ++given_;
        add(record, batch.position.partition, text);
      }
    }
    return std::optional(std::move(text));
  }

 private:
  void add(const log::RecordView& record, int32_t partition, std::string& text) {
    const RecordText::Shown key = text_.of(record.key);
    const RecordText::Shown value = text_.of(record.value);
    announce("Key format: ", key.format, key_format_, text);
    announce("Value format: ", value.format, value_format_, text);
    text += "rowtime: " + time_text(record.time) + ", key: " + key.text + ", value: " + value.text +
            ", partition: " + std::to_string(partition) + "\n";
  }

  static void announce(const char* what, const std::string& format, std::string& known, std::string& text) {
    if (format.empty() || format == known) return;
    known = format;
    text += what + format + "\n";
  }

  sql::Print asked_;
  std::unique_ptr<log::Consumer> consumer_;
  RecordText text_;
  std::string key_format_;
  std::string value_format_;
  int64_t seen_ = 0;
  int64_t given_ = 0;
};

}  // namespace

Result<std::unique_ptr<LineStream>> Engine::print(const sql::Print& statement) {
  const auto spec = log_.topic(statement.topic);
  if (!spec.ok()) return Error{Code::not_found, "no topic is called " + statement.topic};
  auto consumer = TRY(log_.consumer(log::Visibility::durable));
  for (int32_t p = 0; p < spec->partitions; ++p) {
    const log::Position position{statement.topic, p};
    const auto bounds = TRY(log_.bounds(position, log::Visibility::durable));
    TRY(consumer->assign(position, statement.from_beginning ? bounds.begin : bounds.end));
  }
  return std::unique_ptr<LineStream>(new PrintedTopic(statement, std::move(consumer), registry_));
}

}  // namespace tradewind::engine
