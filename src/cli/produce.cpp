#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/hash.h"
#include "base/random.h"
#include "cli/remote.h"
#include "cli/verbs.h"

namespace tradewind::cli {
namespace {

constexpr const char* kHelp = R"(tradewind produce TOPIC: records from standard input, one a line.

A line is a record as `tradewind consume` writes it, {"key": K, "value": V}, perhaps with "timestamp" (ms) and "headers"
([{"key": NAME, "value": TEXT}, ...]); or any other JSON, which is the value. A value of null deletes its key. Keys and values
are encoded by the schemas of the subjects TOPIC-key and TOPIC-value; where there is none they are written as text.

  -f FILE           lines of a file instead of standard input
  --key K           the key of every record, as text; lines are values
  --key-field F     the key is this field of the value; lines are values
  --values          lines are values, whatever their members are called
  --keep-partition  "partition" of a line counts; else the key tells, or records take turns
  --raw             a line is a value as it is, without JSON and schema
  --stop-on-error   stops at the first bad line; else the good ones are written and the bad ones named
  --json            the summary as JSON
  --server URL      default: TW_SERVER, then http://127.0.0.1:8088

A server that is away is asked again for 10 s, and takes nothing twice. Exit code 2: some lines were rejected.

Examples:
  echo '{"key": "c-7", "value": {"page": "/shoes"}}' | tradewind produce clicks
  tradewind produce clicks --key-field visitor_id -f clicks.jsonl
  tradewind consume clicks --until-end | tradewind produce clicks-copy
)";

constexpr size_t kRecordsPerRequest = 1000;
constexpr size_t kBytesPerRequest = 1 << 20;
constexpr size_t kMostLine = 4 << 20;
constexpr const char* kNoText = "\xef\xbf\xbd";  // U+FFFD: as what is not UTF-8 is written

volatile std::sig_atomic_t stop_asked = 0;

// Lines of a file descriptor, and whether the next one would have to be waited for.
class Lines {
 public:
  explicit Lines(int from) : from_(from) {}
  ~Lines() {
    if (from_ > STDIN_FILENO) ::close(from_);
  }

  // The next line; nothing at the end. invalid: it is too long.
  Result<std::optional<std::string>> next() {
    while (true) {
      const size_t end = bytes_.find('\n', at_);
      if (end != std::string::npos) {
        std::string line = bytes_.substr(at_, end - at_);
        at_ = end + 1;
        return std::optional(std::move(line));
      }
      bytes_.erase(0, at_);
      at_ = 0;
      if (bytes_.size() > kMostLine)
        return Error{Code::invalid, "a line is longer than " + std::to_string(kMostLine >> 20) + " MB"};
      if (!fill()) break;
    }
    if (bytes_.empty()) return std::optional<std::string>();
    return std::optional(std::exchange(bytes_, ""));
  }

  bool must_wait() const {
    if (bytes_.find('\n', at_) != std::string::npos) return false;
    pollfd look{from_, POLLIN, 0};
    return ::poll(&look, 1, 0) == 0;
  }

 private:
  // False at the end, or when a signal asks to stop.
  bool fill() {
    char piece[64 * 1024];
    while (stop_asked == 0) {
      pollfd look{from_, POLLIN, 0};
      if (::poll(&look, 1, 200) == 0) continue;
      const ssize_t got = ::read(from_, piece, sizeof piece);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      bytes_.append(piece, static_cast<size_t>(got));
      return true;
    }
    return false;
  }

  int from_;
  std::string bytes_;
  size_t at_ = 0;
};

// What a line is.
class LineReader {
 public:
  explicit LineReader(const Arguments& arguments)
      : raw_(arguments.has("--raw")),
        keep_partition_(arguments.has("--keep-partition")),
        values_(arguments.has("--values") || arguments.has("--key") || arguments.has("--key-field")),
        key_field_(arguments.get("--key-field")) {
    if (arguments.has("--key")) key_ = Json::string(arguments.get("--key"));
  }

