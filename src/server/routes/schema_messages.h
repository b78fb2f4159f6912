#pragma once
// What the registry's REST reads from requests and writes in answers.
//
// Pure functions. Errors carry Confluent's numbers (schema/refusal.h).

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "net/http_message.h"
#include "schema/draft.h"

namespace tradewind::server {

// Gives the body of an answer.
using SchemaHandler = std::function<Result<std::string>(const net::Request&)>;

// What `handler` makes of the request, in the type the client accepts (406, 415 otherwise).
net::Response schema_answer(const net::Request& request, const SchemaHandler& handler);

bool flag(const net::Request& request, const std::string& name);
schema::Deleted deleted_of(const net::Request& request);
std::string prefix_of(const net::Request& request);
// The subject in the path; "" where the route has none.
std::string subject_in(const net::Request& request);
// "latest" and "-1" are nothing; 42202 for what is no version.
Result<std::optional<int32_t>> version_in(const net::Request& request);
Result<schema::SchemaId> id_in(const net::Request& request);
Result<Json> body_of(const net::Request& request);
Result<schema::Draft> draft_of(const net::Request& request);

// With `id`, `subject` and `version`, or only what the schema says.
Json named_schema(const schema::RegisteredSchema& schema);
Json bare_schema(const schema::RegisteredSchema& schema);
Json object_of(const std::string& name, const std::string& text);

struct Cut {
  size_t offset = 0;
  size_t limit = SIZE_MAX;
};
Cut cut_of(const net::Request& request);

// A list, cut to ?offset= and ?limit=.
template <typename Item, typename Make>
std::string list_of(const net::Request& request, const std::vector<Item>& items, const Make& make) {
  const Cut cut = cut_of(request);
  Json list = Json::array();
  for (size_t i = cut.offset; i < items.size() && list.elements().size() < cut.limit; ++i)
    list.push(make(items[i]));
  return list.dump();
}

}  // namespace tradewind::server
