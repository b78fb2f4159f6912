#pragma once
// ShippedQuery: a file of a folder of queries, which the build puts into the program.

#include <map>
#include <span>
#include <string>

namespace tradewind::cli::shipped {

struct ShippedQuery {
  const char* name;  // null: the end
  const char* text;
};

inline std::map<std::string, std::string> files(std::span<const ShippedQuery> queries) {
  std::map<std::string, std::string> files;
  for (const auto& [name, text] : queries) {
    if (name != nullptr) files[name] = text;
  }
  return files;
}

}  // namespace tradewind::cli::shipped
