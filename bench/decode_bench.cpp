// tradewind-bench-decode: Avro decoding and encoding beside libavro-c and beside code written by hand for one
// schema.
//
// Each figure is the median of the rounds in CPU nanoseconds per record on one thread. Values are compared
// before anything is timed. Exits 1 when they differ, or when a ratio is below its goal and --check is given.

#include <avro.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>

#include "base/check.h"
#include "base/json.h"
#include "data/value.h"
#include "schema/avro.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"
#include "shop_records.h"
#include "straight_line.h"

namespace tradewind::bench {
namespace {

constexpr size_t kRows = 1024;  // per call of decode
constexpr int kRounds = 5;
constexpr size_t kBuilt = 4096;  // rows that both encode again and again

double cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

double median_ns(size_t records, const std::function<void()>& work) {
  work();
  std::vector<double> rounds;
  for (int i = 0; i < kRounds; ++i) {
    const double from = cpu_ns();
    work();
    rounds.push_back((cpu_ns() - from) / static_cast<double>(records));
  }
  std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
  return rounds[kRounds / 2];
}

void ask(int failed) {
  if (failed == 0) return;
  std::fprintf(stderr, "libavro: %s\n", avro_strerror());
  std::exit(2);
}

struct Measured {
  std::string name;
  double ns = 0;
};

struct Goal {
  std::string name;
  double ratio = 0;
  double wanted = 0;
};

// Everything about one topic.
class Topic {
 public:
  Topic(std::string name, const char* schema, Payloads payloads, std::vector<std::string> wanted)
      : name_(std::move(name)), payloads_(std::move(payloads)), wanted_(std::move(wanted)) {
    (void)registry_.register_schema("t-value", schema::SchemaKind::avro, schema);
    spec_.columns = *schema::columns_of(*registry_.by_id(1));
    spec_.topic = "t";
    for (size_t i = 0; i < payloads_.size(); ++i) views_.emplace_back(payloads_[i]);
    ask(avro_schema_from_json_length(schema, std::strlen(schema), &full_));
    const std::string reader = projected(schema);
    ask(avro_schema_from_json_length(reader.c_str(), reader.size(), &few_));
  }

  size_t size() const { return payloads_.size(); }
  const std::string& name() const { return name_; }
  const Payloads& payloads() const { return payloads_; }

  schema::SerdeSpec few_spec() const {
    schema::SerdeSpec spec = spec_;
    for (const Field& column : spec.columns) {
      spec.wanted.push_back({.any = std::find(wanted_.begin(), wanted_.end(), column.name) != wanted_.end()});
    }
    return spec;
  }

  double ours(const schema::SerdeSpec& spec) {
    auto decoder = schema::make_decoder(spec, &registry_).value();
    return median_ns(size(), [&] {
      for (size_t from = 0; from < size(); from += kRows) {
        const size_t count = std::min(kRows, size() - from);
        auto decoded = decoder->decode({views_.data() + from, count}, nullptr);
        CHECK(decoded.ok() && decoded->bad.empty());
      }
    });
  }
  double ours_full() { return ours(spec_); }
  double ours_few() { return ours(few_spec()); }

  double libavro_full() {
    avro_value_iface_t* kind = avro_generic_class_from_schema(full_);
    avro_value_t value;
    ask(avro_generic_value_new(kind, &value));
    const double ns = libavro(value, value);
    avro_value_decref(&value);
    avro_value_iface_decref(kind);
    return ns;
  }

  double libavro_few() {
    avro_value_iface_t* kind = avro_generic_class_from_schema(few_);
    avro_value_iface_t* resolved = avro_resolved_writer_new(full_, few_);
    CHECK(resolved != nullptr);
    avro_value_t value;
    avro_value_t into;
    ask(avro_generic_value_new(kind, &value));
    ask(avro_resolved_writer_new_value(resolved, &into));
    avro_resolved_writer_set_dest(&into, &value);
    const double ns = libavro(into, value);
    avro_value_decref(&into);
    avro_value_decref(&value);
    avro_value_iface_decref(resolved);
    avro_value_iface_decref(kind);
    return ns;
  }

  // Columns of the first rows, and the same rows as libavro's values, both encoded.
  double ours_encode() {
    auto decoder = schema::make_decoder(spec_, &registry_).value();
    auto encoder = schema::make_encoder(spec_, &registry_).value();
    std::vector<std::vector<ColumnPtr>> batches;
    const size_t built = std::min(kBuilt, size());
    for (size_t from = 0; from < built; from += kRows) {
      batches.push_back(
          decoder->decode({views_.data() + from, std::min(kRows, built - from)}, nullptr)->columns);
    }
    schema::Encoded out;
    size_t row = 0;
    for (const auto& batch : batches) {
      out.clear();
      CHECK(encoder->encode(batch, batch[0]->size(), out).ok());
      for (size_t i = 0; i < out.size(); ++i) same_ &= out[i] == payloads_[row++];
    }
    const size_t times = std::max<size_t>(1, size() / built);
    return median_ns(built * times, [&] {
      for (size_t i = 0; i < times; ++i) {
        for (const auto& batch : batches) {
          out.clear();
          CHECK(encoder->encode(batch, batch[0]->size(), out).ok());
        }
      }
    });
  }

