// What a key or a webhook that is limited to From domains sees of its account's mail. Pure.
#pragma once

#include "store/records.h"

#include <span>
#include <string>

namespace postern::events {

// The reverse-path, if there is one, and every address of the From header are of `domains`. What cannot be told is not: a message
// of which neither is known, or an address where a reader could see another one. No domains: all mail is.
bool is_mail_of(const store::MessageRecord& message, std::span<const std::string> domains);

}  // namespace postern::events
