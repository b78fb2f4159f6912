#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "cli/remote.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp =
    R"(tradewind consume TOPIC: its records as JSON lines, as they come, until Ctrl-C.

A line: {"partition": P, "offset": N, "timestamp": MS, "key": K, "value": V} and "headers" where there are some. Keys and values
are decoded by the schema their bytes name; what has none is shown as JSON, text, a number, or 0x and hexadecimal digits.

  --from PLACE    latest (default), earliest, an offset, or a time (the first record that is not older)
  --partition N   this partition only
  --max N         stops after so many records
  --until-end     stops at what is the end when it begins; starts at the earliest record unless --from says else
  --group NAME    goes on where the group stopped, and keeps its place there; --from counts where it has none
  --json          nothing else: lines are JSON always
  --server URL    default: TW_SERVER, then http://127.0.0.1:8088

A server that goes away is waited for, and reading goes on behind the last line. A group's place is kept each second and at the
end, behind what was written out: after a kill some lines come again, none is left out.

Examples:
  tradewind consume orders --from earliest --max 10
  tradewind consume orders --until-end > orders.jsonl
  tradewind consume orders --group billing
)";

constexpr int64_t kKeepPlaceNs = 1'000'000'000;
constexpr Duration kPause(200);

volatile std::sig_atomic_t stop_asked = 0;

using Places = std::map<int32_t, int64_t>;  // by partition

Result<Places> read_places(const Json& document) {
  Places places;
  for (const Json::Member& member : document.members())
    places[std::atoi(member.name.c_str())] = member.value.integer().value_or(0);
  if (places.empty()) return Error{Code::io, "the server named no places"};
  return places;
}

// The number behind `name` in a line that begins as the server writes it.
bool number_at(std::string_view line, size_t& at, std::string_view name, int64_t& number) {
  if (line.substr(at, name.size()) != name) return false;
  at += name.size();
  const auto [end, error] = std::from_chars(line.data() + at, line.data() + line.size(), number);
  if (error != std::errc()) return false;
  at = static_cast<size_t>(end - line.data());
  return true;
}

class Consuming {
 public:
  Consuming(const Arguments& arguments, Clock& clock)
      : topic_(arguments.words[0]),
        group_(arguments.get("--group")),
        until_end_(arguments.has("--until-end")),
        from_(arguments.get("--from", until_end_ ? "earliest" : "latest")),
        clock_(clock),
        remote_(server_of(arguments)),
        keeping_(server_of(arguments)) {
    if (arguments.has("--partition")) partition_ = arguments.get("--partition");
    remote_.client().ended_by([] { return stop_asked != 0; });
  }

  Result<> run(int64_t most) {
    left_ = most;
    TRY(begin());
    while (!over()) {
      const auto streamed = stream();
      if (over()) break;
      if (!streamed.ok() && streamed.error().code != Code::unavailable) return streamed.error();
      TRY(wait_for_server());
    }
    std::fflush(stdout);
    return keep_places(true);
  }

 private:
  std::string topic_path() const { return "/v1/topics/" + path_segment(topic_); }
  bool over() const { return stop_asked != 0 || ended_ || left_ == 0 || pipe_closed_ || failed_; }

  // Where to begin and where to end.
  Result<> begin() {
    next_ = TRY(places_at(from_));
    TRY(warn_beyond_end());
    if (until_end_) until_ = TRY(places_at("latest"));
    if (group_.empty()) return {};
    const auto known = remote_.ask("GET", "/v1/groups/" + path_segment(group_));
    if (!known.ok() && known.error().code != Code::not_found) return known.error();
    const Json* places = known.ok() ? known->find("places") : nullptr;
    if (places != nullptr) {
      for (const Json& place : places->elements()) {
        if (place.string_at("topic") != topic_) continue;
        const auto partition = static_cast<int32_t>(place.find("partition")->integer().value_or(-1));
        if (next_.contains(partition)) kept_[partition] = place.find("offset")->integer().value_or(0);
      }
    }
    for (const auto& [partition, offset] : kept_) next_[partition] = offset;
    return keep_places(true);  // of a new group: where it began counts, also if nothing comes
  }

  // The server begins at the end where an offset lies behind it.
  Result<> warn_beyond_end() {
    int64_t asked = 0;
    const char* text_end = from_.data() + from_.size();
    const auto [read, error] = std::from_chars(from_.data(), text_end, asked);
    if (error != std::errc() || read != text_end) return {};
    for (const auto& [partition, end] : TRY(places_at("latest"))) {
      if (asked <= end) continue;
      std::fprintf(stderr, "tradewind: partition %d of %s ends at offset %lld, before %lld; %s\n", partition,
                   topic_.c_str(), static_cast<long long>(end), static_cast<long long>(asked),
                   until_end_ ? "nothing of it is left to read" : "what comes there is shown");
    }
    return {};
  }