  // The record in JSON.
  Result<std::string> record_of(const std::string& line) const {
    Json record = Json::object();
    if (key_) record.set("key", *key_);
    if (raw_) {
      record.set("value", Json::string(line));
      const std::string text = record.dump();
      if (text.find(kNoText) != std::string::npos && line.find(kNoText) == std::string::npos)
        return Error{Code::invalid, "it is not UTF-8"};
      return text;
    }
    Json given = TRY(parse_json(line));
    if (!values_ && is_record(given)) {
      for (const Json::Member& member : given.members()) {
        if (member.name == "offset" || member.name == "topic") continue;
        if (member.name == "partition" && !keep_partition_) continue;
        record.set(member.name, member.value);
      }
      return record.dump();
    }
    if (!key_field_.empty()) {
      const Json* key = given.find(key_field_);
      if (key == nullptr || key->is_null())
        return Error{Code::invalid, "it has no field " + key_field_ + " for the key"};
      record.set("key", *key);
    }
    record.set("value", std::move(given));
    return record.dump();
  }

 private:
  // An object with nothing but what a record has.
  static bool is_record(const Json& line) {
    if (line.find("value") == nullptr) return false;
    for (const Json::Member& member : line.members()) {
      bool known = false;
      for (const char* name : {"key", "value", "headers", "timestamp", "partition", "offset", "topic"})
        known = known || member.name == name;
      if (!known) return false;
    }
    return true;
  }

  const bool raw_;
  const bool keep_partition_;
  const bool values_;
  const std::string key_field_;
  std::optional<Json> key_;
};

class Producing {
 public:
  Producing(const Arguments& arguments, Clock& clock)
      : topic_(arguments.words[0]),
        stop_on_error_(arguments.has("--stop-on-error")),
        raw_(arguments.has("--raw")),
        reader_(arguments),
        clock_(clock),
        client_(server_of(arguments)) {
    const uint64_t here = static_cast<uint64_t>(clock.now().ms) << 22 | static_cast<uint64_t>(::getpid());
    Random chance(mix64(here, static_cast<uint64_t>(clock.monotonic_ns())));
    char id[40];
    std::snprintf(id, sizeof id, "produce-%016llx", static_cast<unsigned long long>(chance.next()));
    producer_ = id;
    person_ = isatty(STDERR_FILENO) != 0;
  }

  Result<> run(Lines& lines) {
    began_ns_ = clock_.monotonic_ns();
    while (!(stop_on_error_ && rejected_ > 0)) {
      const auto line = lines.next();
      if (line.ok() && !*line) break;
      ++line_;
      if (!line.ok()) {  // where the next one begins is not known
        reject(line_, line.error().message);
        break;
      }
      take(**line);
      const bool full = numbers_.size() >= kRecordsPerRequest || body_.size() >= kBytesPerRequest;
      if (full || lines.must_wait()) TRY(send());
    }
    TRY(send());
    if (person_) std::fputc('\n', stderr);
    return {};
  }

  int64_t written() const { return written_; }
  int64_t rejected() const { return rejected_; }
  double seconds() const { return static_cast<double>(clock_.monotonic_ns() - began_ns_) / 1e9; }

 private:
  void take(const std::string& line) {
    if (!raw_ && line.find_first_not_of(" \t\r") == std::string::npos) return;
    const auto record = reader_.record_of(line);
    if (!record.ok()) {
      reject(line_, record.error().message);
      return;
    }
    body_ += (body_.empty() ? "[" : ",") + *record;
    numbers_.push_back(line_);
  }

  void reject(int64_t line, const std::string& error) {
    ++rejected_;
    std::fprintf(stderr, "%stradewind: line %lld: %s\n", person_ ? "\n" : "", static_cast<long long>(line),
                 error.c_str());
  }

