#include "engine/driver.h"

#include <cctype>

#include "data/cell_text.h"

namespace tradewind::engine {
namespace {

constexpr int kQuietSteps = 3;
constexpr int kQuietPolls = 20;  // of a push query: batches may hold only rows that are taken back

stream::RuntimeOptions without_threads(stream::RuntimeOptions options) {
  options.own_threads = false;
  options.idle_commit = Duration(0);
  return options;
}

}  // namespace

Driver::Driver(log::Log& log, std::unique_ptr<schema::LocalRegistry> registry, stream::RuntimeOptions options)
    : log_(log),
      registry_(std::move(registry)),
      engine_(std::make_unique<Engine>(log, *registry_, clock_, std::move(options))) {}

Result<std::unique_ptr<Driver>> Driver::start(log::Log& log, stream::RuntimeOptions options) {
  auto registry = TRY(schema::LocalRegistry::open(log));
  std::unique_ptr<Driver> driver(new Driver(log, std::move(registry), without_threads(std::move(options))));
  TRY(driver->engine_->start());
  return driver;
}

Result<Json> Driver::run(const std::string& text, Session& session) {
  Json answer;
  for (const sql::Statement& statement : TRY(engine_->parse(text, {}))) {
    answer = TRY(engine_->execute(statement, session));
  }
  return answer;
}

Result<const sql::Source*> Driver::find(const std::string& source) {
  catalog_ = engine_->catalog();
  std::string upper = source;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const sql::Source* found = catalog_.find(source);
  if (found == nullptr) found = catalog_.find(upper);
  if (found == nullptr) return Error{Code::not_found, "no stream or table is called " + source};
  return found;
}

Result<std::vector<stream::TextRecord>> Driver::records_for(const std::string& source,
                                                            const std::vector<std::string>& lines) {
  const sql::Source* target = TRY(find(source));
  return stream::records_of(lines, sql::source_spec(*target), target->partitions, *registry_);
}

Result<std::string> Driver::topic_of(const std::string& source) {
  return TRY(find(source))->topic;
}

// What one query writes the next one reads, and a commit may come a step after its last row: hence several
// quiet rounds.
Result<> Driver::settle() {
  for (int quiet = 0; quiet < kQuietSteps;) {
    clock_.advance(Duration(1));
    quiet = TRY(engine_->step()) ? 0 : quiet + 1;
  }
  return log_.wait_durable(log_.written());
}

Result<Driver::Answer> Driver::select(const std::string& text, const Session& session) {
  const auto statements = TRY(engine_->parse(text, {}));
  const auto* select = statements.size() == 1 ? std::get_if<sql::Select>(&statements[0].is) : nullptr;
  if (select == nullptr) return Error{Code::invalid, "this is not one SELECT: " + text};
  const auto rows = TRY(engine_->select(select->query, session));
  Answer answer{.columns = rows->columns()};
  const bool ends = select->query.emit == sql::Query::Emit::none;
  for (int quiet = 0; ends || quiet < kQuietPolls; ++quiet) {
    const auto batch = TRY(rows->next(Duration(0)));
    if (!batch) break;
    if (batch->rows() > 0) quiet = 0;
    for (size_t row = 0; row < batch->rows(); ++row) {
      std::vector<std::string>& cells = answer.rows.emplace_back();
      for (size_t i = 0; i < answer.columns.size(); ++i) {
        cells.push_back(cell_text(answer.columns[i].type, value_at(*batch->column(i), row)));
      }
    }
  }
  return answer;
}

Result<Driver::Answer> Driver::rows_of(const std::string& source) {
  const sql::Source* found = TRY(find(source));
  const stream::SourceSpec spec = sql::source_spec(*found);
  Answer answer;
  answer.columns.push_back({"ROWTIME", Kind::bigint});
  answer.columns.insert(answer.columns.end(), spec.key_columns.begin(), spec.key_columns.end());
  if (spec.windowed()) answer.columns.push_back({"WINDOWSTART", Kind::bigint});
  if (spec.sessions) answer.columns.push_back({"WINDOWEND", Kind::bigint});
  answer.columns.insert(answer.columns.end(), spec.value_columns.begin(), spec.value_columns.end());
  answer.rows = TRY(stream::rows_in(log_, *registry_, spec));
  return answer;
}

}  // namespace tradewind::engine