  double libavro_encode() {
    avro_value_iface_t* kind = avro_generic_class_from_schema(full_);
    avro_reader_t reader = avro_reader_memory("", 0);
    std::vector<avro_value_t> values(std::min(kBuilt, size()));
    for (size_t i = 0; i < values.size(); ++i) {
      ask(avro_generic_value_new(kind, &values[i]));
      const BytesView body = payloads_[i].substr(5);
      avro_reader_memory_set_source(reader, body.data(), static_cast<int64_t>(body.size()));
      ask(avro_value_read(reader, &values[i]));
    }
    std::vector<char> out(kBuilt * 2000);
    avro_writer_t writer = avro_writer_memory(out.data(), static_cast<int64_t>(out.size()));
    const size_t times = std::max<size_t>(1, size() / values.size());
    const double ns = median_ns(values.size() * times, [&] {
      for (size_t i = 0; i < times; ++i) {
        avro_writer_reset(writer);
        for (avro_value_t& value : values) ask(avro_value_write(writer, &value));
      }
    });
    for (avro_value_t& value : values) avro_value_decref(&value);
    avro_writer_free(writer);
    avro_reader_free(reader);
    avro_value_iface_decref(kind);
    return ns;
  }

  // Every value of the first rows, ours against libavro's.
  bool same_values();
  bool encoded_the_same() const { return same_; }

 private:
  std::string projected(const char* schema) const {
    const Json json = *parse_json(schema);
    Json fields = Json::array();
    for (const Json& field : json.find("fields")->elements()) {
      const std::string name = schema::upper_case(*field.string_at("name"));
      if (std::find(wanted_.begin(), wanted_.end(), name) != wanted_.end()) fields.push(field);
    }
    Json reader = Json::object();
    for (const Json::Member& member : json.members()) {
      reader.set(member.name, member.name == "fields" ? fields : member.value);
    }
    return reader.dump();
  }

  double libavro(avro_value_t into, avro_value_t value) {
    avro_reader_t reader = avro_reader_memory("", 0);
    const double ns = median_ns(size(), [&] {
      for (size_t i = 0; i < size(); ++i) {
        const BytesView body = payloads_[i].substr(5);
        avro_reader_memory_set_source(reader, body.data(), static_cast<int64_t>(body.size()));
        avro_value_reset(&value);
        ask(avro_value_read(reader, &into));
      }
    });
    avro_reader_free(reader);
    return ns;
  }