  // A request that was taken and not answered is asked again under its number, and not taken again.
  Result<> send() {
    if (numbers_.empty()) return {};
    const std::map<std::string, std::string> headers = {{"Content-Type", "application/json"},
                                                        {"Tw-Producer", producer_},
                                                        {"Tw-Sequence", std::to_string(sequence_)}};
    std::string target = "/v1/topics/" + path_segment(topic_) + "/records?";
    if (raw_) target += "raw=true&";
    if (stop_on_error_) target += "until_bad=true";
    const std::string body = body_ + "]";
    const auto answer =
        TRY(patiently(clock_, [&] { return client_.post(target, body, headers, Duration(60'000)); }));
    const auto parsed = parse_json(answer.body);
    const bool taken = parsed.ok() && parsed->find("accepted") != nullptr;
    const Json document = taken ? *parsed : TRY(document_of(answer));
    const Json* accepted = document.find("accepted");
    written_ += accepted == nullptr ? 0 : accepted->integer().value_or(0);
    if (const Json* rejected = document.find("rejected")) {
      for (const Json& one : rejected->elements()) {
        const Json* index = one.find("index");
        const auto at = static_cast<size_t>(index == nullptr ? 0 : index->integer().value_or(0));
        reject(numbers_[std::min(at, numbers_.size() - 1)], one.string_at("error").value_or("rejected"));
      }
    }
    ++sequence_;
    body_.clear();
    numbers_.clear();
    if (person_)
      std::fprintf(stderr, "\r%lld records, %.0f a second ", static_cast<long long>(written_),
                   static_cast<double>(written_) / std::max(seconds(), 0.001));
    return {};
  }

  const std::string topic_;
  const bool stop_on_error_;
  const bool raw_;
  const LineReader reader_;
  Clock& clock_;
  net::HttpClient client_;
  std::string producer_;
  bool person_ = false;
  int64_t began_ns_ = 0;
  int64_t sequence_ = 0;
  std::string body_;
  std::vector<int64_t> numbers_;  // of the lines in the body
  int64_t line_ = 0;
  int64_t written_ = 0;
  int64_t rejected_ = 0;
};

void summarize(const Producing& work, const std::string& topic, bool json) {
  const auto written = static_cast<long long>(work.written());
  const auto rejected = static_cast<long long>(work.rejected());
  if (json)
    std::printf("{\"topic\":%s,\"records\":%lld,\"rejected\":%lld,\"seconds\":%.3f}\n",
                Json::string(topic).dump().c_str(), written, rejected, work.seconds());
  else
    std::printf("%lld records written to %s, %lld lines rejected\n", written, topic.c_str(), rejected);
}

}  // namespace

int produce(const std::vector<std::string>& raw) {
  const auto [arguments, exit, topic] =
      open_verb(raw, kHelp, {"--values", "--raw", "--stop-on-error", "--keep-partition"},
                {"-f", "--key", "--key-field"});
  if (exit) return *exit;
  if (arguments.words.size() != 1) return fail("produce wants one TOPIC; see --help", 2);
  if (arguments.has("--key") && arguments.has("--key-field"))
    return fail("--key and --key-field exclude each other", 2);
  if (arguments.has("--raw") && arguments.has("--key-field"))
    return fail("--raw lines have no fields; take --key or leave --raw out", 2);
  int from = STDIN_FILENO;
  if (const std::string file = arguments.get("-f", "-"); file != "-") {
    from = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (from < 0) return fail("cannot read the file " + file + ": " + std::strerror(errno), 2);
  }
  std::signal(SIGINT, [](int) { stop_asked = 1; });
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  SystemClock clock;
  Lines lines(from);
  Producing work(arguments, clock);
  const auto done = work.run(lines);
  if (!done.ok()) {
    std::fprintf(stderr, "tradewind: %lld records were written before this\n",
                 static_cast<long long>(work.written()));
    return refused(done.error());
  }
  summarize(work, topic, arguments.has("--json"));
  return work.rejected() > 0 ? 2 : 0;
}

}  // namespace tradewind::cli
