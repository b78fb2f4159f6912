#include "cli/health_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace tradewind::cli {
namespace {

constexpr int64_t kBehindMs = 1'000;  // less is on its way
constexpr double kLowRoom = 0.1;      // of the disk, of the memory

constexpr const char* kRed = "\x1b[31m";
constexpr const char* kYellow = "\x1b[33m";
constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kPlain = "\x1b[0m";

std::string words(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string size_text(int64_t bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  return words(unit == 0 || value >= 100 ? "%.0f " : "%.1f ", value) + kUnits[unit];
}

// 1234567 -> "1,234,567"
std::string count_text(int64_t count) {
  std::string text = std::to_string(count);
  for (auto at = static_cast<ptrdiff_t>(text.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    text.insert(static_cast<size_t>(at), ",");
  return text;
}

std::string span_text(double seconds) {
  if (seconds < 90) return words("%.0f s", seconds);
  if (seconds < 5400) return words("%.0f min", seconds / 60);
  return words("%.1f h", seconds / 3600);
}

int64_t number(const Json* object, const char* name) {
  const Json* found = object == nullptr ? nullptr : object->find(name);
  return found == nullptr ? 0 : found->integer().value_or(0);
}

std::vector<const Json*> elements(const Json& object, const char* name) {
  std::vector<const Json*> all;
  const Json* list = object.find(name);
  if (list == nullptr || !list->is(Json::Kind::array)) return all;
  for (const Json& one : list->elements()) all.push_back(&one);
  return all;
}

const Json* query_of(const Json& health, const std::string& name) {
  for (const Json* query : elements(health, "queries")) {
    if (query->string_at("name") == name) return query;
  }
  return nullptr;
}

std::string state_of(const Json& query) {
  return query.string_at("state").value_or("");
}

const Json& last(const HealthLooks& looks) {
  return looks.second ? *looks.second : looks.first;
}

// How the lag of a query moves between the looks, in words.
std::string trend_of(const HealthLooks& looks, const Json& query) {
  if (state_of(query) == "ERROR") return "stopped";
  if (state_of(query) == "PAUSED") return "paused";
  if (number(&query, "lag_ms") < kBehindMs) return "up to date";
  const Json* before = query_of(looks.first, query.string_at("name").value_or(""));
  const double seconds =
      static_cast<double>(number(&last(looks), "now_ms") - number(&looks.first, "now_ms")) / 1000;
  if (!looks.second || before == nullptr || seconds <= 0) return "behind";
  const int64_t now = number(&query, "lag_records");
  const double fall = static_cast<double>(number(before, "lag_records") - now) / seconds;
  if (fall > 0) return "catches up, " + span_text(static_cast<double>(now) / fall) + " left";
  if (number(&query, "rows_in") == number(before, "rows_in")) return "stands still";
  return fall == 0 ? "stays behind" : "falls behind";
}

class Report {
 public:
  Report(const HealthLooks& looks, bool colours) : looks_(looks), health_(last(looks)), colours_(colours) {}

  std::string text() {
    add_state();
    add_room();
    add_table();
    return std::move(out_);
  }

 private:
  std::string painted(const char* colour, const std::string& text) const {
    return colours_ ? colour + text + kPlain : text;
  }
  // "label     text"
  void line(const std::string& label, const std::string& text, const char* colour = "") {
    std::string padded = label;
    padded.resize(std::max<size_t>(10, label.size() + 1), ' ');
    out_ += (colour[0] == '\0' ? padded + text : painted(colour, padded + text)) + "\n";
  }

  void add_state() {
    const Json* ready = health_.find("ready");
    const bool well = ready != nullptr && ready->truth();
    line(well ? "ready" : "not ready", looks_.url, well ? kGreen : kRed);
    for (const Json* reason : elements(health_, "reasons")) line("", reason->text(), kRed);
    for (const Json* query : elements(health_, "queries")) {
      if (state_of(*query) != "ERROR") continue;
      line("stopped", query->string_at("name").value_or("") + ": " + query->string_at("error").value_or(""),
           kRed);
      line("", "mend what it names and start the platform again: it goes on where it stopped; or DROP it");
    }
  }

  void add_room() {
    const Json* disk = health_.find("disk");
    if (disk != nullptr && number(disk, "total_bytes") > 0) {  // else the log lies elsewhere
      const int64_t free = number(disk, "free_bytes");
      const int64_t total = number(disk, "total_bytes");
      const bool low = static_cast<double>(free) < kLowRoom * static_cast<double>(total);
      line("disk",
           "journal " + size_text(number(disk, "journal_bytes")) + " (" +
               size_text(number(disk, "live_bytes")) + " in use), " + size_text(free) + " of " +
               size_text(total) + " free",
           low ? kYellow : "");
    }
    if (const Json* memory = health_.find("memory")) {
      const int64_t state = number(memory, "state_bytes");
      const int64_t limit = number(memory, "state_limit_bytes");
      const bool low = static_cast<double>(limit - state) < kLowRoom * static_cast<double>(limit);
      line("memory",
           size_text(number(memory, "resident_bytes")) + ", of which tables " + size_text(state) +
               " of at most " + size_text(limit),
           low ? kYellow : "");
    }
  }

  void add_table() {
    const auto queries = elements(health_, "queries");
    if (queries.empty()) {
      line("queries", "none");
      return;
    }
    std::vector<std::vector<std::string>> rows{
        {"query", "state", "lag", "behind", "late", "bad", "table", "trend"}};
    std::vector<const char*> colours{""};
    for (const Json* query : queries) {
      const std::string trend = trend_of(looks_, *query);
      rows.push_back({query->string_at("name").value_or(""), state_of(*query),
                      count_text(number(query, "lag_records")),
                      words("%.1f s", static_cast<double>(number(query, "lag_ms")) / 1000),
                      count_text(number(query, "late_rows")), count_text(number(query, "bad_rows")),
                      size_text(number(query, "state_bytes")), trend});
      colours.push_back(trend == "stopped"                           ? kRed
                        : trend == "up to date" || trend == "paused" ? ""
                                                                     : kYellow);
    }
    out_ += "\n";
    add_rows(rows, colours);
  }

  void add_rows(const std::vector<std::vector<std::string>>& rows, const std::vector<const char*>& colours) {
    const size_t columns = rows[0].size();
    std::vector<size_t> widths(columns, 0);
    for (const auto& row : rows) {
      for (size_t i = 0; i < columns; ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    for (size_t r = 0; r < rows.size(); ++r) {
      std::string text;
      for (size_t i = 0; i < columns; ++i) {
        const std::string space(widths[i] - rows[r][i].size(), ' ');
        const bool words = i < 2 || i + 1 == columns;  // numbers stand to the right
        text += i == 0 ? "" : "  ";
        if (words)
          text += rows[r][i] + (i + 1 == columns ? "" : space);
        else
          text += space + rows[r][i];
      }
      out_ += (colours[r][0] == '\0' ? text : painted(colours[r], text)) + "\n";
    }
  }

  const HealthLooks& looks_;
  const Json& health_;
  const bool colours_;
  std::string out_;
};

}  // namespace

bool somebody_is_behind(const Json& health) {
  const auto queries = elements(health, "queries");
  return std::any_of(queries.begin(), queries.end(), [](const Json* query) {
    return state_of(*query) == "RUNNING" && number(query, "lag_ms") >= kBehindMs;
  });
}

std::string health_report(const HealthLooks& looks, bool colours) {
  return Report(looks, colours).text();
}

Json health_json(const HealthLooks& looks) {
  const Json& health = last(looks);
  Json made = Json::object();
  for (const Json::Member& member : health.members()) {
    if (member.name != "queries") {
      made.set(member.name, member.value);
      continue;
    }
    Json queries = Json::array();
    for (const Json* query : elements(health, "queries")) {
      Json one = *query;
      one.set("trend", Json::string(trend_of(looks, *query)));
      queries.push(std::move(one));
    }
    made.set("queries", std::move(queries));
  }
  return made;
}

}  // namespace tradewind::cli
