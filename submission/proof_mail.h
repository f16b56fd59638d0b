// The mail that asks an address whether it agrees (auth/address_proof): a notification of this relay, with a link and a code.
#pragma once

#include "auth/address_proof.h"
#include "core/random.h"
#include "store/store.h"

#include <functional>
#include <string>

namespace postern::submission {

struct ProofMailSettings {
  std::string hostname;
  std::string public_url;  // what links begin with: "https://relay.example.net", no slash at its end
};

// The content: header and body, CRLF line ends.
std::string format_proof_mail(const auth::ProofMail& mail, const ProofMailSettings& settings, const std::string& message_id,
                              Instant now);

// Spools it; returns when it is synced. `wake_queue` is told of it. On a worker: it blocks.
Result<void> send_proof_mail(const auth::ProofMail& mail, const ProofMailSettings& settings, store::Store& store, Random& random,
                             Instant now, const std::function<void(const store::DueEntry&)>& wake_queue);

}  // namespace postern::submission
