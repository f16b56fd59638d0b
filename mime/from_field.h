// The From field as every reader takes it. Mail readers, filters and MTAs read odd fields in different ways, and a key that is
// kept to its domains must not show another one to any of them: what two of them could read differently is not read at all.
#pragma once

#include "core/mailbox.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mime {

enum class FromFault {
  Empty,
  NoDomain,  // "root", "root (Cron Daemon)"
  Unclear,   // readers differ: groups, routes, blanks or comments within an address, unbalanced quotes, control characters …
};

struct FromField {
  std::vector<Mailbox> authors;
  // Normalised: of the authors, and of every address that stands in a display name or a comment, encoded or not, since some readers
  // show or believe that one. Empty where there is a fault.
  std::vector<std::string> domains;
  std::optional<FromFault> fault;
};

// `value`: what stands behind the colon, with its folds. Pure.
FromField read_from_field(std::string_view value);

// Its domains; nullopt: there is a fault.
std::optional<std::vector<std::string>> address_domains(std::string_view value);

}  // namespace postern::mime
