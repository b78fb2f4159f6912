#include "log/kafka/sasl.h"

#include <gtest/gtest.h>

namespace tradewind::log::kafka {
namespace {

// The exchange that RFC 7677 shows.
TEST(Scram, AnswersAsTheStandardShows) {
  Scram scram(KafkaMechanism::scram_sha_256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const std::string server =
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
  const auto last = scram.last(server);
  ASSERT_TRUE(last.ok()) << last.error().message;
  EXPECT_EQ(*last,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
            "Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(scram.proves("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
  EXPECT_FALSE(scram.proves("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="));
  EXPECT_FALSE(scram.proves("e=invalid-proof"));
}

TEST(Scram, NamesMayHoldWhatPartsAreMadeOf) {
  const Scram scram(KafkaMechanism::scram_sha_512, "a=b,c", "x", "n");
  EXPECT_EQ(scram.first(), "n,,n=a=3Db=2Cc,r=n");
}

TEST(Scram, RefusesWhatIsNotForIt) {
  Scram scram(KafkaMechanism::scram_sha_512, "user", "pencil", "abc");
  for (const char* wrong : {"", "r=abc,s=W22Z,i=4096", "r=abd1,s=W22Z,i=4096", "r=abc1,s=*,i=4096",
                            "r=abc1,s=W22Z,i=1", "r=abc1,s=W22Z,i=x", "r=abc1,s=W22Z,i=2000000000"}) {
    EXPECT_FALSE(scram.last(wrong).ok()) << wrong;
  }
}

}  // namespace
}  // namespace tradewind::log::kafka
