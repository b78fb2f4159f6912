#include "player.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>

#include "answer.h"
#include "log/memory_log.h"
#include "log/open.h"

namespace tradewind::sqltest {
namespace {

constexpr int kSpread = 4;
constexpr uint64_t kNever = UINT64_MAX / 2;  // writes
constexpr int kMostPowerCuts = 6;            // in one feed

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace

const char* name_of(Mode mode) {
  switch (mode) {
    case Mode::straight: return "straight";
    case Mode::by_row: return "by_row";
    case Mode::killed: return "killed";
    case Mode::spread: return "spread";
  }
  return "";
}

Player::Player(const Script& script, Mode mode, uint64_t seed)
    : script_(script), mode_(mode), seed_(seed), random_(seed), disk_(seed * 31 + 7) {
  session_["auto.offset.reset"] = "earliest";
}

Player::~Player() {
  close();
}

Result<> Player::open() {
  if (mode_ != Mode::killed) {
    if (log_ == nullptr) log_ = log::make_memory_log();
  } else {
    log_ = TRY(log::open_embedded({.directory = "/log",
                                   .disk = &disk_,
                                   .clock = &clock_,
                                   .own_thread = false,
                                   .first_segment_bytes = 64 << 10,
                                   .most_segment_bytes = 256 << 10}));
  }
  stream::RuntimeOptions options;
  if (mode_ == Mode::spread) options.workers = 2;
  if (mode_ == Mode::by_row) options.rows_per_poll = options.rows_per_batch = options.rows_per_commit = 1;
  if (mode_ == Mode::killed) {
    options.rows_per_poll = static_cast<size_t>(random_.between(1, 4));
    options.rows_per_commit = static_cast<size_t>(random_.between(1, 4));
    options.snapshot_frame_bytes = random_.between(100, 10'000);
    options.snapshot_slice_bytes = static_cast<size_t>(random_.between(50, 5'000));
  }
  driver_ = TRY(engine::Driver::start(*log_, options));
  return {};
}

void Player::close() {
  driver_.reset();
  if (mode_ == Mode::killed) log_.reset();
}

std::string Player::play() {
  if (auto opened = open(); !opened.ok()) return script_.path + ": " + opened.error().message;
  for (const Step& next : script_.steps) {
    const std::string trouble = step(next);
    if (trouble.empty()) continue;
    return script_.path + ":" + std::to_string(next.line) + " (" + name_of(mode_) + ", seed " +
           std::to_string(seed_) + "): " + trouble;
  }
  return "";
}

std::string Player::step(const Step& step) {
  switch (step.kind) {
    case Step::Kind::run: return run(step);
    case Step::Kind::fail: return fail(step);
    case Step::Kind::feed:
    case Step::Kind::feed_raw: return feed(step);
    case Step::Kind::expect_rows:
    case Step::Kind::expect_last:
    case Step::Kind::expect_topic: return expect_rows(step);
    case Step::Kind::expect_raw: return expect_raw(step);
    case Step::Kind::expect_answer: return expect_answer(step);
  }
  return "";
}

std::string Player::statements_of(const Step& step) const {
  const std::string text = joined(step.lines);
  if (mode_ != Mode::spread) return text;
  static const std::regex count("(partitions *= *)[0-9]+", std::regex::icase);
  return std::regex_replace(text, count, "$01" + std::to_string(kSpread));
}

std::string Player::run(const Step& step) {
  const auto done = driver_->run(statements_of(step), session_);
  if (!done.ok()) return done.error().message;
  const auto settled = settle();
  return settled.ok() ? "" : settled.error().message;
}

std::string Player::fail(const Step& step) {
  Step statements = step;
  std::vector<std::string> parts;
  std::erase_if(statements.lines, [&](const std::string& line) {
    if (line.starts_with("! ")) parts.push_back(line.substr(2));
    return line.starts_with("! ");
  });
  if (parts.empty()) return "no line begins with '! ' and says what the error tells";
  const std::string text = statements_of(statements);
  const bool select = text.starts_with("SELECT");
  std::string message;
  if (select) {
    const auto answer = driver_->select(text, session_);
    if (!answer.ok()) message = answer.error().message;
  } else {
    const auto answer = driver_->run(text, session_);
    if (!answer.ok()) message = answer.error().message;
  }
  if (message.empty()) return "this did not fail: " + text;
  for (const std::string& part : parts) {
    if (message.find(part) == std::string::npos) return "wanted: " + part + "\n  got: " + message;
  }
  return "";
}

std::string Player::feed(const Step& step) {
  const bool raw = step.kind == Step::Kind::feed_raw;
  std::string topic = step.subject;
  std::vector<stream::TextRecord> records;
  const auto made = [&]() -> Result<> {
    if (raw) {
      const auto spec = TRY(log_->topic(topic));
      records = TRY(stream::raw_records_of(step.lines, spec.partitions));
      return {};
    }
    records = TRY(driver_->records_for(step.subject, step.lines));
    topic = TRY(driver_->topic_of(step.subject));
    return {};
  }();
  if (!made.ok()) return made.error().message;
  Result<> done;
  if (mode_ != Mode::by_row) {
    done = stream::append(*log_, topic, records);
    if (done.ok()) done = settle();
  } else {
    for (size_t i = 0; i < records.size() && done.ok(); ++i) {
      done = stream::append(*log_, topic, {records[i]});
      if (done.ok()) done = settle();
    }
  }
  return done.ok() ? "" : done.error().message;
}

Result<> Player::settle() {
  return mode_ == Mode::killed ? settle_among_power_cuts() : driver_->settle();
}

// What was fed is durable; from here on the power may go at any write. At last it stays, and all is worked
// off.
Result<> Player::settle_among_power_cuts() {
  for (int cut = 0; cut < kMostPowerCuts; ++cut) {
    const bool trouble = random_.chance(0.7);
    disk_.stop_after_writes(trouble ? random_.below(6) : kNever);
    const bool settled = driver_ != nullptr && driver_->settle().ok();
    if (!trouble && settled) return {};
    power_cuts_ += settled ? 0 : 1;
    close();
    disk_.cut_power();
    if (trouble && random_.chance(0.3)) disk_.stop_after_writes(random_.below(8));
    if (!open().ok()) close();  // the power went while starting
  }
  close();
  disk_.stop_after_writes(kNever);
  disk_.cut_power();
  TRY(open());
  return driver_->settle();
}

std::string Player::expect_rows(const Step& step) {
  auto answer = step.kind == Step::Kind::expect_topic ? driver_->rows_of(step.subject)
                                                      : driver_->select(step.subject, session_);
  if (!answer.ok()) return answer.error().message;
  if (step.kind == Step::Kind::expect_last) keep_last_rows(answer->rows);
  return compare_rows(answer->columns, answer->rows, step.lines);
}

std::string Player::expect_raw(const Step& step) {
  const auto rows = stream::raw_rows_in(*log_, step.subject);
  if (!rows.ok()) return rows.error().message;
  return compare_rows({{"KEY", Kind::string}, {"VALUE", Kind::string}}, *rows, step.lines);
}

std::string Player::expect_answer(const Step& step) {
  const auto answer = driver_->run(step.subject + ";", session_);
  if (!answer.ok()) return answer.error().message;
  return compare_answer(*answer, step.lines);
}

}  // namespace tradewind::sqltest
