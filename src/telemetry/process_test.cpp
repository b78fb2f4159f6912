#include "telemetry/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <vector>

#include "base/time.h"
#include "telemetry/exposition.h"

namespace tradewind::telemetry {
namespace {

TEST(ProcessFigures, CountWhatIsOpen) {
  const int64_t before = process_figures().open_files;
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  EXPECT_EQ(process_figures().open_files, before + 2);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
  EXPECT_EQ(process_figures().open_files, before);
  EXPECT_GT(process_figures().most_files, before);
}

TEST(ProcessFigures, GrowWithMemoryThatIsTouched) {
  const int64_t before = process_figures().resident_bytes;
  constexpr size_t kBytes = size_t{64} << 20;
  std::vector<char> touched(kBytes, 'x');
  EXPECT_GT(process_figures().resident_bytes, before + static_cast<int64_t>(kBytes) / 2);
  EXPECT_EQ(touched.back(), 'x');
}

TEST(ProcessFigures, CountProcessorTimeAsTheClockOfTheProcessDoes) {
  volatile uint64_t work = 0;
  while (std::clock() < CLOCKS_PER_SEC / 5) work = work + 1;
  const double by_clock = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  EXPECT_NEAR(process_figures().cpu_seconds, by_clock, 0.05);
}

TEST(ProcessFigures, KnowWhenTheProcessBegan) {
  const double now = static_cast<double>(SystemClock().now().ms) / 1000;
  const double started = process_figures().started;
  EXPECT_LT(started, now + 1);
  EXPECT_GT(started, now - 3600);
}

TEST(ProcessFigures, StandInTheScrapeUnderPrometheusNames) {
  Scrape scrape;
  add_process(scrape);
  const std::string text = scrape.text();
  EXPECT_THAT(text, testing::HasSubstr(
                        "\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes "));
  EXPECT_THAT(text, testing::HasSubstr("# TYPE process_cpu_seconds_total counter\n"));
}

TEST(Process, KnowsHowMuchMemoryThereIs) {
  EXPECT_GT(memory_there_is(), process_figures().resident_bytes);
}

}  // namespace
}  // namespace tradewind::telemetry
