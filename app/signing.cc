#include "app/signing.h"

#include "app/config_values.h"
#include "core/log.h"
#include "core/random.h"
#include "domains/dkim_keys.h"

#include <cstdint>
#include <string_view>

namespace postern::app {

Result<domains::KeySeal> open_seal(const Settings& settings, store::Directory& directory) {
  SystemRandom random;
  auto seal = domains::KeySeal::open(seal_file(settings), random);
  if (!seal) return seal;
  const auto sealed = domains::seal_stored_keys(directory, *seal, random);
  if (!sealed) {
    // A full disk, say: what is not sealed yet is still read.
    log::write(log::Level::Warning, "domains_not_migrated", {{"error", sealed.error().message()}});
  } else if (*sealed > 0) {
    log::write(log::Level::Info, "domains_migrated", {{"count", std::uint64_t{*sealed}}});
  }
  return seal;
}

domains::DkimSigner::FindDomain make_find_domain(const store::Directory& directory, const domains::KeySeal& seal) {
  return [&directory, seal](const AccountId& account, std::string_view name) {
    auto domain = directory.find_domain_named(account, name);
    if (!domain || !*domain || account == store::kVerifiedOwner) return domain;
    if (Result<void> unsealed = seal.unseal(**domain); !unsealed) {
      domains::wipe_private_keys(**domain);
      domain = unsealed.error();
    }
    return domain;
  };
}

}  // namespace postern::app
