#include "base/turns.h"

#include <future>
#include <thread>

namespace tradewind {
namespace {

using namespace std::chrono_literals;

// Another thread that stands in line for its turn.
class Waiting {
 public:
  explicit Waiting(Turns& turns)
      : found_(std::async(std::launch::async, [&turns, this]() -> Result<> {
          ready_.set_value();
          TRY(turns.take());
          return {};
        })) {
    ready_.get_future().wait();
    // Until it has begun to wait, or its place in line were behind what is told.
    EXPECT_EQ(found_.wait_for(50ms), std::future_status::timeout);
  }
  Result<> found() { return found_.get(); }

 private:
  std::promise<void> ready_;
  std::future<Result<>> found_;
};

TEST(Turns, AreTakenOneAfterTheOther) {
  Turns turns;
  auto first = turns.take();
  ASSERT_TRUE(first.ok());
  Waiting second(turns);
  first->unlock();
  EXPECT_TRUE(second.found().ok());
}

TEST(Turns, WhoStandsInLineIsToldAndWhoComesLaterTriesAnew) {
  Turns turns;
  auto first = turns.take();
  ASSERT_TRUE(first.ok());
  Waiting second(turns);
  Waiting third(turns);
  turns.tell({Code::unavailable, "away"});
  first->unlock();
  EXPECT_EQ(second.found().error().message, "away");
  EXPECT_EQ(third.found().error().message, "away");
  EXPECT_TRUE(turns.take().ok());
}

}  // namespace
}  // namespace tradewind
