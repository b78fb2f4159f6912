#pragma once
// The texts of schemas: as they are kept, and what makes two of them the same.
//
// Pure functions.

#include <string>

#include "base/result.h"
#include "schema/registry.h"

namespace tradewind::schema {

// As it is kept: Avro and JSON without spaces, anything else as it came. REQUIRES a text that was checked.
std::string kept_text(SchemaKind kind, const std::string& text);
// The same for every order of the attributes of objects; what a version is recognised by.
std::string ordered_text(SchemaKind kind, const std::string& text);
// Confluent's `normalize`: attributes in alphabetical order; in Avro also names in full and no wrapping that
// says nothing.
std::string normal_text(SchemaKind kind, const std::string& text);

}  // namespace tradewind::schema
