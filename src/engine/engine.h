#pragma once
// Engine: the set of things running: statements in, answers out. What a statement changes is recorded in the
// topic tw.commands before it is done, and replayed at a start.
//
// Threads: all methods may be called from any thread; statements that change something run one after another.

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "data/batch.h"
#include "log/log.h"
#include "schema/registry.h"
#include "sql/catalog.h"
#include "sql/plan.h"
#include "sql/statement.h"
#include "stream/runtime.h"
#include "stream/subscription.h"

namespace tradewind::engine {

// Settings of a request or a session: "auto.offset.reset" = earliest | latest, and what SET gave.
// A variable of DEFINE lies here under "${NAME}".
using Session = std::map<std::string, std::string>;

// The rows of a SELECT as they come.
class RowStream {
 public:
  virtual ~RowStream() = default;
  virtual const std::vector<Field>& columns() const = 0;
  virtual const std::vector<bool>& keys()
      const = 0;  // which columns are keys; empty: not known (push queries)
  // More rows, waiting up to `wait` for them; nothing when there will be no more.
  virtual Result<std::optional<Batch>> next(Duration wait) = 0;
  // From now on rows of a table that are gone come too, as Change::retract. Answers which columns tell such
  // a row apart; none: there will be no such rows.
  virtual std::vector<bool> show_deletions() { return {}; }
};

// Lines as they come: what PRINT shows.
class LineStream {
 public:
  virtual ~LineStream() = default;
  // More lines, each with its end; nothing when there will be no more.
  virtual Result<std::optional<std::string>> next(Duration wait) = 0;
};

// Rows given one by one as JSON objects, for one source.
class Inserter {
 public:
  virtual ~Inserter() = default;
  // One answer per row; the good ones are durable.
  virtual std::vector<Result<>> insert(const std::vector<Json>& rows) = 0;
};

// What became of a statement that changed something.
struct Outcome {
  std::string message;
  std::string query_id;
};

class PushQueries;

struct QueryRow {
  std::string id;
  std::string statement;
  std::string sink;
  std::string sink_topic;
  std::vector<std::string> reads;  // names of sources
  bool inserts = false;            // INSERT INTO ... SELECT: its sink is not its own
};

class Engine final : private sql::SchemaLookup {
 public:
  Engine(log::Log& log, schema::Registry& registry, Clock& clock, stream::RuntimeOptions options);
  ~Engine() override;

  // Replays the recorded statements, restores what they run, and runs it.
  Result<> start();
  void stop();
  // One round of every worker: true when anything was read or committed. REQUIRES !options.own_threads.
  Result<bool> step() { return runtime_->step(); }

  // One statement that is no SELECT and no PRINT; the answer as an entity of ksqlDB's /ksql. Null for those
  // that have none there: INSERT VALUES, SET and DEFINE.
  Result<Json> execute(const sql::Statement& statement, Session& session);
  // A SELECT. `unsupported` and `invalid` name line and column.
  Result<std::unique_ptr<RowStream>> select(const sql::Query& query, const Session& session);
  Result<std::unique_ptr<LineStream>> print(const sql::Print& statement);
  Result<std::unique_ptr<Inserter>> inserter(const std::string& target);
  // Tries the statements one after another without doing anything: the error of the first that would fail.
  // `failed` becomes its index.
  Result<> check(const std::vector<sql::Statement>& statements, size_t& failed);
  // Waits until the command of that number has been carried out; unavailable: not in time.
  Result<> wait_for_command(int64_t sequence, Duration wait);
  // By command id: "stream/`ORDERS`/create".
  std::map<std::string, Outcome> outcomes() const;
  // The statements of a text, with the engine's types and the variables given.
  Result<std::vector<sql::Statement>> parse(const std::string& text,
                                            const std::map<std::string, std::string>& variables) const;
  // Runs the statements of some files once: what runs already stays, a changed text under an old name is told
  // in `notes`. Files may build on each other in any order.
  Result<> run_files(const std::map<std::string, std::string>& files, std::vector<std::string>& notes);

  std::vector<stream::QueryStatus> status() const { return runtime_->status(); }
  // What the persistent queries compute, by name.
  std::vector<std::shared_ptr<const stream::Topology>> topologies() const { return runtime_->topologies(); }
  stream::RuntimeFigures figures() const { return runtime_->figures(); }
  std::optional<Error> failure() const { return runtime_->failure(); }
  sql::Catalog catalog() const;

  // Who has to do with a topic.
  struct TopicUse {
    std::vector<std::string> sources;  // streams and tables declared on it
    std::vector<std::string> readers;  // queries
    std::vector<std::string> writers;
  };
  TopicUse use_of(const std::string& topic) const;
  // Deletes it unless a query reads or writes it (conflict, with the remedy); one on which a stream or table
  // is declared only with `declared_too`. not_found; invalid: it is the platform's own.
  Result<> delete_topic(const std::string& topic, bool declared_too);