  const std::string name_;
  const Payloads payloads_;
  const std::vector<std::string> wanted_;
  std::vector<std::optional<BytesView>> views_;
  schema::FakeRegistry registry_;
  schema::SerdeSpec spec_;
  avro_schema_t full_ = nullptr;
  avro_schema_t few_ = nullptr;
  bool same_ = true;
};

// A libavro value as one of ours.
Value value_of(avro_value_t value, const Type& type) {
  switch (avro_value_get_type(&value)) {
    case AVRO_NULL: return {};
    case AVRO_BOOLEAN: {
      int truth = 0;
      ask(avro_value_get_boolean(&value, &truth));
      return int64_t{truth};
    }
    case AVRO_INT32: {
      int32_t number = 0;
      ask(avro_value_get_int(&value, &number));
      return int64_t{number};
    }
    case AVRO_INT64: {
      int64_t number = 0;
      ask(avro_value_get_long(&value, &number));
      return number;
    }
    case AVRO_STRING: {
      const char* text = nullptr;
      size_t size = 0;
      ask(avro_value_get_string(&value, &text, &size));
      return std::string(text, size - 1);
    }
    case AVRO_BYTES: {
      const void* bytes = nullptr;
      size_t size = 0;
      ask(avro_value_get_bytes(&value, &bytes, &size));
      Int128 unscaled = size > 0 && (static_cast<const signed char*>(bytes)[0] < 0) ? -1 : 0;
      for (size_t i = 0; i < size; ++i)
        unscaled = unscaled * 256 + static_cast<const unsigned char*>(bytes)[i];
      return unscaled;
    }
    case AVRO_ENUM: {
      int number = 0;
      ask(avro_value_get_enum(&value, &number));
      return std::string(avro_schema_enum_get(avro_value_get_schema(&value), number));
    }
    case AVRO_UNION: {
      avro_value_t branch;
      ask(avro_value_get_current_branch(&value, &branch));
      return value_of(branch, type);
    }
    default: break;
  }
  const bool record = avro_value_get_type(&value) == AVRO_RECORD;
  size_t size = 0;
  ask(avro_value_get_size(&value, &size));
  std::vector<Value> parts;
  for (size_t i = 0; i < size; ++i) {
    avro_value_t part;
    ask(avro_value_get_by_index(&value, i, &part, nullptr));
    parts.push_back(value_of(part, record ? type.fields()[i].type : type.element()));
  }
  return parts;
}

bool Topic::same_values() {
  auto decoder = schema::make_decoder(spec_, &registry_).value();
  avro_value_iface_t* kind = avro_generic_class_from_schema(full_);
  avro_value_t value;
  ask(avro_generic_value_new(kind, &value));
  avro_reader_t reader = avro_reader_memory("", 0);
  bool same = true;
  const auto decoded = decoder->decode({views_.data(), std::min<size_t>(20'000, size())}, nullptr);
  for (size_t row = 0; row < std::min<size_t>(20'000, size()); ++row) {
    const BytesView body = payloads_[row].substr(5);
    avro_reader_memory_set_source(reader, body.data(), static_cast<int64_t>(body.size()));
    avro_value_reset(&value);
    ask(avro_value_read(reader, &value));
    const Value expected = value_of(value, Type::structure(spec_.columns));
    for (size_t i = 0; i < spec_.columns.size(); ++i) {
      if (value_at(*decoded->columns[i], row) == expected.parts()[i]) continue;
      if (same) {
        std::printf("row %zu, %s: %s, not %s\n", row, spec_.columns[i].name.c_str(),
                    value_text(spec_.columns[i].type, value_at(*decoded->columns[i], row)).c_str(),
                    value_text(spec_.columns[i].type, expected.parts()[i]).c_str());
      }
      same = false;
    }
  }
  avro_reader_free(reader);
  avro_value_decref(&value);
  avro_value_iface_decref(kind);
  return same;
}

template <typename Arrays, typename Decode>
double straight_line(const Payloads& payloads, Decode decode) {
  Arrays out(kRows);
  return median_ns(payloads.size(), [&] {
    for (size_t from = 0; from < payloads.size(); from += kRows) {
      CHECK(decode(payloads, from, std::min(from + kRows, payloads.size()), out));
    }
  });
}

bool measure(Topic& topic, double by_hand, std::vector<Measured>& rows, std::vector<Goal>& goals) {
  if (!topic.same_values()) return false;
  const auto add = [&](const std::string& what, double ns) {
    rows.push_back({topic.name() + " " + what, ns});
    return ns;
  };
  const double theirs_full = add("libavro full", topic.libavro_full());
  const double theirs_few = add("libavro projected", topic.libavro_few());
  const double ours_full = add("ours full", topic.ours_full());
  const double ours_few = add("ours projected, early stop", topic.ours_few());
  add("straight line by hand, full", by_hand);
  const double theirs_encode = add("libavro encode", topic.libavro_encode());
  const double ours_encode = add("ours encode from columns", topic.ours_encode());
  goals.push_back({topic.name() + " full / libavro", theirs_full / ours_full, 7});
  goals.push_back({topic.name() + " projected / libavro", theirs_few / ours_few, 9});
  goals.push_back({topic.name() + " full / by hand", by_hand / ours_full, 0.75});
  goals.push_back({topic.name() + " encode / libavro", theirs_encode / ours_encode, 4});
  return topic.encoded_the_same();
}

int run(size_t count, bool json, bool check) {
  std::vector<Measured> rows;
  std::vector<Goal> goals;
  Topic orders("order", kOrderSchema, make_orders(count, 1), {"EVENT_TIME", "CUSTOMER_ID", "TOTAL"});
  Topic views("page view", kPageViewSchema, make_page_views(count, 2),
              {"EVENT_TIME", "VISITOR_ID", "PRODUCT_ID"});
  const double order_by_hand = straight_line<OrderArrays>(orders.payloads(), decode_orders);
  const double view_by_hand = straight_line<PageViewArrays>(views.payloads(), decode_page_views);
  const bool same = measure(orders, order_by_hand, rows, goals) & measure(views, view_by_hand, rows, goals);
  bool reached = true;
  Json out = Json::object();
  for (const Measured& row : rows) {
    if (!json) std::printf("%-42s %9.1f ns %8.2f M/s\n", row.name.c_str(), row.ns, 1e3 / row.ns);
    out.set(row.name + " ns", Json::number(std::to_string(row.ns)));
  }
  for (const Goal& goal : goals) {
    reached &= goal.ratio >= goal.wanted;
    if (!json) std::printf("%-42s %9.2f x  (goal %.2f)\n", goal.name.c_str(), goal.ratio, goal.wanted);
    out.set(goal.name, Json::number(std::to_string(goal.ratio)));
  }
  if (json) std::printf("%s\n", out.dump().c_str());
  if (!same) std::fprintf(stderr, "values or bytes differ from libavro's\n");
  return !same || (check && !reached) ? 1 : 0;
}

}  // namespace
}  // namespace tradewind::bench

int main(int argc, char** argv) {
  size_t count = 400'000;
  bool json = false;
  bool check = false;
  for (int i = 1; i < argc; ++i) {
    json |= std::strcmp(argv[i], "--json") == 0;
    check |= std::strcmp(argv[i], "--check") == 0;
    if (std::strncmp(argv[i], "--records=", 10) == 0) count = std::strtoull(argv[i] + 10, nullptr, 10);
  }
  return tradewind::bench::run(count, json, check);
}
