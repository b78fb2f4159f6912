#pragma once
// TestRun: the statements of one test, carried out, and its records, pushed through their queries: in
// memory, one after another, with a clock that stands still.
//
// As in ksqlDB's tool every query gets, in the order of the statements, the records of its topics one at a
// time, and what it makes of each is kept; a topic without records of its own is fed by what the queries
// before wrote. Topics have one partition. Threads: one.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "log/log.h"
#include "runner/topic_codec.h"
#include "schema/local_registry.h"

namespace tradewind::runner {

class TestRun {
 public:
  static Result<std::unique_ptr<TestRun>> start();

  Result<std::vector<sql::Statement>> parse(const std::string& statements) const;
  // An error is the engine's refusal.
  Result<> execute(const sql::Statement& statement);
  // Pushes the records, and those of INSERT VALUES before them, through all queries. Once.
  // invalid: a record that is no record of its topic. Anything else: a query that stopped, and why.
  Result<> play(const std::vector<TestRecord>& inputs);

  // What lies in a topic at last: what was given, then what was written.
  Result<std::vector<TestRecord>> records(const std::string& topic);
  // The same as bytes.
  std::vector<TopicRecord> written_to(const std::string& topic) const;
  // Whoever reads or writes the topic first; null: nobody does.
  const sql::Source* source_of(const std::string& topic) const;
  engine::Engine& engine() { return *engine_; }
  schema::Registry& registry() { return *registry_; }

 private:
  TestRun();
  std::string running_name(const std::string& name) const;
  Result<> make_topic(const sql::CreateSource& statement);
  Result<> keep_inserted(const std::string& target);
  void know_sources();
  void know_queries();
  Result<TopicCodec*> codec_of(const std::string& topic);
  Result<> play_query(const stream::Topology& topology);

  ManualClock clock_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<schema::LocalRegistry> registry_;
  std::unique_ptr<engine::Engine> engine_;
  engine::Session session_;
  std::map<std::string, sql::Source> sources_;  // by topic
  std::map<std::string, TopicCodec> codecs_;    // by topic
  std::vector<std::string> queries_;            // in the order in which they came
  std::map<std::string, int64_t> inserted_;     // records of INSERT VALUES taken so far, by topic
  std::vector<std::pair<std::string, TopicRecord>> inputs_;
  std::map<std::string, std::vector<TopicRecord>> given_;    // of them, by topic
  std::map<std::string, std::vector<TopicRecord>> written_;  // by topic
};

}  // namespace tradewind::runner
