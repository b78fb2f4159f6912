// The worked example of docs/formats/avro.md is what the code reads and writes.

#include <fstream>
#include <sstream>

#include "data/value.h"
#include "schema/fake_registry.h"
#include "schema/serde.h"

namespace tradewind::schema {
namespace {

class AvroFormatPage : public testing::Test {
 protected:
  AvroFormatPage() {
    const std::ifstream file("docs/formats/avro.md");  // tests run in the project's folder
    std::stringstream text;
    text << file.rdbuf();
    page_ = text.str();
  }
  // What stands between the fences of this language.
  std::string block(const std::string& language) const {
    const size_t from = page_.find("```" + language + "\n");
    if (from == std::string::npos) return "";
    const size_t begin = from + language.size() + 4;
    return page_.substr(begin, page_.find("\n```", begin) - begin);
  }
  std::string page_;
};

TEST_F(AvroFormatPage, ShowsTheBytesOfItsRow) {
  FakeRegistry registry;
  registry.next_id(41);
  const auto registered = registry.register_schema("sales-value", SchemaKind::avro, block("json"));
  const SerdeSpec spec{.columns = columns_of(*registered).value(), .topic = "sales"};
  const std::vector<Value> row = {std::string("p-1"), Int128{125'000}, int64_t{2}, Value()};
  std::vector<ColumnPtr> columns;
  for (size_t i = 0; i < row.size(); ++i) columns.push_back(constant_column(spec.columns[i].type, row[i], 1));
  Encoded encoded;
  ASSERT_TRUE(make_encoder(spec, &registry).value()->encode(columns, 1, encoded).ok());
  EXPECT_EQ(to_hex(encoded[0]), block("hex"));
  const std::vector<std::optional<BytesView>> payloads = {encoded[0]};
  const auto decoded = make_decoder(spec, &registry).value()->decode(payloads, nullptr);
  for (size_t i = 0; i < row.size(); ++i) EXPECT_EQ(value_at(*decoded->columns[i], 0), row[i]);
}

}  // namespace
}  // namespace tradewind::schema
