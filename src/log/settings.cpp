#include "base/options.h"
#include "log/open.h"

namespace tradewind::log {

void EmbeddedOptions::fields(Options& options) {
  options.text("log.path", directory, "The folder where everything lies; --data gives it too.");
  options.choice(
      "log.durability", durability, {{"fsync", Durability::fsync}, {"os", Durability::os}},
      "fsync: acknowledged means on the disk. os: handed to the operating system, which survives the "
      "end of the process but not of the machine.");
  options.duration("log.group_wait", group_wait, {Duration(0), Duration(1'000)},
                   "How long a sync waits for more to gather behind it.");
  options.bytes("log.first_segment_bytes", first_segment_bytes, {int64_t{1} << 20, int64_t{1} << 30},
                "The size of a new journal's first segment; each one doubles.");
  options.bytes("log.most_segment_bytes", most_segment_bytes, {int64_t{1} << 20, int64_t{1} << 30},
                "Segments do not grow beyond this.");
}

}  // namespace tradewind::log
