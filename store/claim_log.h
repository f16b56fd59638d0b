// Where idempotency keys are claimed that several nodes share (docs/cluster.md). A store without one knows its own: that is one
// machine, and nothing here runs. With one, a message that has a key claims it first, is stored behind that, and says what became
// of it.
#pragma once

#include "core/completion.h"
#include "store/records.h"

#include <array>
#include <optional>

namespace postern::store {

struct SharedClaim {
  AccountId account;
  IdempotencyClaim claim;
  MessageId message;
};

struct ClaimOutcome {
  enum class Kind {
    Free,   // claimed for the message; of find(): nobody has it
    Taken,  // `first` has it, and is stored
    Busy,   // a message that has it is just being stored, or a node that does not answer may have stored it
    Alone,  // nobody could be asked: the node goes by what it knows itself
  };
  Kind kind = Kind::Alone;
  IdempotencyRecord first = {};
};

// Any thread. Completions come on a thread of the log's own, with success; `outcome` lives until then.
class ClaimLog {
 public:
  virtual ~ClaimLog() = default;
  // Waits a second for a message that is just being stored, and no longer.
  virtual void claim(const SharedClaim& wanted, ClaimOutcome& outcome, Completion done) = 0;
  // Whose a key is; claims nothing.
  virtual void find(const AccountId& account, const std::array<std::uint8_t, 32>& key_digest, ClaimOutcome& outcome,
                    Completion done) = 0;
  // Behind each claim that was answered Free or Alone, once: the message is stored here, or will not be.
  virtual void settle(const SharedClaim& claimed, bool is_stored) = 0;
};

}  // namespace postern::store
