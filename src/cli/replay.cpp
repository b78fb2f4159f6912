#include <unistd.h>

#include <cstdio>
#include <functional>

#include "apps/replay/online_retail.h"
#include "apps/shop/topics.h"
#include "base/time.h"
#include "cli/event_post.h"
#include "cli/registry.h"
#include "cli/verbs.h"
#include "ingest/ingestor.h"
#include "log/open.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind replay FORMAT FILE: history into the log, in event time.

  FORMAT         online-retail: invoice lines as CSV (.gz or plain) with the columns invoice, sku, description, quantity,
                 invoice_time, unit_price, customer, country
  --server URL   a running platform (default: TW_SERVER, then http://127.0.0.1:8088), or
  --data DIR     straight into the log of a platform that does not run
  --speed max|N  as fast as it goes (default), or N times as fast as it happened
  --from T, --to T   only events from T (included) to T (not included), ISO times
  --json         the summary as JSON

Started again it goes on where the log says it stopped, doubling nothing.
Example:
  tradewind replay online-retail online_retail.csv.gz
)";

constexpr size_t kEventsPerRequest = 100;
constexpr size_t kBytesPerRequest = 1 << 20;

// Where events go.
struct Target {
  std::function<Result<int64_t>()> last_sequence;  // -1: none yet
  std::function<Result<ingest::Taken>(const std::string& body, int64_t sequence)>
      append;  // durable on return
};

Target over_http(const std::string& url, const std::string& producer, Clock& clock) {
  auto server = std::make_shared<EventPost>(url, clock);
  return {.last_sequence = [=] { return server->last_sequence(producer); },
          .append =
              [=](const std::string& body, int64_t sequence) {
                return server->post("orders", body, {producer, sequence});
              }};
}

// A log of our own, for a platform that does not run.
struct OwnLog {
  std::unique_ptr<log::EmbeddedLog> log;
  OpenedRegistry registry;
  std::unique_ptr<ingest::Ingestor> ingestor;
};

Result<Target> into_data(const std::string& directory, const std::string& producer, Clock& clock) {
  auto own = std::make_shared<OwnLog>();
  own->log = TRY(log::open_embedded({.directory = directory}));
  own->registry = TRY(open_registry(*own->log, true, TRY(registry_in_environment()), clock));
  TRY(shop::declare_shop(*own->log, *own->registry));
  std::map<std::string, ingest::TopicRule> rules;
  for (const shop::ShopTopic& topic : shop::shop_topics()) rules[topic.name] = {.key_field = topic.key_field};
  own->ingestor = std::make_unique<ingest::Ingestor>(*own->log, *own->registry, clock, rules);
  TRY(own->ingestor->start());
  Target target;
  target.last_sequence = [=] { return own->ingestor->last_sequence(producer); };
  target.append = [=](const std::string& body, int64_t sequence) {
    return own->ingestor->take("orders", body, ingest::Numbered{producer, sequence});
  };
  return target;
}

struct Summary {
  int64_t rows = 0;
  int64_t events = 0;
  int64_t rejected = 0;
  int64_t resumed_at = 0;
};

class Player {
 public:
  Player(replay::OnlineRetail& file, Target target, const Arguments& arguments, Clock& clock)
      : file_(file), target_(std::move(target)), clock_(clock) {
    const std::string speed = arguments.get("--speed", "max");
    speed_ = speed == "max" ? 0 : std::atof(speed.c_str());
    if (const auto from = from_iso(arguments.get("--from"))) from_ms_ = from->ms;
    if (const auto to = from_iso(arguments.get("--to"))) to_ms_ = to->ms;
    quiet_ = isatty(STDERR_FILENO) == 0;
  }

  Result<Summary> play() {
    const int64_t done = TRY(target_.last_sequence());
    summary_.resumed_at = done + 1;
    began_ns_ = clock_.monotonic_ns();
    while (auto event = TRY(file_.next())) {
      if (event->first_row <= done) {
        summary_.rows = event->last_row + 1;
        continue;
      }
      if (event->time_ms < from_ms_ || event->time_ms >= to_ms_) continue;
      pace(event->time_ms);
      body_ += (body_.empty() ? "[" : ",") + event->json;
      last_row_ = event->last_row;
      if (++waiting_ >= kEventsPerRequest || body_.size() >= kBytesPerRequest || speed_ > 0) TRY(send());
    }
    TRY(send());
    summary_.rejected += file_.rejected();
    if (!quiet_) std::fputc('\n', stderr);
    return summary_;
  }