  Result<Places> places_at(const std::string& place) {
    std::string target = topic_path() + "/places?at=" + path_segment(place);
    if (partition_) target += "&partition=" + path_segment(*partition_);
    const auto answer =
        TRY(patiently(clock_, [&] { return remote_.client().get(target, Duration(60'000)); }));
    return read_places(TRY(document_of(answer)));
  }

  static std::string listed(const Places& places) {
    std::string text;
    for (const auto& [partition, offset] : places) text += (text.empty() ? "" : ",") + std::to_string(offset);
    return text;
  }

  // One connection's worth of lines.
  Result<> stream() {
    std::string target = topic_path() + "/tail?from=" + listed(next_);
    if (partition_) target += "&partition=" + path_segment(*partition_);
    if (!until_.empty()) target += "&until=" + listed(until_);
    rest_.clear();
    const auto answer = TRY(remote_.client().stream_get(
        target, Duration(0), [this](std::string_view piece) { return take(piece); }));
    if (answer.status != 200) return document_of(answer).error();
    if (failed_) return *failed_;
    return {};
  }

  // False: no more of it is wanted.
  bool take(std::string_view piece) {
    away_ = false;
    rest_ += piece;
    size_t at = 0;
    for (size_t end; !over() && (end = rest_.find('\n', at)) != std::string::npos; at = end + 1)
      line(std::string_view(rest_).substr(at, end + 1 - at));
    rest_.erase(0, at);
    if (std::fflush(stdout) != 0) pipe_closed_ = true;
    (void)keep_places(false).ok();  // it is asked again
    return !over();
  }

  void line(std::string_view line) {
    int64_t partition = 0;
    int64_t offset = 0;
    size_t at = 0;
    if (!number_at(line, at, "{\"partition\":", partition) || !number_at(line, at, ",\"offset\":", offset)) {
      const auto said = parse_json(line.substr(0, line.size() - 1));
      if (said.ok() && said->find("end") != nullptr) ended_ = true;
      if (said.ok() && said->find("error") != nullptr)
        failed_ = Error{Code::io, said->string_at("error").value_or("")};
      return;
    }
    if (std::fwrite(line.data(), 1, line.size(), stdout) < line.size()) {
      pipe_closed_ = true;
      return;
    }
    next_[static_cast<int32_t>(partition)] = offset + 1;
    --left_;
  }

  Result<> wait_for_server() {
    if (!away_) {
      away_ = true;
      away_since_ns_ = clock_.monotonic_ns();
      std::fprintf(stderr, "tradewind: the server is away; reading goes on when it is back\n");
    }
    const bool finite = until_end_ || left_ < INT64_MAX;
    if (finite && clock_.monotonic_ns() - away_since_ns_ > 6 * kPatience.count() * 1'000'000)
      return Error{Code::unavailable, "the server stayed away for a minute"};
    clock_.sleep(kPause);
    return {};
  }

  // Only what was written out.
  Result<> keep_places(bool last) {
    if (group_.empty() || pipe_closed_ || next_ == kept_) return {};
    if (!last && clock_.monotonic_ns() - kept_ns_ < kKeepPlaceNs) return {};
    kept_ns_ = clock_.monotonic_ns();
    Json offsets = Json::array();
    for (const auto& [partition, offset] : next_) {
      Json place = Json::object();
      place.set("topic", Json::string(topic_));
      place.set("partition", Json::number(int64_t{partition}));
      place.set("offset", Json::number(offset));
      offsets.push(std::move(place));
    }
    Json body = Json::object();
    body.set("offsets", std::move(offsets));
    const std::string target = "/v1/groups/" + path_segment(group_) + "/offsets";
    const std::string text = body.dump();
    const auto ask = [&] {
      return keeping_.client().request("PUT", target, text, {{"Content-Type", "application/json"}},
                                       Duration(10'000));
    };
    TRY(document_of(TRY(last ? patiently(clock_, ask) : ask())));
    kept_ = next_;
    return {};
  }

  const std::string topic_;
  const std::string group_;
  const bool until_end_;
  const std::string from_;
  std::optional<std::string> partition_;
  Clock& clock_;
  Remote remote_;
  Remote keeping_;  // asked while the other streams
  Places next_;
  Places until_;
  Places kept_;
  int64_t kept_ns_ = 0;
  std::string rest_;  // of a line that is not complete
  int64_t left_ = INT64_MAX;
  bool ended_ = false;
  bool pipe_closed_ = false;
  bool away_ = false;
  int64_t away_since_ns_ = 0;
  std::optional<Error> failed_;
};

}  // namespace

int consume(const std::vector<std::string>& raw) {
  const auto [arguments, exit, topic] =
      open_verb(raw, kHelp, {"--until-end"}, {"--from", "--partition", "--max", "--group"});
  if (exit) return *exit;
  if (arguments.words.size() != 1) return fail("consume wants one TOPIC; see --help", 2);
  int64_t most = INT64_MAX;
  if (arguments.has("--max")) {
    const std::string text = arguments.get("--max");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), most);
    if (error != std::errc() || end != text.data() + text.size() || most < 0)
      return fail("--max wants a number of records, not '" + text + "'", 2);
  }
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  std::signal(SIGPIPE, SIG_IGN);
  SystemClock clock;
  const auto done = Consuming(arguments, clock).run(most);
  return done.ok() ? 0 : refused(done.error());
}

}  // namespace tradewind::cli
