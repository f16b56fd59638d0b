// What is stored of a message that was taken in beside its content, from what is known at its end. Pure but for ids that it makes.
#pragma once

#include "mime/header_scan.h"
#include "reception/addresses.h"
#include "reception/context.h"
#include "reception/door_checks.h"
#include "store/spool.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postern::reception {

// All that is referred to must outlive the call.
struct ReceivedFacts {
  MessageId id;
  Instant at;
  const Addressee& addressee;
  const Envelope& envelope;
  const mime::HeaderScan& header;
  const std::vector<std::string>& told_by;  // by recipient: ids of routes that have it told, a blank between two; may be empty
  const DoorVerdict& door;
  IpAddress client{};
  std::string_view helo_name = {};
  std::uint32_t trace_octets = 0;
};

// Record, delivery, an event for each recipient whose routes want one, and the inbound record.
store::NewMessage received_message(const ReceptionContext& context, const ReceivedFacts& facts);

}  // namespace postern::reception
