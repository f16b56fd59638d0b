// Return paths of our own: "b+<message>.<mac>@<domain>" names the message that whatever comes to it is about, and proves that it
// left here. Only that binds a bounce to its message; nothing that a bounce says does. Pure; any thread.
#pragma once

#include "core/clock.h"
#include "core/mailbox.h"
#include "core/message_id.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace postern::domains {

class ReturnPaths {
 public:
  // `domain`: normalised; empty: there are none, and mail leaves under its sender's own. `lifetime`: after the message was taken
  // in.
  ReturnPaths(const std::array<std::uint8_t, 16>& secret, std::string domain, Duration lifetime);

  bool is_used() const { return !domain_.empty(); }
  const std::string& domain() const { return domain_; }
  Mailbox path_of(const MessageId& message) const;

  enum class Refusal { Elsewhere, Forged, Expired };  // Elsewhere: another domain
  // Without regard to letter case: what is in the way may change it.
  std::variant<MessageId, Refusal> read(const Mailbox& recipient, Instant now) const;

 private:
  std::string mac_of(std::string_view message) const;

  std::array<std::uint8_t, 16> secret_;
  std::string domain_;
  Duration lifetime_;
};

}  // namespace postern::domains
