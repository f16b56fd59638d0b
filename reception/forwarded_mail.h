// What a route sends on: the message as it came, under fields that say so; its author rewritten where nothing would prove him any
// more at the next hop. Pure.
#pragma once

#include "core/mailbox.h"
#include "mime/header_scan.h"
#include "store/records.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::reception {

inline constexpr std::size_t kMaxForwards = 5;  // of one message, by routes here, one behind the other

struct ForwardFacts {
  std::string_view route;            // its id
  Mailbox recipient;                 // the address that it came to
  store::InboundVerdicts verdicts;   // of the door
};

// Why it must not be sent on, for people: it was here before, or its author is not who it says; nullopt: it may.
std::optional<std::string> find_forward_fault(const mime::HeaderScan& header, const ForwardFacts& facts);

// DMARC passed for the address that it came from alone, which will be another one.
bool needs_new_author(const store::InboundVerdicts& verdicts);

// The header section that goes out, `header` being that of the stored content.
std::string forwarded_header(const mime::HeaderScan& header, const ForwardFacts& facts);

}  // namespace postern::reception
