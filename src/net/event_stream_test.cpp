#include "net/event_stream.h"

namespace tradewind::net {
namespace {

TEST(EventStream, KeepsTheLinesOfItsData) {
  EXPECT_EQ(event_text("", "{}"), "data: {}\n\n");
  EXPECT_EQ(event_text("row", "a\nb\r\nc\r"), "event: row\ndata: a\ndata: b\ndata: c\ndata: \n\n");
  EXPECT_EQ(event_comment("still here"), ": still here\n\n");
}

}  // namespace
}  // namespace tradewind::net
