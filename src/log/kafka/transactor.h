#pragma once
// Transactor: a transactional id, and the transactions written under it, one at a time and each in one go.
//
// What fails on the way is given up and written again; where it is not known whether a commit went through,
// the session is thrown away, the id taken anew (which ends the old transaction, one way or the other) and
// the log read: that settles it. So it is where brokers gave the transaction up because this process was
// silent for too long: the id is taken anew, unless the claims say that another process has it.
//
// Behind every taking of an id, and where connections failed since the last commit, what an earlier
// transaction left open (see left_open.h) is closed before anything else is written: as it ended, as far as
// this process knows, else as given up. A session is thrown away, too, when it is not sound (see session.h).
// Threads: one at a time. Errors: fenced for good; unavailable: ask again, with the same Doubt.

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "log/kafka/catalog.h"
#include "log/kafka/claims.h"
#include "log/kafka/consumer.h"
#include "log/kafka/session.h"
#include "log/log.h"

namespace tradewind::log::kafka {

class Transactor {
 public:
  // Takes the id over: an earlier holder is fenced, and its open transaction ends. `append` writes the claim.
  static Result<std::unique_ptr<Transactor>> open(std::shared_ptr<Readers> readers,
                                                  std::shared_ptr<Claims> claims, Claims::Append append,
                                                  std::string id);

  // A commit of which nobody knows yet whether it went through.
  struct Doubt {
    Offsets first;
    Offsets last;  // records of it: all of them are there, or none ever was
  };
  struct Work {
    std::span<const Appending> parts;  // their bytes stay until commit() returns
    std::string group;
    Offsets consumed;
  };
  // The offset of the first record of each position. invalid: too_large() tells why, or a right is missing.
  Result<Offsets> commit(const Work& work, std::optional<Doubt>& doubt);
  // Records of the last commit's that are too large for their topics.
  const std::vector<Session::Refused>& too_large() const { return too_large_; }

  const std::optional<Error>& fenced() const { return fenced_; }

 private:
  Transactor(std::shared_ptr<Readers> readers, std::shared_ptr<Claims> claims, Claims::Append append,
             std::string id)
      : readers_(std::move(readers)),
        claims_(std::move(claims)),
        append_(std::move(append)),
        id_(std::move(id)) {}

  enum class Outcome { done, again, doubtful, failed };
  struct Attempt;

  Result<> take_id(int64_t until_ns);
  Result<> take_anew(int64_t until_ns);
  Result<Offsets> committed(const Work& work, std::optional<Doubt>& doubt);
  std::set<Position> platform_positions() const;
  Result<> close_left_open(const std::set<Position>& that_matter, int64_t until_ns);
  Result<> close(const Offsets& open, bool committed, int64_t until_ns);
  Result<> note_topics(const Work& work);
  void note_done(const Offsets& last);
  Result<> presume(const Doubt& doubt, int64_t until_ns);
  Result<> settle(std::optional<Doubt>& doubt, std::optional<Offsets>& first, int64_t until_ns);
  Result<bool> there(const Position& position, Offset offset, int64_t until_ns);
  Outcome attempt(const Work& work, Attempt& attempt);
  Error error(int code, const std::string& doing) const;
  Offsets moved(const Work& work);
  void mirror(const Work& work);
  Outcome give_up(int code, const std::string& doing, Attempt& attempt);
  int64_t now_ns() const { return readers_->options().clock->monotonic_ns(); }
  int64_t patience_ends_ns() const { return now_ns() + readers_->options().patience.count() * 1'000'000; }

  const std::shared_ptr<Readers> readers_;
  const std::shared_ptr<Claims> claims_;
  const Claims::Append append_;
  const std::string id_;
  Offset claim_ = 0;
  std::unique_ptr<Session> session_;  // null: the id must be taken anew
  std::map<std::string, Offsets> mirrored_;
  std::set<std::string> topics_;  // noted as written under the id
  Offsets done_;                  // the last record committed at each position
  int64_t breaks_seen_ = -1;      // the session's, when what lay open was last looked for; -1: never
  std::set<Position> unsure_;     // where it is not known whether something lies open
  int64_t looked_ns_ = 0;
  std::vector<Session::Refused> too_large_;
  std::optional<Error> fenced_;
};

}  // namespace tradewind::log::kafka
