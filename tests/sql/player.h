#pragma once
// Player: plays a script against an engine, in one of four modes. The outcome must be the same in each.
//
// Threads: one. The same seed gives the same play.

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "engine/driver.h"
#include "log/faulty_disk.h"
#include "script.h"

namespace tradewind::sqltest {

// straight: each feed at once. by_row: every row is its own commit. killed: the power goes at some write
// while a feed is worked off, again and again. spread: four partitions, two workers.
enum class Mode { straight, by_row, killed, spread };
const char* name_of(Mode mode);

class Player {
 public:
  Player(const Script& script, Mode mode, uint64_t seed);
  ~Player();

  // What did not go as the script says: "file:line (mode, seed n): ...", or nothing.
  std::string play();
  // How often the power went before a feed was worked off.
  int power_cuts() const { return power_cuts_; }

 private:
  Result<> open();
  void close();
  Result<> settle();
  Result<> settle_among_power_cuts();
  std::string step(const Step& step);
  std::string run(const Step& step);
  std::string fail(const Step& step);
  std::string feed(const Step& step);
  std::string expect_rows(const Step& step);
  std::string expect_raw(const Step& step);
  std::string expect_answer(const Step& step);
  // The statements, with what the mode asks of them.
  std::string statements_of(const Step& step) const;

  const Script& script_;
  const Mode mode_;
  const uint64_t seed_;
  Random random_;
  log::FaultyDisk disk_;
  engine::Session session_;
  ManualClock clock_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<engine::Driver> driver_;
  int power_cuts_ = 0;
};

}  // namespace tradewind::sqltest
