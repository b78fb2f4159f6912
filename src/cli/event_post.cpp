#include "cli/event_post.h"

#include "base/json.h"

namespace tradewind::cli {

Result<int64_t> EventPost::last_sequence(const std::string& producer) {
  const auto answer =
      TRY(patiently(clock_, [&] { return client_.get("/v1/producers/" + producer, Duration(10'000)); }));
  if (answer.status != 200) return Error{Code::io, "the server answered " + std::to_string(answer.status)};
  const auto document = TRY(parse_json(answer.body));
  const Json* sequence = document.find("sequence");
  return sequence == nullptr ? int64_t{-1} : sequence->integer().value_or(-1);
}

Result<ingest::Taken> EventPost::post(const std::string& topic, const std::string& body,
                                      const ingest::Numbered& numbered) {
  const std::map<std::string, std::string> headers = {{"Content-Type", "application/json"},
                                                      {"Tw-Producer", numbered.producer},
                                                      {"Tw-Sequence", std::to_string(numbered.sequence)}};
  const auto answer = TRY(patiently(
      clock_, [&] { return client_.post("/v1/events/" + topic, body, headers, Duration(60'000)); }));
  const auto document = parse_json(answer.body);
  if ((answer.status != 202 && answer.status != 400) || !document.ok())
    return Error{Code::io, "the server answered " + std::to_string(answer.status) + ": " + answer.body};
  ingest::Taken taken;
  const Json* accepted = document->find("accepted");
  const Json* rejected = document->find("rejected");
  if (accepted == nullptr || rejected == nullptr)
    return Error{Code::invalid, document->string_at("message").value_or(answer.body)};
  taken.accepted = static_cast<size_t>(accepted->integer().value_or(0));
  for (const Json& event : rejected->elements()) {
    const Json* index = event.find("index");
    taken.rejected.push_back({static_cast<size_t>(index == nullptr ? 0 : index->integer().value_or(0)),
                              event.string_at("error").value_or("")});
  }
  return taken;
}

Result<net::Answer> EventPost::ask(const std::string& target, const std::string& body) {
  return patiently(clock_, [&] {
    return client_.post(target, body, {{"Content-Type", "application/json"}}, Duration(30'000));
  });
}

}  // namespace tradewind::cli