  // Queries that are created while one of these lives wait for its end; see Runtime::gather().
  class Together {
   public:
    explicit Together(Engine& engine) : runtime_(*engine.runtime_) { runtime_.gather(); }
    ~Together() { runtime_.gathered(); }
    Together(const Together&) = delete;
    Together& operator=(const Together&) = delete;

   private:
    stream::Runtime& runtime_;
  };

 private:
  // sql::SchemaLookup
  Result<std::vector<Field>> columns(const std::string& topic, bool key, schema::SchemaId id) override;
  Result<int32_t> partitions(const std::string& topic) override;

  struct Query {
    stream::Topology topology;
    bool earliest = false;
    bool paused = false;
  };
  using Running = std::map<std::string, Query>;  // by id, while commands are replayed

  // commands.cpp: what changes something
  static Json creation(const sql::SourcePlan& plan, const std::string& text, bool earliest);
  static Json created(const sql::Source& source, const std::string& text, int64_t sequence);
  Result<Json> create(const sql::CreateSource& statement, const std::string& text, const Session& session);
  // changes.cpp: what changes something that is there
  Result<Json> replace(const sql::CreateSource& statement, const sql::Source& old, const std::string& text);
  Result<Json> alter(const sql::Alter& statement, const std::string& text);
  Result<Json> pause(const sql::Pause& statement, const std::string& text);
  // The query of that id, or all (""); not_found.
  Result<std::vector<std::string>> ids_of(const std::string& query) const;
  void replay_pause(const sql::Pause& pause, Running& running);
  Result<Json> drop(const sql::Drop& statement, const std::string& text);
  Result<Json> terminate(const sql::Terminate& statement, const std::string& text);
  Result<Json> create_type(const sql::CreateType& statement, const std::string& text);
  Result<Json> insert(const sql::InsertValues& statement);
  Result<Json> insert_query(const sql::InsertSelect& statement, const std::string& text,
                            const Session& session);
  Result<int64_t> record(const Json& command);
  Result<int64_t> record(const std::string& kind, const std::string& statement);
  bool runs(const sql::Statement& statement) const;
  Result<> check_unused(const std::string& name) const;
  Result<> replay();
  Result<> replay_insert(const Json& command, const sql::InsertSelect& statement, Running& running);
  Result<> replay_one(const Json& command, Running& running);

  // describe.cpp: what only looks
  Result<Json> show(const sql::Show& statement, const std::string& text, const Session& session) const;
  Json show_queries(const std::string& text, bool extended) const;
  Json show_variables(const std::string& text, const Session& session) const;
  Json show_sources(const sql::Show& statement, const std::string& text, const sql::Catalog& known) const;
  Result<Json> show_topics(const sql::Show& statement, const std::string& text) const;
  Json about_source(const sql::Source& source, bool extended) const;
  Result<Json> describe(const sql::Describe& statement, const std::string& text) const;
  Result<Json> explain(const sql::Explain& statement, const std::string& text);

  // assertion.cpp
  Result<Json> assertion(const sql::Assert& statement, const std::string& text);
  Result<> holds(const sql::Assert& statement);

  // Remembers what a statement did.
  Json done(Json status);

  // select.cpp
  void catch_up(const std::string& source, int64_t until_ns);
  log::Offsets ends_of(const std::string& query, const std::set<std::string>& topics, Duration wait) const;

  log::Log& log_;
  schema::Registry& registry_;
  Clock& clock_;
  std::unique_ptr<stream::Runtime> runtime_;
  std::unique_ptr<log::Producer> producer_;
  std::mutex commands_mutex_;  // one changing statement at a time
  mutable std::mutex mutex_;   // guards what follows
  sql::Catalog catalog_;
  std::map<std::string, QueryRow> queries_;
  int64_t next_command_ = 0;
  std::condition_variable applied_;  // next_command_ has grown
  std::map<std::string, Outcome> outcomes_;
  std::unique_ptr<PushQueries> pushes_;
};

inline constexpr const char* kCommandsTopic = "tw.commands";

// `{"@type": "currentStatus", ...}`
Json current_status(const std::string& text, const std::string& entity, const std::string& message,
                    const std::string& query_id, int64_t sequence);

// The properties that a request may set, with their defaults.
struct KnownProperty {
  const char* name;
  const char* value;
  bool editable;
};
const std::vector<KnownProperty>& known_properties();
bool is_property(const std::string& name);

// One value as it stands in answers: DECIMAL as a number with its scale, times as text, BYTES as base64.
void append_json(const Type& type, const Column& column, size_t row, std::string& out);

}  // namespace tradewind::engine
