#include "apps/replay/online_retail.h"

#include <sys/stat.h>
#include <zlib.h>

#include <charconv>
#include <cstdio>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/time.h"
#include "data/decimal.h"

namespace tradewind::replay {
namespace {

constexpr size_t kColumns =
    8;  // invoice, sku, description, quantity, invoice_time, unit_price, customer, country

struct Line {
  int64_t row = 0;
  std::string invoice, sku, description, customer, country;
  int64_t quantity = 0;
  int64_t time_ms = 0;
  Int128 price = 0;  // four decimals
};

// One CSV record; a quoted field may hold commas, doubled quotes and line ends.
bool split(const std::string& text, std::vector<std::string>& fields) {
  fields.assign(1, "");
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '"' && i + 1 < text.size() && text[i + 1] == '"')
        fields.back() += text[++i];
      else if (c == '"')
        quoted = false;
      else
        fields.back() += c;
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return !quoted;
}

bool read_line(const std::vector<std::string>& fields, Line& line) {
  if (fields.size() != kColumns) return false;
  const std::string& quantity = fields[3];
  const char* end = quantity.data() + quantity.size();
  if (std::from_chars(quantity.data(), end, line.quantity).ptr != end || quantity.empty()) return false;
  const auto time = from_iso(fields[4]);
  const auto price = parse_decimal(fields[5]);
  if (!time || !price || fields[0].empty() || fields[1].empty()) return false;
  const auto scaled = rescale(price->unscaled, price->scale, 4);
  if (!scaled) return false;
  line.invoice = fields[0];
  line.sku = fields[1];
  line.description = fields[2];
  line.time_ms = time->ms;
  line.price = *scaled;
  line.customer = fields[6];
  line.country = fields[7];
  return true;
}

// The same event has the same id in every replay.
std::string uuid_of(const std::string& text) {
  const uint64_t a = hash64(text);
  const uint64_t b = mix64(a, crc32c(text));
  char id[40];
  std::snprintf(id, sizeof id, "%08x-%04x-8%03x-%04x-%012llx", static_cast<unsigned>(a >> 32),
                static_cast<unsigned>(a >> 16 & 0xffff), static_cast<unsigned>(a & 0xfff),
                static_cast<unsigned>(0x8000 | (b >> 48 & 0x3fff)),
                static_cast<unsigned long long>(b & 0xffffffffffff));
  return id;
}

const char* event_type_of(const std::string& invoice) {
  if (invoice[0] == 'C') return "ORDER_CANCELLED";
  return invoice[0] == 'A' ? "ORDER_UPDATED" : "ORDER_PLACED";
}

std::string json_of(const std::vector<Line>& lines) {
  const Line& first = lines.front();
  std::string out;
  JsonWriter json(out);
  const auto text = [&](const char* name, const std::string& value) {
    json.key(name);
    json.string(value);
  };
  Int128 total = 0;
  for (const Line& line : lines) total += line.price * line.quantity;
  json.begin_object();
  text("event_id", uuid_of(first.invoice + "@" + std::to_string(first.time_ms)));
  text("event_type", event_type_of(first.invoice));
  json.key("event_time");
  json.number(first.time_ms);
  text("source", "online-retail");
  text("order_id", first.invoice);
  text("customer_id", first.customer.empty() ? "guest:" + first.invoice : first.customer);
  json.key("is_guest");
  json.boolean(first.customer.empty());
  text("currency", "GBP");
  text("channel", "WEB");
  json.key("total");
  json.raw(decimal_text(total, 4));
  json.key("attributes");
  json.begin_object();
  text("country", first.country);
  json.end_object();
  json.key("items");
  json.begin_array();
  for (const Line& line : lines) {
    json.begin_object();
    text("product_id", line.sku);
    text("sku", line.sku);
    text("name", line.description);
    json.key("quantity");
    json.number(line.quantity);
    json.key("unit_price");
    json.raw(decimal_text(line.price, 4));
    json.key("line_total");
    json.raw(decimal_text(line.price * line.quantity, 4));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out;
}

}  // namespace

struct OnlineRetail::State {
  gzFile file = nullptr;
  std::string path;
  std::string fingerprint;
  double file_bytes = 1;
  int64_t row = 0;  // of the next line
  int64_t rejected = 0;
  std::optional<Line> ahead;
  std::string buffer;
  size_t at = 0;
  bool ended = false;