 private:
  void pace(int64_t time_ms) {
    if (speed_ <= 0) return;
    if (first_ms_ < 0) first_ms_ = time_ms;
    const auto due = static_cast<int64_t>(static_cast<double>(time_ms - first_ms_) / speed_);
    const int64_t since = (clock_.monotonic_ns() - began_ns_) / 1'000'000;
    if (due > since) clock_.sleep(Duration(due - since));
  }

  Result<> send() {
    if (waiting_ == 0) return {};
    const ingest::Taken taken = TRY(target_.append(body_ + "]", last_row_));
    summary_.events += static_cast<int64_t>(taken.accepted);
    summary_.rejected += static_cast<int64_t>(taken.rejected.size());
    for (const ingest::Rejected& rejected : taken.rejected) {
      std::fprintf(stderr, "tradewind: an event before row %lld is rejected: %s\n",
                   static_cast<long long>(last_row_), rejected.error.c_str());
    }
    summary_.rows = last_row_ + 1;
    body_.clear();
    waiting_ = 0;
    show();
    return {};
  }

  void show() {
    if (quiet_) return;
    const double part = file_.progress();
    const int filled = static_cast<int>(part * 30);
    std::fprintf(stderr, "\r[%-30s] %3.0f %%  %lld rows",
                 std::string(static_cast<size_t>(filled), '=').c_str(), part * 100,
                 static_cast<long long>(summary_.rows));
  }

  replay::OnlineRetail& file_;
  Target target_;
  Clock& clock_;
  double speed_ = 0;
  int64_t from_ms_ = INT64_MIN;
  int64_t to_ms_ = INT64_MAX;
  bool quiet_ = true;
  Summary summary_;
  int64_t began_ns_ = 0;
  int64_t first_ms_ = -1;
  std::string body_;
  size_t waiting_ = 0;
  int64_t last_row_ = -1;
};

}  // namespace

int replay(const std::vector<std::string>& raw) {
  const auto arguments =
      parse_arguments(raw, {"--json"}, {"--server", "--data", "--speed", "--from", "--to"});
  if (!arguments.ok()) return fail(arguments.error().message, 2);
  if (arguments->has("--help")) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (arguments->words.size() != 2) return fail("replay wants a FORMAT and a FILE; see --help", 2);
  if (arguments->words[0] != "online-retail")
    return fail("the format is online-retail; '" + arguments->words[0] + "' is not known", 3);
  for (const char* bound : {"--from", "--to"}) {
    if (arguments->has(bound) && !from_iso(arguments->get(bound)))
      return fail(std::string(bound) + " wants a time such as 2011-11-17", 2);
  }
  auto file = replay::OnlineRetail::open(arguments->words[1]);
  if (!file.ok()) return fail(file.error().message, file.error().code == Code::invalid ? 2 : 1);
  SystemClock clock;
  const std::string producer = (*file)->fingerprint();
  Result<Target> target = arguments->has("--data")
                              ? into_data(arguments->get("--data"), producer, clock)
                              : Result<Target>(over_http(server_of(*arguments), producer, clock));
  if (!target.ok()) return fail(target.error().message);
  const int64_t began = clock.monotonic_ns();
  const auto summary = Player(**file, *target, *arguments, clock).play();
  if (!summary.ok()) return fail(summary.error().message + "; start it again to go on where it stopped");
  const double seconds = static_cast<double>(clock.monotonic_ns() - began) / 1e9;
  if (summary->resumed_at > 0) {
    std::fprintf(stderr, "tradewind: went on at row %lld\n", static_cast<long long>(summary->resumed_at));
  }
  std::printf("{\"rows\":%lld,\"events\":%lld,\"rejected\":%lld,\"seconds\":%.3f}\n",
              static_cast<long long>(summary->rows), static_cast<long long>(summary->events),
              static_cast<long long>(summary->rejected), seconds);
  return 0;
}

}  // namespace tradewind::cli
