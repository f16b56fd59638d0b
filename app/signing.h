// The private keys of domains in a server: sealed in the store, and read where something is signed.
#pragma once

#include "app/settings.h"
#include "domains/dkim_signer.h"
#include "domains/key_seal.h"
#include "store/directory.h"

namespace postern::app {

// The seal on signing keys, with which a store of before it is sealed now.
Result<domains::KeySeal> open_seal(const Settings& settings, store::Directory& directory);

// An account's domain with its private keys; of one that is looked up as another account's only the name counts. `directory`
// outlives it.
domains::DkimSigner::FindDomain make_find_domain(const store::Directory& directory, const domains::KeySeal& seal);

}  // namespace postern::app
