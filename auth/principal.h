// Principal: who authenticated, by which key, with what rights. A snapshot of the directory at one instant.
#pragma once

#include "core/ids.h"
#include "store/records.h"

#include <optional>
#include <string>
#include <vector>

namespace postern::auth {

struct Principal {
  KeyId key;
  AccountId account;
  std::string key_name;
  std::string account_name;
  Environment environment = Environment::Live;
  AccountMode account_mode = AccountMode::Sandbox;
  store::AccountState account_state = store::AccountState::Active;
  store::Permission permission = store::Permission::SendingAccess;
  store::Plan plan;
  std::optional<std::uint32_t> key_per_second;  // the key's own rate, below the plan's
  std::vector<std::string> from_domains;  // normalised; the key's if it names any, else the account's; empty: any domain
  bool has_own_domains = false;           // from_domains are the key's: it sees the account's mail from them only
  bool has_networks = false;              // it works from some networks only
  std::string blind_copy_to = {};         // an address that gets its live messages too; empty: none
};

}  // namespace postern::auth
