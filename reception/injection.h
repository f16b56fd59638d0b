// Mail that an account brings to a route of its own over HTTP, as if it had come in: to try an application, or to hand it
// something. It meets no check of the door's, and is for that one route, whatever others match.
#pragma once

#include "core/mailbox.h"
#include "core/result.h"
#include "reception/context.h"
#include "store/records.h"

#include <optional>
#include <string>

namespace postern::reception {

struct Injection {
  const store::DomainRecord& domain;
  const store::InboundRoute& route;
  Mailbox recipient;
  std::optional<Mailbox> reverse_path;
  std::string content;  // without Date and Message-ID, which it gets; lines end with CR LF
};

// Blocks until synced. StorageFull and the store's. What the route drops is not kept, and has an id all the same.
Result<MessageId> inject(const ReceptionContext& context, const Injection& injection);

}  // namespace postern::reception