  ~State() {
    if (file != nullptr) gzclose(file);
  }

  // The next record of the file, without its line end; false at the end.
  bool record(std::string& out) {
    out.clear();
    bool quoted = false;
    while (true) {
      if (at == buffer.size()) {
        buffer.resize(256 * 1024);
        const int got = gzread(file, buffer.data(), static_cast<unsigned>(buffer.size()));
        buffer.resize(got > 0 ? static_cast<size_t>(got) : 0);
        at = 0;
        if (buffer.empty()) return !out.empty();
      }
      const char c = buffer[at++];
      if (c == '"') quoted = !quoted;
      if (c == '\n' && !quoted) return true;
      if (c != '\r' || quoted) out += c;
    }
  }

  std::optional<Line> line() {
    std::string text;
    std::vector<std::string> fields;
    while (record(text)) {
      Line line;
      line.row = row++;
      if (split(text, fields) && read_line(fields, line)) return line;
      ++rejected;
    }
    return std::nullopt;
  }
};

OnlineRetail::OnlineRetail(std::unique_ptr<State> state) : state_(std::move(state)) {}
OnlineRetail::~OnlineRetail() = default;

Result<std::unique_ptr<OnlineRetail>> OnlineRetail::open(const std::string& path) {
  auto state = std::make_unique<State>();
  state->path = path;
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode))
    return Error{Code::not_found, "there is no file " + path};
  state->file_bytes = static_cast<double>(std::max<off_t>(found.st_size, 1));
  state->file = gzopen(path.c_str(), "rb");
  if (state->file == nullptr) return Error{Code::io, "cannot read " + path};
  std::string header;
  if (!state->record(header) ||
      header.rfind("invoice,sku,description,quantity,invoice_time,unit_price,customer,country", 0) != 0) {
    return Error{Code::invalid,
                 path +
                     " does not begin with the columns invoice,sku,description,quantity,invoice_time,"
                     "unit_price,customer,country; is it Online Retail as CSV?"};
  }
  char name[64];
  std::snprintf(name, sizeof name, "replay-online-retail-%016llx-%lld",
                static_cast<unsigned long long>(hash64(state->buffer)),
                static_cast<long long>(found.st_size));
  state->fingerprint = name;
  return std::unique_ptr<OnlineRetail>(new OnlineRetail(std::move(state)));
}

Result<std::optional<RetailEvent>> OnlineRetail::next() {
  std::vector<Line> lines;
  if (state_->ahead) lines.push_back(std::move(*std::exchange(state_->ahead, std::nullopt)));
  while (auto line = state_->line()) {
    if (!lines.empty() && (line->invoice != lines[0].invoice || line->time_ms != lines[0].time_ms)) {
      state_->ahead = std::move(line);
      break;
    }
    lines.push_back(std::move(*line));
  }
  if (lines.empty()) return std::optional<RetailEvent>();
  RetailEvent event;
  event.first_row = lines.front().row;
  event.last_row = lines.back().row;
  event.time_ms = lines.front().time_ms;
  event.json = json_of(lines);
  return std::optional(std::move(event));
}

int64_t OnlineRetail::rejected() const {
  return state_->rejected;
}
double OnlineRetail::progress() const {
  return static_cast<double>(gzoffset(state_->file)) / state_->file_bytes;
}
const std::string& OnlineRetail::fingerprint() const {
  return state_->fingerprint;
}

}  // namespace tradewind::replay
