// Whose an address is that a stranger sends to: an account's own, by a verified domain and its routes, or the return path of one of
// its messages. Reads the store; any thread.
#pragma once

#include "core/decision.h"
#include "reception/context.h"

#include <optional>
#include <variant>
#include <vector>

namespace postern::reception {

struct Addressee {
  AccountId account;
  std::optional<MessageId> about = {};  // it is the return path of that message
  bool is_kept = true;                  // false: every route drops it
  std::string told_by = {};             // routes that have an event say that it came, by their ids, a blank between two
  store::InboundPolicy policy = store::InboundPolicy::Observe;
  std::vector<store::InboundForward> forwards = {};  // waiting, without a message

  // What one message may go to: recipients who have nothing to do with each other get one each.
  bool goes_with(const Addressee& other) const {
    return account == other.account && about == other.about && policy == other.policy;
  }
};

std::variant<Addressee, Refused> find_addressee(const ReceptionContext& context, const Mailbox& recipient);

}  // namespace postern::reception
