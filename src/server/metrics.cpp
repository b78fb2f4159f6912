// The platform's figures as Prometheus reads them.
#include "server/server.h"

namespace tradewind::server {
namespace {

class Page {
 public:
  void metric(const char* name, const char* type, const char* help) {
    text_ += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
    name_ = name;
  }
  void value(double value, const std::string& labels = "") {
    char number[64];
    std::snprintf(number, sizeof number, "%.15g", value);
    text_ += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + number + "\n";
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace

net::Response Server::metrics() const {
  Page page;
  const log::LogFigures log = parts_.log.figures();
  page.metric("tw_log_records_total", "counter", "Records appended since the start.");
  page.value(static_cast<double>(log.records));
  page.metric("tw_log_payload_bytes_total", "counter", "Bytes of batches appended.");
  page.value(static_cast<double>(log.payload_bytes));
  page.metric("tw_log_written_bytes_total", "counter", "Bytes the journal wrote to the disk.");
  page.value(static_cast<double>(log.bytes_written));
  page.metric("tw_log_syncs_total", "counter", "Times the journal was synced.");
  page.value(static_cast<double>(log.syncs));
  page.metric("tw_log_sync_seconds_total", "counter", "Time spent syncing.");
  page.value(static_cast<double>(log.sync_ns) / 1e9);
  page.metric("tw_log_segments", "gauge", "Segments of the journal.");
  page.value(static_cast<double>(log.segments));
  page.metric("tw_log_durability_fsync", "gauge",
              "1: acknowledged means on the disk; 0: handed to the operating system.");
  page.value(log.durability == log::Durability::fsync ? 1 : 0);

  const stream::RuntimeFigures runtime = parts_.engine.figures();
  page.metric("tw_stream_rows_total", "counter", "Records read by workers.");
  page.value(static_cast<double>(runtime.rows));
  page.metric("tw_stream_commits_total", "counter", "Commits of workers.");
  page.value(static_cast<double>(runtime.commits));
  page.metric("tw_stream_commit_seconds_total", "counter", "Time spent in commits.");
  page.value(static_cast<double>(runtime.commit_ns) / 1e9);
  page.metric("tw_stream_bad_records_total", "counter",
              "Records that could not be read; they are in tw.processing_log.");
  page.value(static_cast<double>(runtime.bad_records));
  page.metric("tw_stream_state_bytes", "gauge", "Memory of all tables.");
  page.value(static_cast<double>(runtime.state_bytes));
  page.metric("tw_stream_restore_seconds", "gauge", "How long restoring took at the start.");
  page.value(runtime.restore_seconds);

  const auto queries = parts_.engine.status();
  const auto each = [&](const char* name, const char* type, const char* help, auto value) {
    page.metric(name, type, help);
    for (const stream::QueryStatus& query : queries) page.value(value(query), "query=\"" + query.name + "\"");
  };
  each("tw_query_running", "gauge", "1 while the query runs, 0 after an error.",
       [](const auto& q) { return q.running ? 1.0 : 0.0; });
  each("tw_query_rows_in_total", "counter", "Rows read.",
       [](const auto& q) { return static_cast<double>(q.rows_in); });
  each("tw_query_rows_out_total", "counter", "Records written.",
       [](const auto& q) { return static_cast<double>(q.rows_out); });
  each("tw_query_late_rows_total", "counter", "Rows after their window's grace; kept in tw.<query>.late.",
       [](const auto& q) { return static_cast<double>(q.late_rows); });
  each("tw_query_bad_rows_total", "counter", "Rows with an error in an expression.",
       [](const auto& q) { return static_cast<double>(q.bad_rows); });
  each("tw_query_lag_records", "gauge", "Records not read yet.",
       [](const auto& q) { return static_cast<double>(q.lag); });
  each("tw_query_state_bytes", "gauge", "Memory of the table.",
       [](const auto& q) { return static_cast<double>(q.state_bytes); });

  page.metric("tw_ingest_events_total", "counter", "Events over HTTP.");
  page.value(static_cast<double>(accepted_events_), "outcome=\"accepted\"");
  page.value(static_cast<double>(rejected_events_), "outcome=\"rejected\"");
  net::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = page.text();
  return response;
}

}  // namespace tradewind::server
