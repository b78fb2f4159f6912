#include "schema/compatibility.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tradewind::schema {
namespace {

constexpr size_t kMostProblems = 20;
constexpr int kMostComparisons = 200'000;  // schemas can be built to need ever more

bool promotes(AvroKind writer, AvroKind reader) {
  using enum AvroKind;
  if (writer == reader) return true;
  if (writer == int32) return reader == int64 || reader == float32 || reader == float64;
  if (writer == int64) return reader == float32 || reader == float64;
  if (writer == float32) return reader == float64;
  return (writer == string && reader == bytes) || (writer == bytes && reader == string);
}

// The last part of the names counts, and the reader's aliases.
bool same_name(const AvroType& reader, const AvroType& writer) {
  const auto name = short_name(writer.name);
  if (short_name(reader.name) == name) return true;
  return std::any_of(reader.aliases.begin(), reader.aliases.end(), [&](const std::string& alias) {
    return alias == writer.name || short_name(alias) == name;
  });
}

class Comparison {
 public:
  explicit Comparison(int& work) : work_(work) {}

  void compare(const AvroType& reader, const AvroType& writer, const std::string& place) {
    if (++work_ > kMostComparisons) return tell(place, "too complex to compare");
    if (!seen_.insert({&reader, &writer}).second) return;  // being compared above, or told already
    if (writer.kind == AvroKind::choice) {
      for (const AvroType* branch : writer.branches) compare(reader, *branch, place);
      return;
    }
    if (reader.kind == AvroKind::choice) return compare_branches(reader, writer, place);
    if (!promotes(writer.kind, reader.kind)) {
      return tell(place, std::string(name_of(writer.kind)) + " cannot be read as " + name_of(reader.kind));
    }
    switch (reader.kind) {
      case AvroKind::record: return compare_records(reader, writer, place);
      case AvroKind::enumeration: return compare_symbols(reader, writer, place);
      case AvroKind::fixed:
        if (!same_name(reader, writer)) return tell_name(reader, writer, place);
        if (reader.size != writer.size) {
          tell(place,
               "fixed of " + std::to_string(writer.size) + " bytes read as " + std::to_string(reader.size));
        }
        return;
      case AvroKind::array: return compare(*reader.element, *writer.element, place + "[]");
      case AvroKind::map: return compare(*reader.element, *writer.element, place + "{}");
      default: return;
    }
  }

  std::vector<std::string> take() { return std::move(problems_); }

 private:
  void compare_records(const AvroType& reader, const AvroType& writer, const std::string& place) {
    if (!same_name(reader, writer)) return tell_name(reader, writer, place);
    const std::string here = place.empty() ? std::string(short_name(reader.name)) : place;
    for (const AvroField& field : reader.fields) {
      const std::string at = here + "." + field.name;
      const AvroField* source = source_of(field, writer);
      if (source != nullptr) {
        compare(*field.type, *source->type, at);
      } else if (!field.fallback) {
        tell(at, "the reader's field has no default and the writer has no such field");
      }
    }
  }

  static const AvroField* source_of(const AvroField& field, const AvroType& writer) {
    for (const AvroField& candidate : writer.fields) {
      if (candidate.name == field.name) return &candidate;
    }
    for (const AvroField& candidate : writer.fields) {
      if (std::find(field.aliases.begin(), field.aliases.end(), candidate.name) != field.aliases.end())
        return &candidate;
    }
    return nullptr;
  }

  void compare_symbols(const AvroType& reader, const AvroType& writer, const std::string& place) {
    if (!same_name(reader, writer)) return tell_name(reader, writer, place);
    if (reader.symbol_default) return;
    std::string lost;
    for (const std::string& symbol : writer.symbols) {
      if (std::find(reader.symbols.begin(), reader.symbols.end(), symbol) == reader.symbols.end())
        lost += " " + symbol;
    }
    if (!lost.empty()) tell(place, "the reader's enum has no default and lacks" + lost);
  }

  // One branch that can read it is enough.
  void compare_branches(const AvroType& reader, const AvroType& writer, const std::string& place) {
    for (const AvroType* branch : reader.branches) {
      Comparison trial(work_);
      trial.seen_ = seen_;
      trial.seen_.erase({branch, &writer});
      trial.compare(*branch, writer, place);
      if (trial.problems_.empty()) return;
      if (reader.only() == branch && writer.kind == branch->kind) {
        for (const std::string& problem : trial.problems_) problems_.push_back(problem);
        return;
      }
    }
    tell(place, std::string(name_of(writer.kind)) + " is no branch of the reader's union");
  }

  void tell_name(const AvroType& reader, const AvroType& writer, const std::string& place) {
    tell(place, std::string(name_of(reader.kind)) + " " + writer.name + " cannot be read as " + reader.name);
  }
  void tell(const std::string& place, const std::string& what) {
    if (problems_.size() < kMostProblems)
      problems_.push_back((place.empty() ? "the schema" : place) + ": " + what);
  }

  std::set<std::pair<const AvroType*, const AvroType*>> seen_;
  std::vector<std::string> problems_;
  int& work_;
};

struct Level {
  Compatibility level;
  const char* name;
  bool backward;    // the new schema reads old data
  bool forward;     // old schemas read new data
  bool transitive;  // all old versions, not only the last
};

constexpr Level kLevels[] = {
    {Compatibility::none, "NONE", false, false, false},
    {Compatibility::backward, "BACKWARD", true, false, false},
    {Compatibility::backward_transitive, "BACKWARD_TRANSITIVE", true, false, true},
    {Compatibility::forward, "FORWARD", false, true, false},
    {Compatibility::forward_transitive, "FORWARD_TRANSITIVE", false, true, true},
    {Compatibility::full, "FULL", true, true, false},
    {Compatibility::full_transitive, "FULL_TRANSITIVE", true, true, true},
};

}  // namespace

std::vector<std::string> read_problems(const AvroSchema& reader, const AvroSchema& writer) {
  int work = 0;
  Comparison comparison(work);
  comparison.compare(reader.root(), writer.root(), "");
  return comparison.take();
}

std::vector<int32_t> compared_versions(Compatibility level, const std::vector<int32_t>& versions) {
  const Level& rule = kLevels[static_cast<size_t>(level)];
  if (!rule.backward && !rule.forward) return {};
  if (rule.transitive || versions.empty()) return versions;
  return {versions.back()};
}

std::vector<std::string> compatibility_problems(Compatibility level, const AvroSchema& next,
                                                const std::vector<EarlierVersion>& before) {
  const Level& rule = kLevels[static_cast<size_t>(level)];
  std::vector<std::string> problems;
  const size_t first = rule.transitive || before.empty() ? 0 : before.size() - 1;
  for (size_t i = before.size(); i-- > first;) {
    const std::string version = "version " + std::to_string(before[i].version);
    const auto add = [&](const std::vector<std::string>& found, const std::string& what) {
      for (const std::string& problem : found) problems.push_back(what + ": " + problem);
    };
    if (rule.backward)
      add(read_problems(next, *before[i].schema), "data of " + version + " cannot be read with it");
    if (rule.forward) add(read_problems(*before[i].schema, next), version + " cannot read its data");
  }
  return problems;
}

const char* name_of(Compatibility level) {
  return kLevels[static_cast<size_t>(level)].name;
}

Result<Compatibility> compatibility_from(const std::string& name) {
  const std::string upper = upper_case(name);
  for (const Level& level : kLevels) {
    if (upper == level.name) return level.level;
  }
  return Error{Code::invalid, "unknown compatibility level '" + name + "'"};
}

}  // namespace tradewind::schema
