// What came in and wants more than to be kept. What a route sends on goes to the forwarder; what came back is read and acted on:
// each recipient that a report names gets its event and its state, and is suppressed where the account's rules say so; a complaint
// likewise. One after the other, on an executor of its own: a mail that cannot be understood is kept and marked, and holds up
// nothing. What a crash interrupts is read again, and then changes nothing twice.
#pragma once

#include "net/awaitable.h"
#include "reception/context.h"
#include "reception/forwarder.h"
#include "reception/returned_mail.h"

#include <functional>
#include <vector>

namespace postern::reception {

// What a returned mail says of a message: of its own recipients only, by their addresses as the envelope has them; where there is
// one recipient, of that one, however the report calls it. A recipient that is already known to have bounced, or that was not
// delivered, is left as it is. Pure.
struct Consequences {
  store::Settlement settlement;
  std::vector<std::string> findings;  // for people, a sentence each
};
Consequences consequences_of(const ReturnedMail& mail, const store::StoredMessage& about, Instant now);

class ReturnReader {
 public:
  // `changed`: events were written. `context` outlives this.
  ReturnReader(net::Executor executor, const ReceptionContext& context, ForwarderParts forwarding, std::function<void()> changed)
      : executor_(executor), context_(context), forwarder_(std::move(forwarding)), changed_(std::move(changed)) {}

  // Something came, or may have before the start. Any thread; soon.
  void wake();

 private:
  void read_all();
  bool read(const store::InboundRecord& inbound);
  bool forward(store::InboundRecord inbound);
  Result<std::string> load(const MessageId& id, std::uint32_t chunks) const;

  net::Executor executor_;
  const ReceptionContext& context_;
  Forwarder forwarder_;
  std::function<void()> changed_;
};

}  // namespace postern::reception
