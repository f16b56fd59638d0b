// To whom a message that came by SMTP says it goes, for lists and events. Nothing is decided by it. Pure.
#pragma once

#include "core/envelope.h"
#include "mime/header_scan.h"

#include <string>
#include <vector>

namespace postern::mime {

inline constexpr std::size_t kMaxListedAddressees = 50;  // of each list: a record stays small

struct AddresseeSummary {
  std::vector<std::string> to;   // of the header's To fields, "local@domain"
  std::vector<std::string> cc;
  std::vector<std::string> bcc;  // of the envelope, in neither field
};

// All empty where the header names nobody. Requires a complete scan.
AddresseeSummary summarise_addressees(const HeaderScan& header, const Envelope& envelope);

}  // namespace postern::mime
